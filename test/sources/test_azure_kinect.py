# SPDX-License-Identifier: Apache-2.0
import builtins
import os
from pathlib import Path

import numpy as np
import pytest

from affordance_seg_ros.errors import DeviceError, SourceError
from affordance_seg_ros.sources.azure_kinect import KinectRecording
from affordance_seg_ros.sources.bag import open_recording

SHARED = Path(
    os.environ.get("AFFORDANCE_SHARED_DATA", Path(__file__).parents[2].parent / "shared/data")
)
RECORDING = SHARED / "azure_kinect_mug/recording.mkv"


@pytest.fixture
def recording():
    pytest.importorskip("pyk4a")
    if not RECORDING.exists():
        pytest.skip("no shared data")
    with KinectRecording(RECORDING) as found:
        yield found


def test_a_recording_can_be_read_again_and_again(recording):
    first, second = (list(recording.captures()) for _ in range(2))
    assert len(first) == len(second) == 1
    assert first[0].color_ns == second[0].color_ns == 800_222_000
    np.testing.assert_array_equal(first[0].color_bgr, second[0].color_bgr)
    np.testing.assert_array_equal(first[0].depth_mm, second[0].depth_mm)
    assert recording.skipped == 0
    assert recording.rate_hz == 5


def test_the_calibration_is_that_of_the_pictures(recording):
    (capture,) = recording.captures()
    color, depth, T_color_depth = recording.calibration
    assert capture.color_bgr.shape == (color.height, color.width, 3)
    assert capture.depth_mm.shape == (depth.height, depth.width)
    assert depth.fx == pytest.approx(504.608, abs=1e-3)
    rotation = T_color_depth[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-6)
    # The two lenses are about 32 mm apart, side by side.
    np.testing.assert_allclose(np.linalg.norm(T_color_depth[:3, 3]), 0.032, atol=0.001)


def test_the_calibration_projects_as_the_cameras_own_software_does(recording):
    pyk4a = pytest.importorskip("pyk4a")
    kinds = pyk4a.CalibrationType
    color, depth, T_color_depth = recording.calibration
    sdk = recording._playback.calibration
    for pixel, depth_mm in [
        ((320.0, 288.0), 800.0),
        ((150.0, 200.0), 1500.0),
        ((500.0, 400.0), 600.0),
    ]:
        point_mm = sdk.convert_2d_to_3d(pixel, depth_mm, kinds.DEPTH, kinds.COLOR)
        expected = sdk.convert_3d_to_2d(point_mm, kinds.COLOR, kinds.COLOR)
        point_m = depth.unproject(pixel, depth_mm / 1000)
        seen_m = T_color_depth[:3, :3] @ point_m + T_color_depth[:3, 3]
        np.testing.assert_allclose(seen_m, np.array(point_mm) / 1000, atol=1e-5)
        np.testing.assert_allclose(color.project(seen_m), expected, atol=0.02)


def test_a_damaged_colour_picture_is_skipped_and_counted(recording, monkeypatch):
    monkeypatch.setattr("cv2.imdecode", lambda *_: None)
    assert list(recording.captures()) == []
    assert recording.skipped == 1


def test_a_missing_pyk4a_is_named_with_how_to_install_it(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "pyk4a":
            raise ImportError("No module named 'pyk4a'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DeviceError, match=r"pyk4a cannot be loaded .*pip install"):
        KinectRecording(RECORDING)


@pytest.mark.parametrize(("content", "words"), [(None, "does not exist"), (b"x", "cannot be read")])
def test_an_unusable_file_is_refused(tmp_path, content, words):
    pytest.importorskip("pyk4a")
    path = tmp_path / "recording.mkv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=words):
        KinectRecording(path)


def test_replay_reads_the_recording_with_depth_on_the_colour_grid(recording):
    from affordance_seg_ros.sources.bag import open_recording

    found = open_recording(RECORDING)
    (frame,) = found.frames()
    assert frame.color.shape[:2] == frame.depth.raw.shape == (720, 1280)
    assert frame.frame_id == "rgb_camera_link"
    (capture,) = recording.captures()
    np.testing.assert_array_equal(frame.color, capture.color_bgr[..., ::-1])


def open_files():
    # The listing's own handle is gone by the time it is looked at.
    return [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_a_recording_is_open_only_while_it_is_read():
    pytest.importorskip("pyk4a")
    if not RECORDING.exists():
        pytest.skip("no shared data")
    found = open_recording(RECORDING)
    assert str(RECORDING.resolve()) not in open_files()
    frames = found.frames()
    next(frames)
    assert str(RECORDING.resolve()) in open_files()
    frames.close()
    assert str(RECORDING.resolve()) not in open_files()
    assert len(list(found.frames())) == 1
    assert str(RECORDING.resolve()) not in open_files()
