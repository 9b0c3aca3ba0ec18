# SPDX-License-Identifier: Apache-2.0
"""A constant makes weights prefer neither of two actions, and changes nothing else."""

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import balance_actions
import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.special import expit
from tiny_clips import write_clips

from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.model.checkpoint import (
    Checkpoint,
    load_weights,
    save_checkpoint,
    untrained,
)
from affordance_seg_ros.model.initialisation import xavier_initialise
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.training.datasets.data_source import DataSource
from affordance_seg_ros.training.run_data import find_sequences
from affordance_seg_ros.training.seen_data import warn_of_seen


def test_the_constant_makes_probabilities_right_on_average() -> None:
    random = np.random.default_rng(0)
    second = np.arange(200) < 80
    margins = random.normal(np.where(second, 1.0, -1.0), 1.5) - 3.0  # 3 too low
    offset = balance_actions.likeliest_offset(margins, second)
    assert expit(margins + offset).mean() == pytest.approx(0.4)
    assert offset == pytest.approx(3.0, abs=0.7)


def test_one_action_alone_cannot_be_balanced() -> None:
    with pytest.raises(ConfigError, match="3 of 3 clips show the second action; expected both"):
        balance_actions.likeliest_offset(np.zeros(3), np.ones(3, bool))


def test_pairs_in_order_are_counted_whatever_the_constant() -> None:
    margins, second = np.array([0.0, 1.0, 2.0, 3.0, 1.0]), np.array([0, 0, 1, 1, 1], bool)
    # 2 and 3 lie above both others, 1 above one and level with the other.
    assert balance_actions.ordered_share(margins, second) == pytest.approx(5.5 / 6)
    assert balance_actions.ordered_share(margins - 9, second) == pytest.approx(5.5 / 6)


def test_only_one_score_changes() -> None:
    checkpoint = untrained("compact")
    shifted = balance_actions.with_offset(checkpoint, "squeeze", 1.5)
    before, after = checkpoint.network.state_dict(), shifted.network.state_dict()
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    assert changed == ["action_head.layer3.bias"]
    moved = after[changed[0]] - before[changed[0]]
    squeeze = checkpoint.network_config.labels.action_id("squeeze")
    assert moved.nonzero().flatten().tolist() == [squeeze]
    assert moved[squeeze] == pytest.approx(1.5)
    assert shifted.card.recipe["added_to_score"] == {"squeeze": 1.5}
    again = balance_actions.with_offset(shifted, "squeeze", 0.25)
    assert again.card.recipe["added_to_score"] == {"squeeze": 1.75}


@pytest.fixture(autouse=True)
def _prepared_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is fastest on a CPU takes longer to prepare than these few frames."""
    monkeypatch.setattr(
        balance_actions, "PipelineConfig", partial(PipelineConfig, network_backend="eager")
    )


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one clip each of lift, push and grasp."""
    return write_clips(tmp_path_factory.mktemp("clips"), 3, split="train")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights, of a network that is quick."""
    checkpoint = untrained("compact")
    config = replace(checkpoint.network_config, width=4)
    network = AffordanceNetwork(config)
    xavier_initialise(network, torch.Generator().manual_seed(0))
    size = replace(checkpoint.input_config, height=32, width=40)
    path = tmp_path_factory.mktemp("small") / "small.safetensors"
    save_checkpoint(path, Checkpoint(network.eval(), config, size, checkpoint.card))
    return path


def test_the_constant_moves_the_margins_that_it_was_found_with(small: Path, clips: Path) -> None:
    plain = load_weights(str(small), "cpu")
    found = find_sequences([DataSource(root=str(clips))], plain.network_config.labels)

    def measure(checkpoint: Checkpoint) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        alone, after, second = balance_actions.measure_margins(
            checkpoint, found, ("push", "lift"), found
        )
        return np.concatenate((alone, after)), np.tile(second, 2)

    margins, second = measure(plain)
    biased = balance_actions.with_offset(plain, "lift", 2.0)
    offset = balance_actions.likeliest_offset(*measure(biased))
    assert offset == pytest.approx(
        balance_actions.likeliest_offset(margins, second) - 2.0, abs=1e-3
    )
    balanced, _ = measure(balance_actions.with_offset(biased, "lift", offset))
    np.testing.assert_allclose(balanced, margins + 2.0 + offset, atol=1e-3)
    assert expit(balanced).mean() == pytest.approx(second.mean(), abs=1e-3)


def test_clips_of_both_actions_give_a_file(
    small: Path, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "balanced.safetensors"
    given = [str(small), "--clips", str(clips), "--out", str(out)]
    assert balance_actions.main([*given, "--actions", "push", "lift"]) == 0
    told = capsys.readouterr().out
    assert "of 1 push" in told
    assert "of 1 lift" in told
    assert "after another" not in told
    recipe = load_weights(str(out), "cpu").card.recipe
    assert recipe["added_to_score"].keys() == {"lift"}
    assert recipe["balanced_on"] == [asdict(DataSource(root=str(clips), split="train"))]
    assert balance_actions.main([*given, "--actions", "push", "squeeze"]) == 2
    assert "0 of 1 clips show the second action" in capsys.readouterr().err
    assert balance_actions.main([*given, "--actions", "push", "sing"]) == 2
    assert "action sing; expected two of cut, grasp" in capsys.readouterr().err


def test_what_follows_another_clip_has_a_part_in_the_constant(
    small: Path, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others = write_clips(tmp_path / "others", 2, split="train", first_seed=10)
    checkpoint = load_weights(str(small), "cpu")
    found, before = (
        find_sequences([DataSource(root=str(each))], checkpoint.network_config.labels)
        for each in (clips, others)
    )
    measured = balance_actions.measure_margins(checkpoint, found, ("push", "lift"), before)
    assert sorted(measured.second) == [False, True]
    assert not np.isclose(measured.alone, measured.after, rtol=1e-3, atol=0).any()
    out = tmp_path / "balanced.safetensors"
    given = [str(small), "--clips", str(clips), "--before", str(others), "--out", str(out)]
    assert balance_actions.main([*given, "--actions", "push", "lift"]) == 0
    assert "after another, with the offset: " in capsys.readouterr().out
    expected = balance_actions.likeliest_offset(
        np.concatenate((measured.alone, measured.after)), np.tile(measured.second, 2)
    )
    recipe = load_weights(str(out), "cpu").card.recipe
    assert recipe["added_to_score"]["lift"] == pytest.approx(expected, abs=2e-3)
    for folder in (clips, others):
        warn_of_seen(recipe, DataSource(root=str(folder), split="train"))
        assert f"{folder}, split 'train': these weights were balanced on" in capsys.readouterr().err
