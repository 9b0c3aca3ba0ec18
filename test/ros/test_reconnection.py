# SPDX-License-Identifier: Apache-2.0
"""A camera that is unplugged and plugged in again; only pyk4a itself is a double."""

import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from camera_double import RELIABLE
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from sensor_msgs.msg import Image

from affordance_seg_ros.errors import DeviceError
from affordance_seg_ros.node_config import KinectConfig
from affordance_seg_ros.ros.reconnection import LONGEST_PAUSE_S, Backoff, CameraState
from affordance_seg_ros.sources import connected_kinect
from affordance_seg_ros.sources.azure_kinect import KinectDevice
from affordance_seg_ros.sources.decode import stamp_ns

FAKE = Path(__file__).parent / "fake_pyk4a"
NODE = (
    sys.executable,
    "-c",
    f"import sys; sys.path.insert(0, {str(FAKE)!r}); "
    "from affordance_seg_ros.ros.kinect_node import main; sys.exit(main())",
)


@pytest.fixture
def plug(tmp_path, monkeypatch):
    """Say what becomes of the camera."""
    path = tmp_path / "usb"
    monkeypatch.setenv("FAKE_KINECT", str(path))

    def _plug(state):
        # At once: the camera reads it at any moment.
        (tmp_path / "next").write_text(state)
        (tmp_path / "next").rename(path)

    _plug("plugged")
    return _plug


@pytest.fixture
def fake_pyk4a(monkeypatch, plug):
    spec = spec_from_file_location("pyk4a", FAKE / "pyk4a.py")
    monkeypatch.setitem(sys.modules, "pyk4a", module_from_spec(spec))
    spec.loader.exec_module(sys.modules["pyk4a"])


@pytest.fixture
def kinect(start, plug):
    def _kinect(**parameters):
        chosen = {"depth_mode": "nfov_2x2binned", "reconnect_s": 0.05, **parameters}
        return start(command=NODE, **chosen)

    return _kinect


def levels(diagnostics):
    return {status.level for message in diagnostics for status in message.status}


@pytest.mark.parametrize(
    ("state", "reason"),
    [("unplugged", "no longer responds"), ("silent", "sent nothing for 5 s")],
)
def test_a_camera_that_was_lost_is_opened_again_when_it_is_back(
    client, kinect, plug, state, reason
):
    process = kinect()
    colors = client.collect(Image, "/rgb/image_raw", RELIABLE)
    depths = client.collect(Image, "/depth_to_rgb/image_raw", RELIABLE)
    diagnostics = client.collect(DiagnosticArray, "/diagnostics")
    client.wait(lambda: colors and depths, "pictures")
    client.wait(lambda: DiagnosticStatus.OK in levels(diagnostics), "good diagnostics")
    plug(state)
    process.wait_for(f"camera lost: Azure Kinect 0 {reason}")
    if state == "unplugged":
        process.wait_for("camera still lost after 1 attempts: no Azure Kinect 000100 is there")
        client.wait(lambda: DiagnosticStatus.ERROR in levels(diagnostics), "bad diagnostics")
    plug("plugged")
    process.wait_for("camera is back after")
    colors.clear()
    diagnostics.clear()
    client.wait(lambda: colors, "pictures again")
    client.wait(lambda: DiagnosticStatus.OK in levels(diagnostics), "good diagnostics again")
    assert process.end() == 0
    assert "Traceback" not in process.output
    assert process.output.count("camera still lost") <= 2  # throttled


def test_a_signal_while_the_camera_is_lost_ends_the_node_cleanly(kinect, plug):
    process = kinect(reconnect_s=30.0)
    process.wait_for("is streaming")
    plug("unplugged")
    process.wait_for("camera lost")
    assert process.end() == 0
    assert "Traceback" not in process.output


def test_without_reconnection_a_lost_camera_ends_the_node_with_code_2(kinect, plug):
    process = kinect(reconnect_s=0.0)
    process.wait_for("is streaming")
    plug("unplugged")
    assert process.popen.wait(30) == 2
    assert "no longer responds; expected captures" in process.output


