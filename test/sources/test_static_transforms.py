# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace

import numpy as np
import pytest

from affordance_seg_ros.errors import CalibrationError
from affordance_seg_ros.rigid_motion import rigid_motion
from affordance_seg_ros.sources.extrinsics import EXTRINSICS_TYPES, decode_extrinsics
from affordance_seg_ros.sources.static_transforms import StaticTransforms

TURN = (0.1, -0.2, 0.3, np.sqrt(1 - 0.14))
STEPS = {
    "link": ((0.1, 0, 0), TURN),
    "depth": ((0, 0.2, 0), (0, 0, 0, 1)),
    "color": ((0, 0, 1), TURN),
}


def edge(parent, child, xyz=(0, 0, 0), turn=(0, 0, 0, 1)):
    return SimpleNamespace(
        header=SimpleNamespace(frame_id=parent),
        child_frame_id=child,
        transform=SimpleNamespace(
            translation=SimpleNamespace(**dict(zip("xyz", xyz, strict=True))),
            rotation=SimpleNamespace(**dict(zip("xyzw", turn, strict=True))),
        ),
    )


def message(*edges):
    return SimpleNamespace(transforms=list(edges))


@pytest.fixture
def tree():
    found = StaticTransforms()
    found.add(message(edge("base", "/link", *STEPS["link"])))
    found.add(
        message(edge("/link", "depth", *STEPS["depth"]), edge("link", "color", *STEPS["color"]))
    )
    return found


def test_motions_are_chained_along_the_tree(tree):
    T_link_depth, T_link_color = (rigid_motion(*STEPS[name]) for name in ("depth", "color"))
    expected = np.linalg.inv(T_link_color) @ T_link_depth
    np.testing.assert_allclose(tree.find("color", "depth"), expected, atol=1e-12)
    np.testing.assert_allclose(
        tree.find("base", "depth"), rigid_motion(*STEPS["link"]) @ T_link_depth, atol=1e-12
    )


def test_there_and_back_is_no_motion(tree):
    there, back = tree.find("color", "base"), tree.find("base", "color")
    np.testing.assert_allclose(there @ back, np.eye(4), atol=1e-12)
    np.testing.assert_array_equal(tree.find("anything", "anything"), np.eye(4))


def test_frames_that_do_not_hang_together_have_no_motion(tree):
    tree.add(message(edge("map", "arm")))
    assert tree.find("arm", "color") is None
    assert tree.find("color", "unknown") is None
    assert tree.frames == ("arm", "base", "color", "depth", "link", "map")


def test_a_newer_transform_replaces_the_older(tree):
    tree.add(message(edge("link", "color"), edge("link", "depth")))
    np.testing.assert_array_equal(tree.find("color", "depth"), np.eye(4))


def test_a_cycle_ends(tree):
    tree.add(message(edge("color", "base")))
    assert tree.find("color", "elsewhere") is None


@pytest.mark.parametrize("turn", [(0, 0, 0, 0), (0, 0, 0, np.nan), (1, 1, 1, 1)])
def test_a_transform_that_is_no_motion_is_refused(tree, turn):
    with pytest.raises(CalibrationError, match=r"from 'a' to 'b': transform .*; expected seven"):
        tree.add(message(edge("a", "b", turn=turn)))
    with pytest.raises(CalibrationError, match="'a' is its own parent"):
        tree.add(message(edge("/a", "a")))


def test_a_transform_that_is_refused_takes_no_other_with_it(tree):
    with pytest.raises(CalibrationError, match="from 'base' to 'gripper'"):
        tree.add(message(edge("base", "gripper", turn=(0, 0, 0, 0)), edge("base", "table")))
    assert tree.find("table", "base") is not None


@pytest.mark.parametrize(("name", "order"), [("realsense", "F"), ("orbbec", "C")])
def test_extrinsics_are_read_in_the_driver_s_own_order(name, order):
    T = rigid_motion((0.01, 0.02, 0.03), TURN)
    sent = SimpleNamespace(rotation=T[:3, :3].ravel(order), translation=T[:3, 3])
    np.testing.assert_allclose(decode_extrinsics(sent, EXTRINSICS_TYPES[name]), T)
    sent.rotation = 2 * sent.rotation
    with pytest.raises(CalibrationError, match="not a rigid motion"):
        decode_extrinsics(sent, EXTRINSICS_TYPES[name])
