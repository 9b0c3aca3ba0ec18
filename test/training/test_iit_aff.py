# SPDX-License-Identifier: Apache-2.0
"""IIT-AFF: its lists, its depth and labels as text."""

import numpy as np
import pytest
from published_layouts import SIZE, scan

from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.training.datasets.check import check_data

LABELS = LabelSet()


def test_iit_lists_are_its_splits(iit):
    def names(split):
        return [sequence.name for sequence in scan("iit_aff", iit, split)[0]]

    assert names("train") == ["00_1"]  # none that it is validated with
    assert (names("val"), names("train_and_val")) == (["00_2"], ["00_1", "00_2"])
    assert names("test") == ["00_3"]


def test_iit_cannot_train_without_what_it_is_validated_with_where_nothing_tells_which(iit):
    (iit / "val.txt").unlink()
    sequences, problems = scan("iit_aff", iit, "train")
    assert not sequences
    assert str(problems[0]).endswith(": val.txt is missing")


def test_iit_names_what_its_lists_lack_when_it_is_checked(iit):
    (iit / "val.txt").write_bytes(b"\xff\xfe")
    (iit / "test.txt").write_text("00_9.jpg\n")
    problems = "; ".join(map(str, check_data(iit, LABELS, progress=False).problems))
    assert "val.txt cannot be read" in problems
    assert "00_9.jpg is missing" in problems


def test_iit_depth_in_metres_becomes_millimetres(iit):
    (sequence, *_), _ = scan("iit_aff", iit, "train")
    assert (sequence.frame(0).depth.raw == 1250).all()


def test_iit_names_what_a_list_promises_and_nobody_brings(iit):
    (iit / "deep/00_2.txt").unlink()
    sequences, problems = scan("iit_aff", iit, "train_and_val")
    assert len(sequences) == 1
    assert "00_2.txt is missing" in problems[0].what


def test_iit_names_a_label_that_is_no_id(iit):
    np.savetxt(iit / "affordances_labels/00_1.txt", np.full(SIZE, 1.5), fmt="%g")
    report = check_data(iit, LABELS, progress=False)
    assert any("are not label ids" in str(each) for each in report.problems)


def test_iit_labels_of_ids_that_it_does_not_name_are_a_problem(iit):
    np.savetxt(iit / "affordances_labels/00_1.txt", np.full(SIZE, 42), fmt="%g")
    report = check_data(iit, LABELS, progress=False)
    (problem,) = report.problems
    assert "all of the label is ignored" in str(problem)


@pytest.mark.parametrize("name", ["deep/00_1.txt", "affordances_labels/00_1.txt"])
def test_iit_names_an_empty_file(iit, name):
    (iit / name).write_text("")
    report = check_data(iit, LABELS, progress=False)
    assert any(f"{name} is damaged: it is empty" in str(each) for each in report.problems)


def test_a_label_of_another_size_is_a_problem(iit):
    np.savetxt(iit / "affordances_labels/00_1.txt", np.zeros((3, 3)), fmt="%g")
    report = check_data(iit, LABELS, progress=False)
    assert any(
        "label 3x3; expected 16x12, the size of its colour" in str(each) for each in report.problems
    )
