# SPDX-License-Identifier: Apache-2.0
"""SOR3D-AFF: its folders, its names, its masks of colours."""

import numpy as np
import pytest
from published_layouts import scan, sor3d_mask, write_depth, write_rgb

from affordance_seg_ros.config import InputConfig
from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.labels import IGNORE, LabelSet
from affordance_seg_ros.training.datasets.check import check_data
from affordance_seg_ros.training.datasets.data_source import DataSource
from affordance_seg_ros.training.datasets.pictures import Pictures
from affordance_seg_ros.training.datasets.sor3d_aff import MASK_COLORS_RGB, mask_ids

LABELS = LabelSet()


def test_sor3d_frames_end_before_the_mask(sor3d):
    sequences, _ = scan("sor3d_aff", sor3d, "train")
    assert [len(each) for each in sequences] == [3, 3]
    assert sequences[0].frame(2).color[0, 0, 0] == 130


def test_sor3d_action_is_the_second_word_and_the_object_the_last(sor3d):
    sequences, _ = scan("sor3d_aff", sor3d, "train")
    uses = [(each.action, each.object_name) for each in sequences]
    assert uses == [("lift", "cup"), ("rotate", "cup")]


def test_a_map_of_sor3d_may_be_in_any_order_and_silent_of_actions(sor3d, tmp_path):
    path = tmp_path / "map.yaml"
    names = ["type", "squeeze", "rotate", "push", "paint", "lift", "hammer", "grasp", "cut"]
    path.write_text("affordances:\n" + "".join(f"  {name}: {name}\n" for name in names))
    ((sequence,), problems, *_) = DataSource("sor3d_aff", str(sor3d), "val", str(path)).scan(LABELS)
    assert not problems
    assert sequence.action == "cut"
    assert set(np.unique(sequence.demonstrated(-1))) == {0, LABELS.label_id("cut")}


def test_sor3d_only_the_last_frame_is_labelled(sor3d):
    (sequence, _), _ = scan("sor3d_aff", sor3d, "train")
    assert sequence.demonstrated(1) is None
    label = sequence.demonstrated(-1)
    assert label[3, 4] == LABELS.label_id("lift")
    assert label[0, 0] == label[-1, -1] == 0


@pytest.mark.parametrize("action", MASK_COLORS_RGB)
def test_every_mask_colour_becomes_its_label(action):
    assert mask_ids(sor3d_mask(action))[3, 4] == LABELS.label_id(action)


def test_a_colour_between_two_labels_is_ignored():
    assert (mask_ids(np.full((2, 2, 3), (0, 255, 50), np.uint8)) == IGNORE).all()


def test_sor3d_names_the_folder_without_depth(sor3d):
    for path in (sor3d / "val/S01_cut_slow_cup/depth").iterdir():
        path.unlink()
    _, problems = scan("sor3d_aff", sor3d, "val")
    assert "S01_cut_slow_cup: depth/ holds 0 PNG files for 3 frames" in str(problems[0])


@pytest.mark.parametrize(
    ("name", "words"),
    [("S01_cut", "expected <subject>_<action>"), ("S01_stir_slow_cup", "action 'stir'")],
)
def test_sor3d_names_the_folder_whose_name_says_nothing(sor3d, name, words):
    (sor3d / "val/S01_cut_slow_cup").rename(sor3d / "val" / name)
    sequences, problems = scan("sor3d_aff", sor3d, "val")
    assert not sequences
    assert words in problems[0].what


@pytest.mark.parametrize("keep", [False, True])
def test_a_mask_of_another_size_than_its_clip_is_not_stretched(sor3d, keep):
    (sequence, *_), _ = scan("sor3d_aff", sor3d, "train")
    mask = sor3d / f"train/{sequence.name}/rgb/0003_mask.png"
    write_rgb(mask, sor3d_mask("lift")[:10])
    pictures = Pictures(InputConfig(height=32, width=32), LABELS.affordances, keep=keep)
    with pytest.raises(SourceError, match=f"{sequence.name}, frame 2: label 16x10; expected 16x12"):
        pictures.read(sequence, 2, "demonstrated")


def test_sor3d_names_the_folder_with_more_depth_than_colour(sor3d):
    write_depth(sor3d / "val/S01_cut_slow_cup/depth/0009.png")
    _, problems = scan("sor3d_aff", sor3d, "val")
    assert "S01_cut_slow_cup: depth/ holds 4 PNG files for 3 frames" in str(problems[0])


def test_sor3d_hidden_files_are_no_frames(sor3d):
    (sor3d / "val/S01_cut_slow_cup/rgb/.DS_Store").write_bytes(b"")
    ((sequence,), problems) = scan("sor3d_aff", sor3d, "val")
    assert (len(sequence), problems) == (3, ())


def test_sor3d_refuses_an_unknown_split(sor3d):
    _, problems = scan("sor3d_aff", sor3d, "test")
    assert "split 'test'; expected train, val, or '' for both" in problems[0].what


def test_sor3d_masks_of_other_colours_are_a_problem(sor3d):
    mask = sor3d / "val/S01_cut_slow_cup/rgb/0003_mask.png"
    write_rgb(mask, sor3d_mask("cut")[..., ::-1])
    (problem,) = check_data(sor3d, LABELS, progress=False).problems
    assert "S01_cut_slow_cup: frame 2: " in str(problem)
    assert "0003_mask.png holds no colour of an affordance" in str(problem)
