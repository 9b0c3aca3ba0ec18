# SPDX-License-Identifier: Apache-2.0
"""Depth decoding: the unit follows from the encoding, and nothing is copied without need."""

from array import array

import numpy as np
import pytest

from affordance_seg_ros.errors import EncodingError
from affordance_seg_ros.sources.decode import decode_depth

DEPTH_M = np.array([[0.5, 1.234], [np.nan, 4.0], [0.001, 65.535]], np.float32)


@pytest.mark.parametrize("encoding", ["16UC1", "mono16", "32FC1"])
@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("padding", [0, 3, 8])
def test_depth_in_metres_does_not_depend_on_how_it_is_sent(
    encoding, big_endian, padding, image_message
):
    raw = DEPTH_M if encoding == "32FC1" else np.nan_to_num(DEPTH_M * 1000).round().astype("u2")
    message = image_message(raw, encoding, padding=padding, big_endian=big_endian)
    np.testing.assert_allclose(decode_depth(message).to_metres(), DEPTH_M, rtol=1e-6)


@pytest.mark.parametrize(("encoding", "dtype"), [("16UC1", np.uint16), ("32FC1", np.float32)])
def test_depth_is_a_view_of_the_message(encoding, dtype, image_message):
    message = image_message(np.ones((4, 6), dtype), encoding, padding=8)
    assert np.shares_memory(decode_depth(message).raw, np.frombuffer(message.data, np.uint8))


def test_odd_step_gives_an_aligned_copy(image_message):
    raw = np.arange(24, dtype=np.uint16).reshape(4, 6)
    decoded = decode_depth(image_message(raw, "16UC1", padding=1)).raw
    assert decoded.flags.aligned
    np.testing.assert_array_equal(decoded, raw)


def test_infinite_and_zero_depth_is_no_depth(image_message):
    raw = np.array([[np.inf, -np.inf, np.nan, 0.0, -1.0, 2.0]], np.float32)
    depth_m = decode_depth(image_message(raw, "32FC1")).to_metres()
    assert np.isnan(depth_m[0, :5]).all()
    assert depth_m[0, 5] == 2


def test_color_encoding_is_refused_as_depth(image_message):
    message = image_message(np.zeros((2, 2), np.uint8), "mono8")
    with pytest.raises(EncodingError, match="'mono8'; expected one of 16UC1, mono16, 32FC1"):
        decode_depth(message)


def test_truncated_depth_names_the_bytes(image_message):
    message = image_message(np.zeros((4, 6), np.uint16), "16UC1")
    message.data = message.data[:40]
    with pytest.raises(EncodingError, match="40 bytes of image data; expected 48"):
        decode_depth(message)


@pytest.mark.parametrize("encoding", ["16UC1", "mono16", "32FC1"])
def test_any_bytes_decode_as_cv_bridge_does_where_it_is_installed(encoding, image_message):
    bridge = pytest.importorskip("cv_bridge").CvBridge()
    image = pytest.importorskip("sensor_msgs.msg").Image()
    ours = image_message(
        np.zeros((24, 32), "f4" if encoding == "32FC1" else "u2"), encoding, padding=8
    )
    ours.data = array("B", np.random.default_rng(0).bytes(len(ours.data)))
    for field in ("height", "width", "encoding", "is_bigendian", "step", "data"):
        setattr(image, field, getattr(ours, field))
    np.testing.assert_array_equal(decode_depth(ours).raw, bridge.imgmsg_to_cv2(image))
