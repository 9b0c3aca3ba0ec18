# SPDX-License-Identifier: Apache-2.0
"""Projection of depth pixels into the colour image, against the exact one of each point."""

import numpy as np
import pytest
from camera_pairs import COLOR_CAMERA, DEPTH_CAMERA, FIELD, PINHOLE, pose, rays

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.sources.depth_projection import DepthProjection, lens_limit

TANGENTIAL = Camera(640, 480, 500.0, 505.0, 321.0, 240.5, (0.12, -0.2, 0.001, -0.0015, 0.05))
NARROW = Camera(640, 480, 834.0, 834.0, 319.5, 239.5)
FOLDING = (-0.3, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("depth_m", [0.1, 0.25, 0.6, 1.5, 20.0])
@pytest.mark.parametrize(
    ("color_camera", "translation_m"),
    [
        (COLOR_CAMERA, (-0.0321, -0.0022, 0.0039)),
        (TANGENTIAL, (0.059, 0.001, 0.0)),
        (PINHOLE, (0.1, 0.0, -0.05)),
        (NARROW, (0.0, 0.06, -0.12)),
    ],
    ids=["azure kinect", "wide baseline", "behind", "narrow and behind"],
)
def test_every_point_that_is_seen_is_where_it_is(color_camera, translation_m, depth_m):
    T = pose(translation_m=translation_m)
    shape = (DEPTH_CAMERA.height, DEPTH_CAMERA.width)
    found = DepthProjection(DEPTH_CAMERA, color_camera, T).project(
        np.full(shape, depth_m, np.float32)
    )
    points = rays(DEPTH_CAMERA) * depth_m @ T[:3, :3].T + T[:3, 3]
    exact = color_camera.project(points)
    inside = ((exact > 0) & (exact < (color_camera.width, color_camera.height))).all(-1)
    inside &= FIELD
    assert found.seen[inside].all()
    assert inside.any() or depth_m + translation_m[2] <= 0.1
    off_px = np.hypot(found.columns - exact[..., 0], found.rows - exact[..., 1])[inside]
    assert off_px.max(initial=0) < 2e-3
    np.testing.assert_allclose(found.depth_m, points[..., 2], rtol=1e-5, atol=1e-6)


def test_what_lies_beside_or_behind_the_color_camera_is_not_seen():
    T = pose(rotation_rad=(0, 0, 0), translation_m=(0, 0, -0.5))
    projection = DepthProjection(PINHOLE, PINHOLE, T)
    assert not projection.project(np.full((240, 320), 0.5, np.float32)).seen.any()
    found = projection.project(np.full((240, 320), 0.501, np.float32))
    assert found.seen.all()
    assert np.isfinite(found.columns).all()


@pytest.mark.parametrize("focal_px", [400.0, 100.0], ids=["beside", "within"])
def test_rays_beyond_the_fold_of_a_lens_are_not_seen(focal_px):
    """This polynomial turns back at a tangent of 1.05; the picture ends at 0.55, or at none."""
    folding = Camera(320, 240, focal_px, focal_px, 159.5, 119.5, FOLDING)
    assert lens_limit(folding) == pytest.approx(1 / np.sqrt(0.9), abs=3e-3)
    wide = Camera(320, 240, 80.0, 80.0, 159.5, 119.5)
    found = DepthProjection(wide, folding, np.eye(4)).project(np.ones((240, 320), np.float32))
    tangent = np.hypot(*np.moveaxis(rays(wide)[..., :2], -1, 0))
    assert not found.seen[tangent > 1.06].any()
    assert found.seen[tangent < 1.05].all()


def test_a_lens_whose_denominator_vanishes_ends_there():
    pole = Camera(320, 240, 300.0, 300.0, 159.5, 119.5, (0.0, 0.0, 0.0, 0.0, 0.0, -0.25, 0.0, 0.0))
    assert lens_limit(pole) == pytest.approx(2.0, abs=3e-3)


def test_usual_lenses_reach_beyond_their_pictures():
    for camera in (COLOR_CAMERA, TANGENTIAL):
        corners = rays(camera)[[0, 0, -1, -1], [0, -1, 0, -1], :2]
        assert lens_limit(camera) > np.hypot(*corners.T).max()
