# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from visualization_msgs.msg import Marker

from affordance_seg_ros.frames import Box, Region
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.ros.encode import header, pose
from affordance_seg_ros.ros.markers import region_markers

HEAD = header(1_234_567_890, "optical")
REGION = Region(
    label_id=2,
    name="grasp",
    score=0.5,
    area_px=12,
    box=Box(1, 2, 3, 4),
    depth_fraction=1.0,
    centroid_m=np.array([0.1, 0.2, 0.3]),
    normal=np.array([0.0, 0.0, -1.0]),
    axes=np.diag([1.0, -1.0, -1.0]),
    extents_m=np.array([0.3, 0.2, 0.1]),
    center_m=np.array([0.4, 0.5, 0.6]),
    area_m2=0.01,
    track_id=7,
)


def test_an_array_shows_the_regions_of_its_frame_and_removes_the_last_ones():
    clear, box, normal, name = region_markers([REGION], LabelSet(), HEAD).markers
    assert clear.action == Marker.DELETEALL
    assert box.pose == pose(REGION)
    assert [box.scale.x, box.scale.y, box.scale.z] == REGION.extents_m.tolist()
    ends = [[point.x, point.y, point.z] for point in normal.points]
    np.testing.assert_array_equal(ends[0], REGION.centroid_m)
    direction = np.subtract(ends[1], ends[0])
    np.testing.assert_allclose(direction / np.linalg.norm(direction), REGION.normal)
    assert name.text == "grasp 0.50 #7"
    rgb = [round(255 * value) for value in (box.color.r, box.color.g, box.color.b)]
    assert rgb == LabelSet().colors_rgb[2].tolist()
    assert {marker.id for marker in (box, normal, name)} == {7}
    assert len({marker.ns for marker in (box, normal, name)}) == 3
    assert all(marker.header == HEAD for marker in (clear, box, normal, name))


def test_a_region_without_depth_has_no_marker():
    flat = REGION._replace(center_m=np.full(3, np.nan))
    assert len(region_markers([flat], LabelSet(), HEAD).markers) == 1


def test_a_flat_box_is_thick_enough_to_be_drawn():
    flat = REGION._replace(extents_m=np.array([0.1, 0.05, 0.0]))
    assert region_markers([flat], LabelSet(), HEAD).markers[1].scale.z == pytest.approx(0.001)
