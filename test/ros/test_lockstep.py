# SPDX-License-Identifier: Apache-2.0
"""Playing in lockstep with a node that is slow, picky or not there."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy")

from sensor_msgs.msg import Image

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.frames import DepthImage, RgbdFrame
from affordance_seg_ros.sources.bag import write_bag

CODE = "import sys; from affordance_seg_ros.ros.player import main; sys.exit(main())"
COUNT = 6


@pytest.fixture
def play(tmp_path, start):
    color = np.zeros((48, 64, 3), np.uint8)
    depth = DepthImage(np.full((48, 64), 900, np.uint16), 1e-3)
    first = RgbdFrame(10**18, "optical", color, depth, Camera(64, 48, 60, 61, 32, 24))
    frames = [replace(first, stamp_ns=10**18 + k * 50_000_000) for k in range(COUNT)]
    blind = DepthImage(np.zeros((48, 64), np.uint16), 1e-3)

    def _play(*words: str, blind_frames: tuple[int, ...] = ()):
        shown = [replace(f, depth=blind) if k in blind_frames else f for k, f in enumerate(frames)]
        write_bag(tmp_path / "bag", iter(shown))
        report = ("--report", str(tmp_path / "report.json"), "--linger", "0.1", "--lockstep")
        return start(command=(sys.executable, "-c", CODE, str(tmp_path / "bag"), *report, *words))

    return _play


def counts(tmp_path: Path) -> dict[str, int]:
    return json.loads((tmp_path / "report.json").read_text())


@pytest.mark.parametrize(("rate_hz", "answered"), [(0.0, COUNT), (10.0, COUNT // 2)])
def test_a_node_slower_than_the_recording_drops_nothing(
    client, start, play, tmp_path, rate_hz, answered
):
    start(weights="slow 0.2", rate_hz=rate_hz)
    masks = client.collect(Image, "/affordance/mask")
    process = play("--clock", "100")
    client.wait(lambda: process.popen.poll() is not None)
    assert process.popen.returncode == 0, process.output
    client.wait(lambda: len(masks) == answered)
    assert counts(tmp_path) == {"frames_published": COUNT, "frames_unanswered": 0}


def test_a_frame_that_cannot_be_used_is_given_up_and_counted(client, start, play, tmp_path):
    start(rate_hz=0.0)
    process = play("--answer-timeout", "1", blind_frames=(2,))
    client.wait(lambda: process.popen.poll() is not None)
    # A busy machine may be too late for some others, but not for all that come after.
    given_up = re.findall(r"no answer to the frame stamped (\S+) s", process.output)
    assert "1000000000.100" in given_up
    assert len(given_up) < COUNT - 2
    assert counts(tmp_path) == {"frames_published": COUNT, "frames_unanswered": len(given_up)}


def test_without_a_node_of_that_name_it_says_so(client, start, play):
    start(rate_hz=0.0).wait_for("active: colour")
    process = play("--node", "/elsewhere", "--wait", "8")
    client.wait(lambda: process.popen.poll() is not None)
    assert process.popen.returncode == 2
    assert "no affordance node at /elsewhere within 8 s" in process.output
