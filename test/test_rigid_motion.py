# SPDX-License-Identifier: Apache-2.0
import cv2
import numpy as np
import pytest

from affordance_seg_ros.errors import CalibrationError, ConfigError
from affordance_seg_ros.node_config import MOTION_SOURCES, NodeConfig
from affordance_seg_ros.rigid_motion import check_rigid, parse_motion, rigid_motion
from affordance_seg_ros.sources.extrinsics import EXTRINSICS_TYPES


def test_a_quaternion_turns_as_its_axis_and_angle_do():
    random = np.random.default_rng(0)
    for _ in range(20):
        axis = random.normal(size=3)
        axis /= np.linalg.norm(axis)
        angle = random.uniform(-3, 3)
        T = rigid_motion((1, 2, 3), (*(axis * np.sin(angle / 2)), np.cos(angle / 2)))
        np.testing.assert_allclose(T[:3, :3], cv2.Rodrigues(axis * angle)[0], atol=1e-12)
        np.testing.assert_array_equal(T[:3, 3], (1, 2, 3))
        check_rigid(T)


def test_text_may_have_commas_and_few_digits():
    expected = rigid_motion((0.1, -0.2, 0.3), (0, 0, 0.7071, 0.7071))
    np.testing.assert_array_equal(parse_motion("0.1, -0.2,0.3 0 0 0.7071 0.7071"), expected)
    np.testing.assert_allclose(expected[:3, 0], (0, 1, 0), atol=1e-12)


@pytest.mark.parametrize(
    "text", ["", "0 0 0", "0 0 0 0 0 0 nan", "0 0 0 0 0 0 0", "0 0 0 0 0 0 2", "1 2 3 x 0 0 1"]
)
def test_other_text_is_refused_with_the_form(text):
    with pytest.raises(CalibrationError, match="expected seven numbers 'x y z qx qy qz qw'"):
        parse_motion(text)
    with pytest.raises(ConfigError, match=r"depth_to_color=.* or one of tf, realsense, orbbec"):
        NodeConfig(depth_to_color=text)


def test_the_options_names_are_those_of_the_messages():
    assert set(MOTION_SOURCES) == {"tf", *EXTRINSICS_TYPES}
