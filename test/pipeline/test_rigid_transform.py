# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from test_tracking import seen

from affordance_seg_ros.errors import TransformError
from affordance_seg_ros.pipeline.rigid_transform import RigidTransform, quaternion_of

RANDOM = np.random.default_rng(0)
QUATERNIONS = [
    *Rotation.random(50, random_state=0).as_quat(),
    *np.eye(4),  # none, and half turns about each axis
    [0, 0, -np.sqrt(0.5), np.sqrt(0.5)],
]


@pytest.mark.parametrize("quaternion", QUATERNIONS)
def test_a_quaternion_is_the_rotation_that_others_make_of_it(quaternion) -> None:
    made = RigidTransform.from_quaternion(quaternion, [0, 0, 0]).rotation
    np.testing.assert_allclose(made, Rotation.from_quat(quaternion).as_matrix(), atol=1e-12)


@pytest.mark.parametrize("quaternion", QUATERNIONS)
def test_a_rotation_survives_its_quaternion(quaternion) -> None:
    rotation = Rotation.from_quat(quaternion).as_matrix()
    found = quaternion_of(rotation)
    assert np.linalg.norm(found) == pytest.approx(1)
    assert found[3] >= 0
    np.testing.assert_allclose(
        RigidTransform.from_quaternion(found, [0, 0, 0]).rotation, rotation, atol=1e-9
    )


def test_a_quaternion_of_two_digits_is_a_rotation() -> None:
    made = RigidTransform.from_quaternion([0.71, 0, 0, 0.71], [0, 0, 0]).rotation
    np.testing.assert_allclose(made @ made.T, np.eye(3), atol=1e-12)


def test_no_rotation_has_no_quaternion() -> None:
    assert np.isnan(quaternion_of(np.full((3, 3), np.nan))).all()


def test_a_quarter_turn_about_z_and_a_step_along_x() -> None:
    half = np.sqrt(0.5)
    moved = RigidTransform.from_quaternion([0, 0, half, half], [10, 0, 0])
    points = moved.points([[1, 0, 5], [0, 1, 5]])
    np.testing.assert_allclose(points, [[10, 1, 5], [9, 0, 5]], atol=1e-12)
    np.testing.assert_allclose(moved.vectors([1, 0, 0]), [0, 1, 0], atol=1e-12)


def test_a_region_moves_as_a_whole_and_keeps_its_size() -> None:
    moved = RigidTransform.from_quaternion(
        Rotation.random(random_state=1).as_quat(), RANDOM.standard_normal(3)
    )
    axes = Rotation.random(random_state=2).as_matrix()
    region = seen(50, 50, centroid_m=(0.1, 0.2, 0.5), axes=axes)._replace(normal=axes[2])
    found = moved.region(region)
    corner = region.center_m + 0.5 * region.extents_m @ region.axes
    np.testing.assert_allclose(
        found.center_m + 0.5 * found.extents_m @ found.axes, moved.points(corner)
    )
    np.testing.assert_allclose(found.centroid_m, moved.points(region.centroid_m))
    np.testing.assert_allclose(found.normal, found.axes[2])  # of one row and of three: rounding
    assert np.linalg.det(found.axes) == pytest.approx(1)
    np.testing.assert_array_equal(found.extents_m, region.extents_m)
    assert (found.box, found.area_m2) == (region.box, region.area_m2)


def test_a_region_without_depth_stays_without() -> None:
    moved = RigidTransform.from_quaternion([0, 0, 0, 1], [1, 2, 3])
    assert np.isnan(moved.region(seen(50, 50)).centroid_m).all()


@pytest.mark.parametrize(
    ("quaternion", "translation"),
    [
        ([0, 0, 0, 0], [0, 0, 0]),
        ([0, 0, 0, 2], [0, 0, 0]),
        ([np.nan, 0, 0, 1], [0, 0, 0]),
        ([0, 0, 0, 1], [np.inf, 0, 0]),
    ],
)
def test_what_is_no_transform_is_refused(quaternion, translation) -> None:
    with pytest.raises(TransformError, match="expected finite numbers and a quaternion of norm 1"):
        RigidTransform.from_quaternion(quaternion, translation)
