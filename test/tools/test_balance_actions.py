# SPDX-License-Identifier: Apache-2.0
"""A constant makes weights prefer neither of two actions, and changes nothing else."""

from pathlib import Path

import balance_actions
import numpy as np
import pytest
import torch
from scipy.special import expit
from tiny_clips import write_clips

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.model.checkpoint import load_weights, untrained
from affordance_seg_ros.training.datasets.data_source import DataSource
from affordance_seg_ros.training.run_data import find_sequences


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


def test_clips_of_both_actions_give_a_file(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_clips(tmp_path / "clips", 3, split="train")  # lift, push and grasp
    out = tmp_path / "balanced.safetensors"
    given = ["untrained:compact", "--clips", str(tmp_path / "clips"), "--out", str(out)]
    assert balance_actions.main([*given, "--actions", "push", "lift"]) == 0
    told = capsys.readouterr().out
    assert "of 1 push" in told
    assert "of 1 lift" in told
    assert "after another" not in told
    assert load_weights(str(out), "cpu").card.recipe["added_to_score"].keys() == {"lift"}
    assert balance_actions.main([*given, "--actions", "push", "squeeze"]) == 2
    assert "0 of 1 clips show the second action" in capsys.readouterr().err
    assert balance_actions.main([*given, "--actions", "push", "sing"]) == 2
    assert "action sing; expected two of cut, grasp" in capsys.readouterr().err


def test_what_follows_another_clip_has_a_part_in_the_constant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_clips(tmp_path / "clips", 3, split="train")  # lift, push and grasp
    checkpoint = untrained("compact")
    clips = find_sequences(
        [DataSource(root=str(tmp_path / "clips"), split="train")], checkpoint.network_config.labels
    )
    measured = balance_actions.measure_margins(checkpoint, clips, ("push", "lift"), clips)
    assert sorted(measured.second) == [False, True]
    assert not np.isclose(measured.alone, measured.after, rtol=1e-3, atol=0).any()
    out = tmp_path / "balanced.safetensors"
    given = ["untrained:compact", "--clips", str(tmp_path / "clips"), "--actions", "push", "lift"]
    both = [*given, "--before", str(tmp_path / "clips"), "--out", str(out)]
    assert balance_actions.main(both) == 0
    assert "after another, with it: " in capsys.readouterr().out
    expected = balance_actions.likeliest_offset(
        np.concatenate((measured.alone, measured.after)), np.tile(measured.second, 2)
    )
    added = load_weights(str(out), "cpu").card.recipe["added_to_score"]["lift"]
    assert added == pytest.approx(expected, abs=2e-3)
