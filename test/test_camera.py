# SPDX-License-Identifier: Apache-2.0
"""The camera model: laws of projection, resizing and cropping, and what it refuses."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from affordance_seg_ros.camera import Camera, check_lens, known_pixels
from affordance_seg_ros.errors import CalibrationError

PINHOLE = Camera(640, 480, 520.0, 530.0, 318.0, 243.0)
PLUMB_BOB = replace(PINHOLE, distortion=(0.12, -0.25, 0.001, -0.002, 0.08))
RATIONAL = Camera(
    1280, 720, 611.8, 611.9, 639.3, 365.9,
    (0.3301, -2.4894, -1.618e-4, -1.294e-4, 1.4537, 0.2089, -2.3029, 1.3751),
)  # fmt: skip
CAMERAS = pytest.mark.parametrize(
    "camera",
    [PINHOLE, replace(PINHOLE, distortion=(-0.1, 0.02, 0.001, 0.002)), PLUMB_BOB, RATIONAL],
    ids=["pinhole", "four", "plumb_bob", "rational"],
)


def random_pixels(camera, count=500, seed=0):
    return np.random.default_rng(seed).uniform(0, (camera.width - 1, camera.height - 1), (count, 2))


@CAMERAS
def test_project_undoes_unproject(camera):
    pixels = random_pixels(camera)
    depth_m = np.random.default_rng(1).uniform(0.2, 8, len(pixels))
    points = camera.unproject(pixels, depth_m)
    np.testing.assert_allclose(points[:, 2], depth_m)
    np.testing.assert_allclose(camera.project(points), pixels, atol=1e-6)


@CAMERAS
def test_unproject_undoes_project(camera):
    pixels = random_pixels(camera, seed=2)
    points = camera.unproject(pixels, np.full(len(pixels), 1.3))
    np.testing.assert_allclose(camera.unproject(camera.project(points), points[:, 2]), points)


@CAMERAS
def test_projection_does_not_depend_on_distance_along_the_ray(camera):
    points = camera.unproject(random_pixels(camera, 50), np.ones(50))
    np.testing.assert_allclose(camera.project(7 * points), camera.project(points), atol=1e-9)


@CAMERAS
def test_projection_is_opencvs(camera):
    points = camera.unproject(random_pixels(camera, 50), np.full(50, 2.0))
    zero = np.zeros(3)
    expected, _ = cv2.projectPoints(points, zero, zero, camera.matrix, np.array(camera.distortion))
    np.testing.assert_allclose(camera.project(points), expected[:, 0], atol=1e-9)


@CAMERAS
def test_shapes_of_many_dimensions_are_kept(camera):
    pixels = random_pixels(camera, 24).reshape(2, 3, 4, 2)
    points = camera.unproject(pixels, np.ones((2, 3, 4)))
    assert points.shape == (2, 3, 4, 3)
    assert camera.project(points).shape == pixels.shape
    flat = camera.unproject(pixels.reshape(-1, 2), np.ones(24))
    np.testing.assert_array_equal(points.reshape(-1, 3), flat)
    assert camera.unproject(pixels[0, 0, 0], 2.0).shape == (3,)
    assert camera.unproject(pixels, 2.0).shape == points.shape
    assert camera.project(np.zeros((0, 3))).shape == (0, 2)
    assert camera.unproject(np.zeros((0, 2)), np.zeros(0)).shape == (0, 3)


@CAMERAS
def test_points_at_or_behind_the_camera_project_to_nan(camera):
    pixels = camera.project([(0.1, 0.1, 0.0), (0.1, 0.1, -1.0), (0.1, 0.1, 1.0)])
    assert np.isnan(pixels[:2]).all()
    assert np.isfinite(pixels[2]).all()


def test_principal_point_looks_along_the_axis():
    np.testing.assert_allclose(PLUMB_BOB.unproject((318.0, 243.0), 2.0), (0, 0, 2), atol=1e-12)


def test_column_grows_to_the_right_and_row_downwards():
    column, row = PINHOLE.project((0.1, 0.05, 1.0))
    assert column == pytest.approx(318 + 52)
    assert row == pytest.approx(243 + 26.5)


@CAMERAS
@pytest.mark.parametrize("size", [(320, 240), (300, 300), (1000, 900)])
def test_resized_camera_sees_the_same_rays(camera, size):
    resized = camera.resize(*size)
    assert (resized.width, resized.height) == size
    pixels = random_pixels(camera)
    # The centre of the top left pixel is (0, 0): the picture begins half a pixel before it.
    scale = np.array(size) / (camera.width, camera.height)
    resized_pixels = (pixels + 0.5) * scale - 0.5
    np.testing.assert_allclose(
        resized.unproject(resized_pixels, np.ones(len(pixels))),
        camera.unproject(pixels, np.ones(len(pixels))),
        atol=1e-9,
    )


def test_resized_camera_fits_a_picture_that_opencv_resized():
    columns, rows = np.meshgrid(np.arange(640.0), np.arange(480.0))
    rays = PINHOLE.unproject(np.stack([columns, rows], -1), np.ones((480, 640)))
    small = cv2.resize(rays, (160, 120), interpolation=cv2.INTER_AREA)
    columns, rows = np.meshgrid(np.arange(160.0), np.arange(120.0))
    expected = PINHOLE.resize(160, 120).unproject(
        np.stack([columns, rows], -1), np.ones((120, 160))
    )
    np.testing.assert_allclose(small, expected, atol=1e-9)


@CAMERAS
def test_resizing_there_and_back_changes_nothing(camera):
    back = camera.resize(333, 222).resize(camera.width, camera.height)
    np.testing.assert_allclose(back.matrix, camera.matrix)
    assert back.distortion == camera.distortion


@CAMERAS
@pytest.mark.parametrize("corner", [(30, 40), (-10, -20)])
def test_cropped_camera_sees_the_same_rays(camera, corner):
    cropped = camera.crop(*corner, 200, 100)
    assert (cropped.width, cropped.height) == (200, 100)
    pixels = random_pixels(cropped)
    np.testing.assert_allclose(
        cropped.unproject(pixels, np.ones(len(pixels))),
        camera.unproject(pixels + corner, np.ones(len(pixels))),
        atol=1e-9,
    )


def test_only_a_camera_without_distortion_has_straight_rays():
    straight = replace(PLUMB_BOB, distortion=())
    assert not straight.is_distorted
    assert PLUMB_BOB.is_distorted
    bend = [
        np.diff(camera.unproject([(0.0, 0.0), (100.0, 0.0), (200.0, 0.0)], 1.0), n=2, axis=0)
        for camera in (straight, PLUMB_BOB)
    ]
    np.testing.assert_allclose(bend[0], 0, atol=1e-12)
    assert np.abs(bend[1]).max() > 1e-3


@CAMERAS
def test_a_usual_lens_is_known_everywhere(camera):
    check_lens(camera)
    assert camera.inverts(random_pixels(camera)).all()


def test_a_lens_that_folds_over_is_known_up_to_there_and_refused_where_it_is_much():
    # k1 = -0.3 turns back at a tangent of 1.05, which is 0.70 in the picture.
    folds = replace(PINHOLE, distortion=(-0.3, 0.0, 0.0, 0.0))
    radius = np.array([0.5, 0.69, 0.75, 1.0])
    pixels = np.stack([folds.cx + folds.fx * radius, np.full(4, folds.cy)], -1)
    assert folds.inverts(pixels).tolist() == [True, True, False, False]
    check_lens(replace(folds, fx=500.0, fy=500.0))
    words = r"distortion \[-0.3.*\] cannot be inverted in \d+ % of 640x480 .* or rectified pictures"
    with pytest.raises(CalibrationError, match=words):
        check_lens(replace(folds, fx=300.0, fy=300.0))


def test_pixels_that_are_known_are_those_that_come_back_wherever_they_are_looked_for():
    # Turns back within the picture, and beside it: the border alone tells which of the two.
    for focal in (300.0, 400.0, 500.0, 700.0):
        camera = Camera(160, 120, focal / 4, focal / 4, 79.5, 59.5, (-0.3, 0.0, 0.0, 0.0))
        pixels = np.stack(np.meshgrid(np.arange(160), np.arange(120)), -1)
        np.testing.assert_array_equal(known_pixels(camera), camera.inverts(pixels))


def test_zero_coefficients_are_no_distortion():
    zero = replace(PINHOLE, distortion=(0.0,) * 5)
    assert not zero.is_distorted
    pixels = random_pixels(zero)
    np.testing.assert_array_equal(zero.unproject(pixels, 1.0), PINHOLE.unproject(pixels, 1.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "image size 0x480; expected at least 1x1"),
        ({"height": -1}, "image size 640x-1"),
        ({"fx": 0.0}, "fx=0.0 .*uncalibrated"),
        ({"fy": -5.0}, "fy=-5.0; expected positive"),
        ({"cx": float("nan")}, "cx=nan .*expected finite"),
        ({"fx": float("inf")}, "fx=inf .*expected finite"),
        ({"distortion": (0.1, float("nan"), 0.0, 0.0)}, "expected finite"),
        ({"distortion": (0.1, 0.2, 0.3)}, "3 distortion coefficients; expected one of 0, 4, 5, 8"),
    ],
)
def test_impossible_intrinsics_are_refused(change, message):
    with pytest.raises(CalibrationError, match=message):
        replace(PINHOLE, **change)
