# SPDX-License-Identifier: Apache-2.0
"""Frames: depth in metres, and parts that do not fit each other."""

import numpy as np
import pytest

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.errors import FrameError
from affordance_seg_ros.frames import DepthImage, RgbdFrame

CAMERA = Camera(32, 24, 40.0, 40.0, 15.5, 11.5)
COLOR = np.zeros((24, 32, 3), np.uint8)
DEPTH = DepthImage(np.ones((24, 32), np.uint16), 0.001)


def test_millimetres_and_metres_give_the_same_depth():
    raw = np.array([[1, 999, 1000, 65535]], np.uint16)
    metres = DepthImage(raw.astype(np.float32) / np.float32(1000), 1.0)
    np.testing.assert_allclose(DepthImage(raw, 0.001).to_metres(), metres.to_metres(), rtol=1e-6)


@pytest.mark.parametrize("value", [0, -1, np.nan, np.inf, -np.inf, 1e3, 3.4e38])
def test_whatever_is_no_depth_becomes_nan(value):
    assert np.isnan(DepthImage(np.full((2, 2), value, np.float32), 1.0).to_metres()).all()


def test_zero_millimetres_are_no_depth():
    assert np.isnan(DepthImage(np.zeros((2, 2), np.uint16), 0.001).to_metres()).all()


def test_depth_in_metres_is_a_new_array():
    raw = np.ones((2, 2), np.float32)
    depth_m = DepthImage(raw, 1.0).to_metres()
    depth_m[:] = 5
    assert (raw == 1).all()


def test_read_only_depth_can_be_converted():
    raw = np.ones((2, 2), np.float32)
    raw.setflags(write=False)
    assert (DepthImage(raw, 1.0).to_metres() == 1).all()


@pytest.mark.parametrize(
    "raw", [np.zeros((2, 2)), np.zeros((2, 2), np.uint8), np.zeros((2, 2, 1), np.uint16)]
)
def test_other_depth_arrays_are_refused(raw):
    with pytest.raises(FrameError, match=r"depth array .*expected \(H, W\) uint16 or float32"):
        DepthImage(raw, 0.001)


def test_frame_of_equal_sizes_is_accepted():
    frame = RgbdFrame(5, "camera", COLOR, DEPTH, CAMERA)
    assert (frame.stamp_ns, frame.frame_id) == (5, "camera")


@pytest.mark.parametrize(
    ("color", "depth", "camera", "message"),
    [
        (COLOR[..., 0], DEPTH, CAMERA, r"colour array uint8 of shape \(24, 32\); expected"),
        (COLOR[..., :2], DEPTH, CAMERA, r"colour array uint8 of shape \(24, 32, 2\)"),
        (COLOR.astype(float), DEPTH, CAMERA, "colour array float64"),
        (COLOR[:20], DEPTH, CAMERA, "depth 32x24 with colour 32x20; expected depth aligned"),
        (
            COLOR,
            DEPTH,
            CAMERA.resize(64, 48),
            "camera_info 64x48 with colour 32x24; expected equal",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(color, depth, camera, message):
    with pytest.raises(FrameError, match=message):
        RgbdFrame(5, "camera", color, depth, camera)
