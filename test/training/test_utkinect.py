# SPDX-License-Identifier: Apache-2.0
"""UTKinect actions: its takes, its spans, its depth in XML."""

import cv2
import numpy as np
import pytest
from published_layouts import SIZE, scan, write_depth_image

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.training.datasets.utkinect import read_depth_xml


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


@pytest.mark.parametrize(
    ("values", "expected_mm"),
    [
        ([[0, 800, 10_000]], [[0, 800, 10_000]]),
        ([[0, 6400, 16_002]], [[0, 800, 2000]]),  # the SDK's, with a player at 2 m
    ],
)
def test_depth_is_in_millimetres(tmp_path, values, expected_mm):
    path = tmp_path / "depthImg1.xml"
    write_depth_image(path, np.array(values, np.uint16))
    assert read_depth_xml(path).tolist() == expected_mm


def test_a_matrix_is_read_as_well(tmp_path):
    path = tmp_path / "depthImg1.xml"
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    storage.write("depthImg1", np.array([[1, 2, 3], [4, 5, 6]], np.uint16))
    storage.release()
    assert read_depth_xml(path).tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("length", [0, 30, 100, 200, 300])
def test_a_depth_file_that_was_cut_is_named(utkinect, length):
    path = utkinect / "depth/s01_e01/depthImg254.xml"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(SourceError, match=r"depthImg254\.xml is damaged"):
        scan("utkinect", utkinect, "")[0][0].frame(1)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("", "it is empty"),
        ("<d><width>2</width><data>1 2</data></d>", "it lacks height and rows"),
        ("<d><width>2</width><height>1</height><data>1</data></d>", "cannot reshape"),
        ("<d><width>2</width><height>1</height><data>1 70000</data></d>", "no 16-bit picture"),
        ("<d><width>2</width><height>1</height><data>1 a</data></d>", "invalid literal"),
    ],
)
def test_a_file_that_holds_no_picture_is_refused(tmp_path, content, what):
    path = tmp_path / "depthImg1.xml"
    path.write_text(f'<?xml version="1.0"?><opencv_storage>{content}</opencv_storage>')
    with pytest.raises(SourceError, match=rf"depthImg1\.xml .*{what}"):
        read_depth_xml(path)