def test_pauses_double_up_to_a_limit_and_begin_again():
    backoff = Backoff(1.0)
    pauses = [backoff.next_s() for _ in range(8)]
    assert pauses == [1, 2, 4, 8, 16, LONGEST_PAUSE_S, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    backoff.reset()
    assert backoff.next_s() == 1


def test_the_state_tells_loss_attempts_and_return():
    state = CameraState("Azure Kinect 0")
    start_ns = state.captures._start_ns
    assert state.describe("/kinect", start_ns + 1).message == "no captures yet"
    state.captures.add(start_ns + 2)
    later_ns = start_ns + 60_000_000_000
    assert state.describe("/kinect", later_ns).message == "no captures lately"
    state.captures.add(start_ns + 1)
    assert state.describe("/kinect", start_ns + 1_000_000_000).message == "1.0 captures/s"
    state.lose("gone")
    assert [state.attempt(), state.attempt()] == [1, 2]
    lost = state.describe("/kinect", start_ns + 2_000_000_000)
    assert (lost.level, lost.message) == (DiagnosticStatus.ERROR, "lost, 2 attempts: gone")
    state.find()
    assert state.describe("/kinect", start_ns + 2_000_000_000).level == DiagnosticStatus.OK


def test_a_camera_that_goes_while_its_calibration_is_read_is_closed(fake_pyk4a, plug):
    plug("uncalibrated")
    with pytest.raises(DeviceError, match="Azure Kinect 0 cannot be started"):
        KinectDevice(KinectConfig(depth_mode="nfov_2x2binned"))
    plug("plugged")
    with KinectDevice(KinectConfig(depth_mode="nfov_2x2binned")) as device:
        assert device.calibration.color.fx == 612


@pytest.mark.parametrize(
    ("display", "words"), [("", "no DISPLAY is set, and the"), (":0", "is it powered, on USB 3")]
)
def test_a_camera_that_is_there_and_does_not_start_says_what_may_lack(
    fake_pyk4a, plug, monkeypatch, display, words
):
    monkeypatch.setenv("DISPLAY", display)
    plug("uncalibrated")
    with pytest.raises(DeviceError, match=f"found 2 connected .{words}"):
        KinectDevice(KinectConfig())


@pytest.mark.parametrize("state", ["plugged", "swapped"])
def test_a_camera_is_known_by_its_serial_number_wherever_it_is(fake_pyk4a, plug, state):
    plug(state)
    for number in ("000100", "000200"):
        config = KinectConfig(depth_mode="nfov_2x2binned", serial_number=number)
        with KinectDevice(config) as device:
            assert device.serial_number == number
    with KinectDevice(KinectConfig(depth_mode="nfov_2x2binned")) as device:
        assert device.serial_number == ("000200" if state == "swapped" else "000100")


def test_a_serial_number_that_no_camera_has_is_refused_with_those_that_there_are(fake_pyk4a):
    with pytest.raises(DeviceError, match=r"no Azure Kinect 7 .* 000100, 000200, and 0 cameras"):
        KinectDevice(KinectConfig(serial_number="7"))


def test_a_camera_that_another_has_open_is_asked_again(fake_pyk4a, monkeypatch):
    other = sys.modules["pyk4a"].PyK4A(None, device_id=1, thread_safe=False)
    other.open()
    monkeypatch.setattr(connected_kinect.time, "sleep", lambda _: other.opened and other.close())
    with KinectDevice(KinectConfig(serial_number="000200")) as device:
        assert device.serial_number == "000200"


def test_a_camera_that_stays_in_use_is_told_so(fake_pyk4a, monkeypatch):
    monkeypatch.setattr(connected_kinect.time, "sleep", lambda _: None)
    with (
        KinectDevice(KinectConfig(serial_number="000200")),
        pytest.raises(DeviceError, match=r"000200 is there; found .* 000100, and 1 cameras"),
    ):
        KinectDevice(KinectConfig(serial_number="000200"))


def test_a_capture_knows_since_when_it_has_been_here(fake_pyk4a):
    with KinectDevice(KinectConfig(depth_mode="nfov_2x2binned")) as device:
        capture = next(device.captures(lambda: None))
    now_ns = time.perf_counter_ns()
    assert capture.host_ns == capture.color_ns  # of the double, which has one clock
    assert capture.age_ns() >= now_ns - capture.host_ns >= 0


def test_stamps_are_of_the_moment_at_which_the_camera_sent_each_picture(client, kinect, plug):
    plug("late")
    colors = client.collect(Image, "/rgb/image_raw", RELIABLE)
    depths = client.collect(Image, "/depth_to_rgb/image_raw", RELIABLE)
    start_ns = client.node.get_clock().now().nanoseconds
    kinect()

    def pair():
        colors_ns = {stamp_ns(color.header) for color in colors}
        return any(stamp_ns(depth.header) - 200_000 in colors_ns for depth in depths)

    client.wait(pair, "depth 0.2 ms after its colour")
    sent_ns = stamp_ns(colors[0].header) + 3600 * 1_000_000_000
    assert start_ns < sent_ns < client.node.get_clock().now().nanoseconds


def test_a_slow_reader_gets_the_newest_capture_and_the_others_are_counted(fake_pyk4a):
    state = CameraState("Azure Kinect 0")
    with KinectDevice(KinectConfig(depth_mode="nfov_2x2binned")) as device:
        captures = device.captures(state.skip)
        before_ns = next(captures).color_ns
        time.sleep(0.32)
        step_s = 1e-9 * (next(captures).color_ns - before_ns)
    assert step_s > 0.2  # the next of the queue would be 0.05 s newer
    (values,) = [state.describe("/kinect", time.monotonic_ns()).values]
    found = {each.key: each.value for each in values}
    assert int(found["skipped for newer ones"]) >= 4
