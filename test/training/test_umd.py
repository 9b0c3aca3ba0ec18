# SPDX-License-Identifier: Apache-2.0
"""UMD part affordance: its splits and its labels of MATLAB."""

import numpy as np
import pytest
from published_layouts import SIZE, scan
from scipy.io import savemat

from affordance_seg_ros.labels import IGNORE, LabelSet
from affordance_seg_ros.training.datasets.check import check_data
from affordance_seg_ros.training.datasets.umd import scan_umd

LABELS = LabelSet()


def test_umd_category_split_is_by_its_first_column(umd):
    sequences, _ = scan("umd", umd, "train")
    assert [each.name for each in sequences] == ["mug_01_00000001", "mug_01_00000011"]
    sequences, _ = scan("umd", umd, "novel_train")
    assert {each.name[:3] for each in sequences} == {"saw"}


def test_umd_labels_are_mapped(umd):
    (sequence, *_), _ = scan("umd", umd, "train")
    label = sequence.affordances(0)
    expected = [0, 2, 1, IGNORE, IGNORE, 3, IGNORE, 2]
    assert list(label[0, :8]) == expected
    assert sequence.demonstrated(0) is None


def test_umd_names_the_picture_without_a_label(umd):
    (umd / "tools/mug_01/mug_01_00000011_label.mat").unlink()
    sequences, problems = scan("umd", umd, "train")
    assert len(sequences) == 1
    assert "mug_01_00000011: lacks label.mat" in str(problems[0])


def test_umd_names_what_its_lists_lack_when_it_is_checked(umd):
    (umd / "novel_split.txt").unlink()
    (umd / "category_split.txt").write_text("1 mug_01\n2 spoon_09\n")
    problems = "; ".join(map(str, check_data(umd, LABELS, progress=False).problems))
    assert "novel_split.txt is missing" in problems
    assert "spoon_09: holds no *_rgb.jpg" in problems


def test_umd_names_the_line_that_is_none(umd):
    (umd / "novel_split.txt").write_text("1 mug_01\n3 saw_02\n")
    (problem,) = check_data(umd, LABELS, progress=False).problems
    assert "novel_split.txt: line '3 saw_02'" in problem.what


def test_umd_says_how_much_of_its_labels_is_ignored(umd):
    report = check_data(umd, LABELS, progress=False)
    assert report.ignored_share == 3 / (SIZE[0] * SIZE[1])


def test_umd_refuses_an_unknown_split(umd):
    _, problems = scan("umd", umd, "val")
    assert "expected one of train, test" in problems[0].what


def test_umd_names_a_damaged_label(umd):
    (umd / "tools/mug_01/mug_01_00000001_label.mat").write_bytes(b"no")
    report = check_data(umd, LABELS, progress=False)
    assert any("label.mat is damaged" in str(each) for each in report.problems)


def test_umd_names_a_label_that_was_cut_off(umd):
    label = umd / "tools/mug_01/mug_01_00000001_label.mat"
    whole = label.read_bytes()
    for length in (100, 130, len(whole) - 3):
        label.write_bytes(whole[:length])
        report = check_data(umd, LABELS, progress=False)
        assert any("label.mat is damaged" in str(each) for each in report.problems)


def test_umd_labels_of_neighbours_are_taken_where_they_are_asked_for(umd):
    assert "1 in" in (found := scan_umd(umd, "train", None, LABELS)).left_out
    assert "split 'train_all' to include them" in found.left_out
    for split in ("train_all", ""):
        found = scan_umd(umd, split, None, LABELS)
        assert sum("mug" in each.name for each in found.sequences) == 3
        assert not found.left_out


def test_umd_labels_that_do_not_say_whose_they_are_are_taken(umd):
    savemat(umd / "tools/mug_01/mug_01_00000004_label.mat", {"gt_label": np.zeros(SIZE, np.uint8)})
    found = scan_umd(umd, "train", None, LABELS)
    assert len(found.sequences) == 3
    assert not found.left_out


@pytest.mark.parametrize("values", [np.full(SIZE, np.nan), np.full(SIZE, 256), np.array(["cut"])])
def test_umd_names_a_label_that_holds_no_ids(umd, values):
    savemat(umd / "tools/mug_01/mug_01_00000001_label.mat", {"gt_label": values})
    report = check_data(umd, LABELS, progress=False)
    assert any("label.mat holds numbers that are no" in str(each) for each in report.problems)


def test_umd_names_a_damaged_label_before_anything_is_learned(umd):
    (umd / "tools/mug_01/mug_01_00000001_label.mat").write_bytes(b"no")
    found = scan_umd(umd, "train", None, LABELS)
    assert len(found.sequences) == 1
    assert "00000001_label.mat is damaged" in str(found.problems[0])
    assert "1 in" in found.left_out
