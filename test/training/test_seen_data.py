# SPDX-License-Identifier: Apache-2.0
"""Who measures weights on clips that made them is told so."""

from dataclasses import asdict
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
        (".", "val", "were chosen as the best of their run on clips of this folder"),
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


@pytest.mark.parametrize(
    ("root", "asked", "words"),
    [
        ("data/clips", "here/data/clips", "learned from"),
        ("data/clips", "here/data/clips/cups", "learned from"),
        ("data/clips/cups", "here/data/clips", "learned from"),
        ("data/clips", "here", "learned from"),
        ("./data/../clips", "here/clips", "learned from"),
        ("../data/clips", "here/data/clips", "learned from"),
        ("data/clips", "link", "learned from"),
        ("link", "link", "learned from"),
        ("data/clips", "here/data/others", ""),
        ("data/clips", "here/clips", ""),
        ("data/clips", "nothing", ""),
    ],
)
def test_they_are_known_wherever_the_command_runs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    root: str,
    asked: str,
    words: str,
) -> None:
    (tmp_path / "here/data/clips/cups").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "here/data/clips")
    (tmp_path / "elsewhere/below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "elsewhere/below")
    learned = {"train": [{"root": root, "split": "train"}]}
    for start in (tmp_path, Path("../..")):
        source = DataSource(root=str(start / asked), split="train")
        warn_of_seen({"run": {"data": learned}}, source)
        said = capsys.readouterr().err
        assert words in said
        assert bool(said) == bool(words)


@pytest.mark.parametrize(
    ("kind", "one", "other", "apart"),
    [
        ("umd", "train", "test", True),
        ("umd", "novel_train", "novel_test", True),
        ("umd", "train_all", "test", True),
        ("umd", "novel_train", "novel_test_all", True),
        ("umd", "train_all", "train", False),
        ("umd", "train", "novel_train", False),
        ("umd", "train", "novel_test", False),
        ("umd", "novel_train_all", "test", False),
        ("iit_aff", "train", "val", True),
        ("iit_aff", "train", "test", True),
        ("iit_aff", "val", "test", True),
        ("iit_aff", "train_and_val", "test", True),
        ("iit_aff", "train_and_val", "val", False),
        ("iit_aff", "train_and_val", "train", False),
        ("sor3d_aff", "train", "val", True),
        ("utkinect", "odd", "even", True),
        ("utkinect", "odd", "", False),
        ("clips", "train", "my_own", True),
        ("clips", "train_all", "train", True),
    ],
)
def test_splits_share_pictures_unless_their_layout_says_that_they_do_not(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    one: str,
    other: str,
    apart: bool,
) -> None:
    for learned, asked in ((one, other), (other, one)):
        data = {"train": [asdict(DataSource(kind, str(tmp_path), learned))]}
        warn_of_seen({"run": {"data": data}}, DataSource(kind, str(tmp_path), asked))
        assert ("learned from" in capsys.readouterr().err) != apart


def test_splits_of_two_kinds_in_one_folder_may_share_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = {"train": [asdict(DataSource("sor3d_aff", str(tmp_path), "train"))]}
    warn_of_seen({"run": {"data": data}}, DataSource("clips", str(tmp_path), "test"))
    assert "learned from" in capsys.readouterr().err


def test_what_made_either_half_of_a_mean_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = DataSource(root=str(tmp_path), split="train")
    mean = {"of": [{"name": "one", "recipe": recipe(tmp_path)}, {"name": "other"}]}
    deeper = {"of": ["a name alone", {"name": "a mean", "mean": mean}]}
    for made in ({"mean": mean}, {"mean": deeper}, {"starts_from": {"recipe": {"mean": mean}}}):
        warn_of_seen(made, source)
        assert "learned from" in capsys.readouterr().err


def test_clips_that_weights_were_balanced_on_are_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = DataSource(root=str(tmp_path), split="train")
    warn_of_seen({"starts_from": {"recipe": {"balanced_on": [asdict(source)]}}}, source)
    assert "were balanced on clips of this folder" in capsys.readouterr().err


def test_weights_without_a_recipe_have_seen_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warn_of_seen({}, DataSource(root=str(tmp_path)))
    assert not capsys.readouterr().err


def test_a_folder_of_a_user_who_is_unknown_here_holds_none_of_them(tmp_path: Path) -> None:
    data = {"train": [{"root": "~nobody-of-this-name/clips", "split": "train"}]}
    warn_of_seen({"run": {"data": data}}, DataSource(root=str(tmp_path), split=""))
