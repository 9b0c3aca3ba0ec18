# SPDX-License-Identifier: Apache-2.0
"""The messages that we write are those that cv_bridge writes."""

import numpy as np
import pytest

from affordance_seg_ros.ros import encode


@pytest.mark.parametrize(
    ("encoding", "dtype", "channels"),
    [
        ("mono8", "u1", 1),
        ("rgb8", "u1", 3),
        ("bgra8", "u1", 4),
        ("16UC1", "u2", 1),
        ("32FC1", "f4", 1),
    ],
)
def test_image_messages_equal_those_of_cv_bridge_where_it_is_installed(encoding, dtype, channels):
    bridge = pytest.importorskip("cv_bridge").CvBridge()
    shape = (5, 7, channels)[: 3 if channels > 1 else 2]
    pixels = np.random.default_rng(0).uniform(0, 255, shape).astype(dtype)
    head = encode.header(1_700_000_000_123_456_789, "rgb_camera_link")
    message = encode.image(pixels, encoding, head)
    assert message == bridge.cv2_to_imgmsg(pixels, encoding, head)
    np.testing.assert_array_equal(bridge.imgmsg_to_cv2(message), pixels)
