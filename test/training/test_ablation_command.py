# SPDX-License-Identifier: Apache-2.0
"""`affordance-seg train --ablation`, as a user calls it."""

import json
import shutil

import pytest
import torch

from affordance_seg_ros.cli import main
from affordance_seg_ros.model.checkpoint import load_checkpoint, save_checkpoint


@pytest.fixture(scope="module")
def ablation(clips):
    """Return a function that trains rows of the ablation for one step."""
    settings = [
        "threads=1", "network.width=4", "initialise={}", "input.height=32", "input.width=40",
        "data.workers=0",
        f"data.train=[{{root: {clips}, split: train}}]",
        f"data.validation=[{{root: {clips}, split: val}}]", "data.validation_limit=1",
        "stages=[{name: clips, frames: 2, epochs: 1, batch_size: 9}]",
    ]  # fmt: skip

    def train(out, *arguments, sets=()):
        given = ["--config", "ablation", "--out", str(out), "--quiet", *arguments]
        return main(["train", *given, "--set", *settings, *sets])

    return train


def test_comparisons_share_a_folder_and_the_row_that_they_have_in_common(ablation, tmp_path):
    assert ablation(tmp_path, "--ablation") == 0
    rows = json.loads((tmp_path / "table_3.json").read_text())
    assert len(rows) == 6
    assert (tmp_path / "table_3.md").read_text().count("\n| rgb") == 6
    common = tmp_path / "rgbd_attention_flow3d" / "seed_0" / "weights.safetensors"
    before = common.stat().st_mtime_ns
    bare = ("--rows", "rgbd_attention_flow3d", "rgbd_flow3d_no_context")
    for name, chosen, count in (("open_choices", (), 7), ("attention", bare, 2)):
        assert ablation(tmp_path, "--ablation", name, "--resume", *chosen) == 0
        compared = json.loads((tmp_path / f"{name}.json").read_text())
        assert len(compared) == count
        assert compared["rgbd_attention_flow3d"] == rows["rgbd_attention_flow3d"]
        assert (tmp_path / f"{name}.md").read_text().count("\n") == 2 + count
    assert common.stat().st_mtime_ns == before


def test_a_table_is_filled_row_by_row_and_seed_by_seed(ablation, tmp_path, capsys):
    assert ablation(tmp_path, "--ablation", "--rows", "rgbd") == 0
    assert ablation(tmp_path, "--ablation", "--rows", "rgb", "--seeds", "1", "2") == 0
    rows = json.loads((tmp_path / "table_3.json").read_text())
    assert {name: list(seeds) for name, seeds in rows.items()} == {"rgb": ["1", "2"], "rgbd": ["0"]}
    lines = (tmp_path / "table_3.md").read_text().splitlines()
    assert lines[2].count("±") == 3
    assert lines[2].endswith("| 2 |")
    assert lines[5].endswith("| 1 |")
    assert ablation(tmp_path, "--ablation", "--rows", "rgb", "--seeds", "1") == 2
    assert "holds a run already" in capsys.readouterr().err


def test_rows_of_another_recipe_are_not_put_into_one_table(ablation, tmp_path, capsys):
    assert ablation(tmp_path, "--ablation", "--rows", "rgb") == 0
    assert ablation(tmp_path, "--ablation", "--rows", "rgbd", sets=["epoch_scale=2.0"]) == 2
    assert "seed_0 was trained with another recipe" in capsys.readouterr().err


def test_rows_that_started_elsewhere_are_not_put_into_one_table(
    ablation, weights, tmp_path, capsys
):
    start = tmp_path / "start.safetensors"
    shutil.copy(weights, start)
    sets = [f"initialise={{weights: {start}, fitting: true}}"]
    assert ablation(tmp_path / "out", "--ablation", "--rows", "rgb", sets=sets) == 0
    checkpoint = load_checkpoint(start, "cpu")
    with torch.no_grad():
        next(checkpoint.network.parameters()).add_(1)
    save_checkpoint(start, checkpoint)
    assert ablation(tmp_path / "out", "--ablation", "--rows", "rgbd", "--resume", sets=sets) == 2
    assert "seed_0 started from weights" in capsys.readouterr().err
    (tmp_path / "out/rgb/seed_0/evaluation.json").unlink()  # as if it had been stopped midway
    assert ablation(tmp_path / "out", "--ablation", "--rows", "rgb", "--resume", sets=sets) == 2
    assert "seed_0 started from weights" in capsys.readouterr().err


def test_bad_seeds_are_refused_before_anything_is_trained(ablation, tmp_path, capsys):
    out = tmp_path / "out"
    assert ablation(out, "--ablation", "--rows", "rgb", "--seeds", "0", "-1") == 2
    assert "seed=-1" in capsys.readouterr().err
    assert not out.exists()


def test_an_ablation_takes_parts_away_from_a_whole_network(ablation, tmp_path, capsys):
    sets = ["network.flow=2d"]
    assert ablation(tmp_path, "--ablation", "open_choices", sets=sets) == 2
    expected = "flow=2d; expected appearance=rgbd, attention=True, flow=3d"
    assert expected in capsys.readouterr().err


def test_an_ablation_that_there_is_not_is_named(ablation, tmp_path, capsys):
    assert ablation(tmp_path, "--ablation", "table_4") == 2
    expected = "ablation 'table_4'; expected one of table_3, open_choices, attention"
    assert expected in capsys.readouterr().err
