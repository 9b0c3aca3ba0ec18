# SPDX-License-Identifier: Apache-2.0
"""UTKinect actions: its takes, its spans, its depth in XML."""

import pytest
from published_layouts import SIZE, scan

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.training.datasets.utkinect import read_opencv_xml


def test_utkinect_takes_the_frames_that_both_cameras_have(utkinect):
    sequences, problems = scan("utkinect", utkinect, "")
    assert [(each.name, len(each)) for each in sequences] == [
        ("s01_e01_walk", 3), ("s01_e01_sitDown", 1), ("s02_e01_walk", 2),
    ]  # fmt: skip
    assert not problems


def test_utkinect_colour_has_the_size_of_depth(utkinect):
    (sequence, *_), _ = scan("utkinect", utkinect, "")
    frame = sequence.frame(1)
    assert frame.color.shape[:2] == SIZE
    assert (frame.depth.raw == 2254).all()


def test_utkinect_splits_by_subject(utkinect):
    assert {each.name[:3] for each in scan("utkinect", utkinect, "even")[0]} == {"s02"}
    sequences, problems = scan("utkinect", utkinect, "train")
    assert not sequences
    assert "split 'train'; expected odd, even" in problems[0].what


def test_utkinect_names_a_line_that_it_cannot_read(utkinect):
    with (utkinect / "actionLabel.txt").open("a") as file:
        file.write("jump: 1 2\n")
    _, problems = scan("utkinect", utkinect, "")
    assert "line 7 'jump: 1 2'" in problems[0].what


@pytest.mark.parametrize("line", ["push: inf inf", "push: a b", "push: 1"])
def test_utkinect_names_a_line_whose_frames_are_no_numbers(utkinect, line):
    with (utkinect / "actionLabel.txt").open("a") as file:
        file.write(f"{line}\n")
    _, problems = scan("utkinect", utkinect, "")
    assert f"line 7 '{line}'" in problems[0].what


def test_utkinect_names_a_list_that_is_no_text(utkinect):
    (utkinect / "actionLabel.txt").write_bytes(b"\xff\xfe")
    _, problems = scan("utkinect", utkinect, "")
    assert "actionLabel.txt cannot be read" in problems[0].what


def test_a_file_without_a_matrix_is_refused(tmp_path):
    path = tmp_path / "depthImg1.xml"
    path.write_text('<?xml version="1.0"?><opencv_storage></opencv_storage>')
    with pytest.raises(SourceError, match=r"depthImg1\.xml"):
        read_opencv_xml(path)
