# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.evaluation.video import VideoWriter
from affordance_seg_ros.pipeline.overlay import text_width, write_text


def test_pictures_come_back_in_order_and_in_their_colours(tmp_path: Path) -> None:
    colors = [(200, 30, 30), (30, 200, 30), (30, 30, 200)]
    with VideoWriter(tmp_path / "a.mp4", 10) as video:
        for color in colors:
            video.write(np.full((48, 64, 3), color, np.uint8))
    read = cv2.VideoCapture(str(tmp_path / "a.mp4"))
    for color in colors:
        found, picture = read.read()
        assert found
        np.testing.assert_allclose(picture[..., ::-1].mean((0, 1)), color, atol=12)
    assert not read.read()[0]


def test_odd_and_changing_sizes_are_fitted_to_the_first(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", 10) as video:
        video.write(np.zeros((47, 63, 3), np.uint8))
        video.write(np.zeros((100, 20, 3), np.uint8))
    read = cv2.VideoCapture(str(tmp_path / "a.mp4"))
    assert [read.read()[1].shape for _ in range(2)] == [(48, 64, 3)] * 2


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with (
        VideoWriter(tmp_path / "nowhere/a.mp4", 10) as video,
        pytest.raises(SourceError, match="cannot be written as an MPEG-4 video"),
    ):
        video.write(np.zeros((48, 64, 3), np.uint8))


def test_a_file_that_was_cut_off_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    code = (
        "import resource, sys, numpy as np\n"
        "from pathlib import Path\n"
        "from affordance_seg_ros.evaluation.video import VideoWriter\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "random = np.random.default_rng(0)\n"
        "with VideoWriter(Path(sys.argv[1]), 10) as video:\n"
        "    for _ in range(20):\n"
        "        video.write(random.integers(0, 256, (48, 64, 3), np.uint8))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert f"SourceError: {path}: 0 of 20 pictures were written; is the disk full?" in ended.stderr


def test_no_picture_leaves_no_file(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", 10):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_no_utf_8_is_refused_and_ends_no_process(tmp_path: Path) -> None:
    name = os.fsdecode(b"cup_\xe4.mp4")
    with pytest.raises(SourceError, match="expected a name in UTF-8"):
        VideoWriter(tmp_path / name, 10)
    picture = np.zeros((48, 640, 3), np.uint8)
    write_text(picture, name, (5, 30), 1.0)
    assert text_width(name, 1.0) > 0
    assert picture.any()
