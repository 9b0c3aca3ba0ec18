# SPDX-License-Identifier: Apache-2.0
"""Who measures weights on clips that made them is told so."""

from pathlib import Path

import pytest

from affordance_seg_ros.training.datasets.data_source import DataSource
from affordance_seg_ros.training.seen_data import warn_of_seen


def recipe(root: Path) -> dict[str, object]:
    train = [{"root": str(root), "split": "train"}]
    data = {"train": train, "validation": [{"root": str(root), "split": "val"}]}
    return {"run": {"data": data}}


@pytest.mark.parametrize(
    ("folder", "split", "words"),
    [
        (".", "val", "were chosen, as the best of their run, by clips of this folder"),
        (".", "train", "learned from clips"),
        ("cups", "val", "were chosen"),
        ("..", "", "learned from"),
        (".", "test", ""),
        ("../other", "val", ""),
    ],
)
def test_clips_that_had_a_part_in_weights_are_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str, split: str, words: str
) -> None:
    own = tmp_path / "own"
    source = DataSource(root=str(own / folder), split=split)
    for made in (recipe(own), {"starts_from": {"recipe": recipe(own)}}):
        warn_of_seen(made, source)
        said = capsys.readouterr().err
        assert words in said
        assert bool(said) == bool(words)


def test_weights_without_a_recipe_have_seen_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warn_of_seen({}, DataSource(root=str(tmp_path)))
    assert not capsys.readouterr().err


def test_a_folder_of_a_user_who_is_unknown_here_holds_none_of_them(tmp_path: Path) -> None:
    data = {"train": [{"root": "~nobody-of-this-name/clips", "split": "train"}]}
    warn_of_seen({"run": {"data": data}}, DataSource(root=str(tmp_path), split=""))
