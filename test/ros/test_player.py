# SPDX-License-Identifier: Apache-2.0
"""A recording played over DDS, as the subscriber of a camera sees it."""

import json
import signal
import sys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("rclpy")

from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.frames import DepthImage, RgbdFrame
from affordance_seg_ros.ros.player import depth_image
from affordance_seg_ros.sources.bag import write_bag
from affordance_seg_ros.sources.decode import (
    decode_camera_info,
    decode_color,
    decode_depth,
    stamp_ns,
)

CODE = "import sys; from affordance_seg_ros.ros.player import main; sys.exit(main())"
COUNT = 5
RAW = np.array([[0, 500, 65535]], np.uint16)


@pytest.fixture
def frames():
    random = np.random.default_rng(0)
    color = random.integers(0, 256, (48, 64, 3), np.uint8)
    depth = DepthImage(random.integers(0, 3000, (48, 64)).astype(np.uint16), 1e-3)
    first = RgbdFrame(10**18, "optical", color, depth, Camera(64, 48, 60, 61, 32, 24))
    return [replace(first, stamp_ns=10**18 + k * 50_000_000) for k in range(COUNT)]


@pytest.fixture
def play(tmp_path, frames, start):
    write_bag(tmp_path / "bag", iter(frames))

    def _play(*words):
        report = ("--report", str(tmp_path / "report.json"))
        return start(command=(sys.executable, "-c", CODE, str(tmp_path / "bag"), *report, *words))

    return _play


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--rate", "inf"), "inf; expected a finite number above 0"),
        (("--linger", "nan"), "nan; expected a finite number, 0 or more"),
        (("--clock", "-1"), "-1; expected a finite number, 0 or more"),
        (("--ros-args", "-r", "bad"), "play: "),
        (("--wait", "0.1", "--report", "/dev/null/x.json"), "play: --report /dev/null/x.json"),
    ],
)
def test_bad_arguments_are_one_line_and_code_2(play, words, message):
    process = play(*words)
    assert process.popen.wait(30) == 2
    assert message in process.output
    assert "Traceback" not in process.output


def test_a_recording_of_one_frame_is_not_a_flood_in_a_loop(client, frames, tmp_path, start):
    write_bag(tmp_path / "one", iter(frames[:1]))
    came = client.collect(Image, "color/image")
    client.collect(Image, "depth/image")
    client.collect(CameraInfo, "color/camera_info")
    process = start(command=(sys.executable, "-c", CODE, str(tmp_path / "one"), "--loop"))
    client.wait(lambda: len(came) >= 3)  # it goes on
    assert process.end() == 130
    assert len(came) < 100


def test_every_frame_arrives_unchanged_with_its_own_stamp(client, play, frames, tmp_path):
    topics = {"color/image": Image, "depth/image": Image, "color/camera_info": CameraInfo}
    came = {name: client.collect(kind, name) for name, kind in topics.items()}
    clock = client.collect(Clock, "/clock")
    process = play("--clock", "100", "--linger", "0.1")
    client.wait(lambda: all(len(messages) == COUNT for messages in came.values()))
    for index, frame in enumerate(frames):
        color, depth, info = (messages[index] for messages in came.values())
        assert stamp_ns(color.header) == stamp_ns(depth.header) == frame.stamp_ns
        assert color.header.frame_id == info.header.frame_id == frame.frame_id
        np.testing.assert_array_equal(decode_color(color), frame.color)
        np.testing.assert_array_equal(decode_depth(depth).raw, frame.depth.raw)
        assert replace(decode_camera_info(info), distortion=()) == frame.camera
    assert process.popen.wait(30) == 0
    assert json.loads((tmp_path / "report.json").read_text()) == {"frames_published": COUNT}
    seconds = [message.clock.sec + 1e-9 * message.clock.nanosec for message in clock]
    assert seconds == sorted(seconds)
    assert seconds[0] >= 1e9


def test_without_a_subscriber_it_says_which_topics_are_lonely(play):
    process = play("--wait", "0.5")
    assert process.popen.wait(30) == 2
    assert "nobody subscribed to /color/image, /depth/image, /color/camera_info" in process.output


def test_a_recording_that_is_none_is_refused(start, tmp_path):
    process = start(command=(sys.executable, "-c", CODE, str(tmp_path / "nothing")))
    assert process.popen.wait(30) == 2
    assert "does not exist" in process.output


def test_depth_of_another_unit_than_the_millimetre_is_published_in_metres():
    millimetre, other = DepthImage(RAW, 1e-3), DepthImage(RAW, 2e-4)
    assert depth_image(millimetre, Header()).encoding == "16UC1"
    message = depth_image(other, Header())
    assert message.encoding == "32FC1"
    np.testing.assert_array_equal(decode_depth(message).to_metres(), other.to_metres())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_waits_for_subscribers_ends_it_at_once(play, number):
    process = play()
    process.wait_for("waiting for subscribers")
    assert process.end(number) == 130
    assert "Traceback" not in process.output


def test_the_last_frame_arrives_without_a_clock_too(client, play, frames):
    came = [client.collect(Image, "color/image"), client.collect(Image, "depth/image")]
    client.collect(CameraInfo, "color/camera_info")
    process = play("--linger", "1")
    client.wait(lambda: process.popen.poll() is not None)
    client.spin(0.1)
    assert [stamp_ns(messages[-1].header) for messages in came] == [frames[-1].stamp_ns] * 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_leaves_the_number_of_frames_published(
    client, play, tmp_path, number
):
    colors = client.collect(Image, "color/image")
    client.collect(Image, "depth/image")
    client.collect(CameraInfo, "color/camera_info")
    process = play("--rate", "0.05")
    client.wait(lambda: len(colors) >= 2)  # the first frame is whole by then
    assert process.end(number) == 130
    assert "Traceback" not in process.output
    published = json.loads((tmp_path / "report.json").read_text())["frames_published"]
    assert 1 <= published < COUNT
