# SPDX-License-Identifier: Apache-2.0
"""A weight file gets the figures that were measured of it, and of no other."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
import write_card

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.model.checkpoint import load_checkpoint, untrained
from affordance_seg_ros.model.checkpoint import save_checkpoint as save
from affordance_seg_ros.model.fingerprint import fingerprint


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    file = tmp_path / "weights.safetensors"
    save(file, untrained("compact"), dtype=torch.float16)
    return file


@pytest.fixture
def evaluation(tmp_path: Path, weights: Path) -> Callable[..., str]:
    """Return a function that writes an evaluation of `weights`, changed as asked."""
    measured = fingerprint(load_checkpoint(weights, "cpu").network)

    def write(name: str, **changed: Any) -> str:
        scores = {
            "iou_mean": 0.71239,
            "f1_mean": 0.8,
            "f1_paper_weighted": 0.8,
            "fw_margolin": None,
            "action_top1": 0.95,
            "interval_95": {"iou_mean": [0.65051, None]},
            "per_class": {},
        }
        document = {
            "weights": {"fingerprint": measured},
            "until": "end",
            "target": "demonstrated",
            "data": {"kind": "clips", "root": "data/measured/val", "split": "val"},
            "limit": 0,
            "clips": 50,
            "unreadable": [],
            "left_out": [],
            "estimator": "primal_dual",
            "flow": asdict(FlowConfig(estimator="primal_dual")),
            "min_confidence": 0.75,
            "video": scores,
            "static": {**scores, "iou_mean": 0.2},
        }
        (tmp_path / name).write_text(json.dumps({**document, **changed}))
        return str(tmp_path / name)

    return write


def test_evaluations_become_metrics_of_the_file(
    weights: Path, evaluation: Callable[..., str], tmp_path: Path
) -> None:
    files = [
        evaluation("end.json"),
        evaluation(
            "dis.json",
            estimator="dis",
            flow=asdict(FlowConfig(estimator="dis")),
            min_confidence=0.0,
        ),
        evaluation("acting.json", until="acting"),
    ]
    out = tmp_path / "carded.safetensors"
    arguments = [str(weights), "--name", "rendered-1", "--description", "Good.", "--out", str(out)]
    assert write_card.main([*arguments, "--metrics", "val, 50 clips", *files]) == 0
    card = load_checkpoint(out, "cpu").card
    assert (card.name, card.description, card.trained) == ("rendered-1", "Good.", False)
    end = card.metrics["val, 50 clips, to their end, demonstrated part"]
    assert list(end) == [
        "primal-dual flow, min_confidence 0.75",
        "DIS flow, min_confidence 0",
    ]
    ways = end["DIS flow, min_confidence 0"]
    assert (ways["video"]["iou_mean"], ways["static"]["iou_mean"]) == (0.712, 0.2)
    assert ways["video"]["interval_95"] == {"iou_mean": [0.651, None]}
    assert ways["video"]["fw_margolin"] is None
    assert "val, 50 clips, cut while acting, demonstrated part" in card.metrics


def test_a_part_of_the_clips_and_other_options_of_the_flow_are_named(
    weights: Path, evaluation: Callable[..., str], tmp_path: Path
) -> None:
    less = asdict(FlowConfig(estimator="primal_dual", budget=0.5, iterations=40))
    file = evaluation("less.json", limit=20, clips=20, flow=less)
    out = tmp_path / "carded.safetensors"
    assert write_card.main([str(weights), "--metrics", "val", file, "--out", str(out)]) == 0
    (title, measured), *_ = load_checkpoint(out, "cpu").card.metrics.items()
    assert title == "val, 20 of them, to their end, demonstrated part"
    assert list(measured) == [
        "primal-dual flow with iterations 40, budget 0.5, min_confidence 0.75"
    ]


@pytest.mark.parametrize("changed", [{"clips": 12}, {"data": {"root": "data/measured/test"}}])
def test_one_title_stands_for_one_set_of_clips(
    weights: Path,
    evaluation: Callable[..., str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changed: dict[str, Any],
) -> None:
    files = [evaluation("val.json"), evaluation("other.json", min_confidence=0.0, **changed)]
    said = refusal(weights, tmp_path, capsys, "val, 50 clips", *files)
    assert "val, 50 clips: 50 clips of {'kind'" in said
    assert "expected the same clips" in said


@pytest.mark.parametrize("lost", ["unreadable", "left_out"])
def test_figures_of_some_of_the_clips_are_refused(
    weights: Path,
    evaluation: Callable[..., str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    lost: str,
) -> None:
    file = evaluation("val.json", **{lost: ["val_007/clip.json: no JSON"]})
    said = refusal(weights, tmp_path, capsys, "val, 50 clips", file)
    assert "val.json leaves out 1 clips, such as val_007/clip.json: no JSON; expected all" in said


def test_without_evaluations_the_figures_stay(
    weights: Path, evaluation: Callable[..., str], tmp_path: Path
) -> None:
    first, second = (tmp_path / f"{name}.safetensors" for name in ("first", "second"))
    measured = ["--metrics", "val", evaluation("end.json")]
    assert write_card.main([str(weights), *measured, "--out", str(first)]) == 0
    assert write_card.main([str(first), "--name", "other", "--out", str(second)]) == 0
    before, after = (load_checkpoint(file, "cpu").card for file in (first, second))
    assert after.name == "other"
    assert after.metrics == before.metrics != {}


def refusal(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], *metrics: str
) -> str:
    """Return what is said of metrics that no card gets."""
    out = tmp_path / "carded.safetensors"
    assert write_card.main([str(weights), "--metrics", *metrics, "--out", str(out)]) == 2
    assert not out.exists()
    return capsys.readouterr().err


def test_figures_of_other_weights_are_refused(
    weights: Path,
    evaluation: Callable[..., str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = evaluation("other.json", weights={"fingerprint": "0123456789abcdef"})
    said = refusal(weights, tmp_path, capsys, "val", other)
    assert "other.json evaluates weights 0123456789abcdef; expected " in said


def test_figures_of_more_exact_weights_are_refused(
    evaluation: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exact = tmp_path / "exact.safetensors"
    save(exact, untrained("compact"))
    of_exact = fingerprint(load_checkpoint(exact, "cpu").network)
    measured = evaluation("exact.json", weights={"fingerprint": of_exact})
    assert f"evaluates weights {of_exact}" in refusal(exact, tmp_path, capsys, "val", measured)


@pytest.mark.parametrize("between", [[], ["--metrics", "val"]])
def test_the_same_setting_twice_is_refused(
    weights: Path,
    evaluation: Callable[..., str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    between: list[str],
) -> None:
    one, two = evaluation("one.json"), evaluation("two.json")
    said = refusal(weights, tmp_path, capsys, "val", one, *between, two)
    assert "measured twice; expected one evaluation of it" in said


def test_a_title_without_a_file_is_refused(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "'val' without a file; expected" in refusal(weights, tmp_path, capsys, "val")


def test_an_evaluation_that_lacks_what_it_measured_is_refused(
    weights: Path,
    evaluation: Callable[..., str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = Path(evaluation("old.json"))
    document = json.loads(file.read_text())
    del document["until"]
    file.write_text(json.dumps(document))
    assert "old.json lacks until" in refusal(weights, tmp_path, capsys, "val", str(file))


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"weights": {}}'])
def test_what_is_no_evaluation_is_refused(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    file = tmp_path / "some.json"
    file.write_text(text)
    said = refusal(weights, tmp_path, capsys, "val", str(file))
    assert "some.json; expected a file of affordance-seg evaluate --json" in said
