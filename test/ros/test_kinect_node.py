# SPDX-License-Identifier: Apache-2.0
import importlib.util
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from camera_double import RELIABLE
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.ros.kinect import KinectNode
from affordance_seg_ros.sources.decode import (
    decode_camera_info,
    decode_color,
    decode_depth,
    stamp_ns,
)

SHARED = Path(
    os.environ.get("AFFORDANCE_SHARED_DATA", Path(__file__).parents[2].parent / "shared/data")
)
RECORDING = SHARED / "azure_kinect_mug/recording.mkv"
KINECT_NODE = (
    sys.executable,
    "-c",
    "import sys; from affordance_seg_ros.ros.kinect_node import main; sys.exit(main())",
)

needs_pyk4a = pytest.mark.skipif(
    importlib.util.find_spec("pyk4a") is None, reason="pyk4a not installed"
)
needs_recording = pytest.mark.skipif(not RECORDING.exists(), reason="no shared data")


@pytest.fixture
def kinect(start):
    return lambda **parameters: start(command=KINECT_NODE, **parameters)


def subscribe(client, qos=RELIABLE):
    return (
        client.collect(Image, "/rgb/image_raw", qos),
        client.collect(Image, "/depth_to_rgb/image_raw", qos),
        client.collect(CameraInfo, "/rgb/camera_info", qos),
    )


@needs_pyk4a
@needs_recording
@pytest.mark.parametrize("qos", [RELIABLE, qos_profile_sensor_data], ids=["reliable", "sensor"])
def test_a_recording_is_published_once_for_who_subscribes_and_the_node_ends(client, kinect, qos):
    process = kinect(recording=RECORDING)
    process.wait_for("waiting for subscribers")
    colors, depths, infos = subscribe(client, qos)
    client.wait(lambda: colors and depths and infos)
    (color,), (depth,), (info,) = colors, depths, infos
    assert color.header.frame_id == depth.header.frame_id == "rgb_camera_link"
    assert (color.encoding, depth.encoding) == ("bgra8", "16UC1")
    assert decode_color(color).shape == (720, 1280, 3)
    depth_m = decode_depth(depth).to_metres()
    assert depth_m.shape == (720, 1280)
    seen = np.isfinite(depth_m)
    assert 0.5 < seen.mean() < 0.7  # the depth camera sees a hexagon of the wider colour image
    assert 0.1 < depth_m[seen].min() < depth_m[seen].max() < 4  # a mug on a desk, a wall behind
    camera = decode_camera_info(info)
    assert isinstance(camera, Camera)
    assert camera.fx == pytest.approx(611.795, abs=1e-3)
    assert len(camera.distortion) == 8
    age_s = 1e-9 * (client.node.get_clock().now().nanoseconds - stamp_ns(color.header))
    assert 0 < age_s < 60
    assert process.popen.wait(30) == 0
    assert "after 1 captures" in process.output


@needs_pyk4a
@needs_recording
def test_a_loop_goes_on_in_recorded_steps_until_a_signal(client, kinect):
    process = kinect(recording=RECORDING, loop=True)
    colors, depths, _ = subscribe(client)
    client.wait(lambda: len(colors) >= 3 and len(depths) >= 3)
    stamps = [stamp_ns(message.header) for message in colors[:3]]
    assert np.diff(stamps).tolist() == [200_000_000] * 2
    assert [stamp_ns(message.header) for message in depths[:3]] == stamps
    assert process.end(signal.SIGINT) == 0
    assert "Traceback" not in process.output


@needs_pyk4a
@needs_recording
def test_recorded_stamps_are_the_cameras_own_time(client, kinect):
    kinect(recording=RECORDING, stamps="recorded")
    colors, _, _ = subscribe(client)
    client.wait(lambda: colors)
    assert stamp_ns(colors[0].header) == 800_222_000


@needs_pyk4a
@needs_recording
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_waits_for_subscribers_ends_it_cleanly(kinect, number):
    process = kinect(recording=RECORDING)
    process.wait_for("waiting for subscribers")
    assert process.end(number) == 0
    assert "Traceback" not in process.output


@needs_pyk4a
def test_a_missing_camera_ends_it_with_code_2_and_what_was_found(kinect):
    process = kinect()
    if process.popen.wait(60) == 0:
        pytest.skip("a camera is connected")
    assert process.popen.returncode == 2
    assert "Azure Kinect 0 cannot be started" in process.output
    assert len(process.output.splitlines()) == 1


@needs_pyk4a
@pytest.mark.parametrize(("content", "words"), [(None, "does not exist"), (b"x", "cannot be read")])
def test_an_unusable_recording_ends_it_with_code_2(kinect, tmp_path, content, words):
    path = tmp_path / "recording.mkv"
    if content is not None:
        path.write_bytes(content)
    process = kinect(recording=path)
    assert process.popen.wait(60) == 2
    assert f"recording {path} {words}; expected an .mkv file" in process.output


def test_a_parameter_of_another_node_is_refused(kinect):
    process = kinect(rate_hz=5.0)
    assert process.popen.wait(60) == 2
    assert "unknown parameter 'rate_hz'" in process.output


def test_a_failure_in_the_moment_of_the_thread_s_end_is_not_taken_for_a_good_end():
    node = KinectNode.__new__(KinectNode)  # no camera needed
    node._failure = None

    class EndsWhenAsked:
        def is_alive(self):
            node._failure = SourceError("damaged")
            return False

    node._thread = EndsWhenAsked()
    with pytest.raises(SourceError, match="damaged"):
        node.is_running()
