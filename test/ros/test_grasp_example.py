# SPDX-License-Identifier: Apache-2.0
"""The example of docs/tutorials/grasp_planner.md, run as it stands there."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from geometry_msgs.msg import Point, Vector3
from scipy.spatial.transform import Rotation

from affordance_seg_ros.msg import AffordanceRegion

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples/grasp_poses.py"
TUTORIAL = ROOT / "docs/tutorials/grasp_planner.md"
SPEC = importlib.util.spec_from_file_location("grasp_poses", EXAMPLE)
grasp_poses = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(grasp_poses)


def handle(**changes):
    """A handle of 120 x 30 mm in front of the camera, facing it."""
    values = {
        "centroid": Point(x=0.1, y=0.0, z=0.6),
        "normal": Vector3(z=-1.0),
        "axes": [Vector3(x=1.0), Vector3(y=-1.0), Vector3(z=-1.0)],
        "extents": Vector3(x=0.12, y=0.03, z=0.01),
    }
    return AffordanceRegion(**{**values, **changes})


def test_a_grasp_comes_along_the_normal_and_closes_across_the_part():
    grasp = grasp_poses.grasp_of(handle(), max_opening_m=0.08, distance_m=0.1)
    np.testing.assert_array_equal(grasp.position_m, [0.1, 0, 0.6])
    np.testing.assert_array_equal(grasp.approach, [0, 0, 1])
    np.testing.assert_allclose(grasp.standoff_m, [0.1, 0, 0.5])
    assert grasp.approach @ grasp.closing == 0
    assert abs(grasp.closing[1]) == 1
    assert grasp.opening_m == pytest.approx(0.04)
    turned = Rotation.from_quat(grasp.orientation)
    np.testing.assert_allclose(turned.apply([0, 0, 1]), grasp.approach, atol=1e-12)
    np.testing.assert_allclose(turned.apply([0, 1, 0]), grasp.closing, atol=1e-12)


def test_a_part_that_is_too_wide_or_has_no_depth_gives_no_grasp():
    limits = {"max_opening_m": 0.08, "distance_m": 0.1}
    assert grasp_poses.grasp_of(handle(extents=Vector3(x=0.2, y=0.1)), **limits) is None
    nowhere = Point(x=np.nan, y=np.nan, z=np.nan)
    assert grasp_poses.grasp_of(handle(centroid=nowhere), **limits) is None


def run(start, **parameters):
    return start(command=(sys.executable, str(EXAMPLE)), **parameters)


def test_the_script_prints_the_grasps_of_the_live_node(camera, start):
    """The double's region is 2 m wide, three of four of its pixels have no depth."""
    start(rate_hz=0, weights="trained")
    example = run(start, max_opening_m=3.0, min_depth_fraction=0.2)
    camera.wait_for_subscriber()
    camera.publish_until(lambda: "grasp #7" in example.output, "a grasp")
    # Its z axis, the approach, is x, against the normal; its y axis is the second of the region's.
    pose = "at (0.100, 0.200, 0.300) m, orientation (-0.500, 0.500, -0.500, 0.500)"
    assert f"in optical: {pose}" in example.output
    assert "opening 2010 mm, from (0.000, 0.200, 0.300) m" in example.output


def test_the_script_trusts_no_untrained_weights(camera, start):
    start(rate_hz=0)
    example = run(start, max_opening_m=3.0, min_depth_fraction=0.2)
    camera.wait_for_subscriber()
    told = "are untrained: their regions mean nothing"
    camera.publish_until(lambda: told in example.output, "the warning")
    assert "grasp #7" not in example.output


def test_the_tutorial_quotes_the_script_as_it_is():
    source = EXAMPLE.read_text()
    blocks = TUTORIAL.read_text().split("```python\n")[1:]
    assert blocks
    for block in blocks:
        assert block.partition("```")[0] in source
