# SPDX-License-Identifier: Apache-2.0
"""Calibration messages of ROS 1 and ROS 2 become cameras, or are refused with the reason."""

from types import SimpleNamespace

import numpy as np
import pytest

from affordance_seg_ros.errors import CalibrationError
from affordance_seg_ros.sources.decode import decode_camera_info, stamp_ns

K = [600.0, 0.0, 320.0, 0.0, 610.0, 240.0, 0.0, 0.0, 1.0]
P = [500.0, 0.0, 310.0, 0.0, 0.0, 505.0, 235.0, 0.0, 0.0, 0.0, 1.0, 0.0]


def info(*, upper=False, **fields):
    roi = SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0)
    values = {"k": K, "d": [0.1, -0.2, 0.001, 0.002, 0.05], "p": P, **fields}
    if upper:
        values = {
            name.upper() if name in ("k", "d", "p") else name: v for name, v in values.items()
        }
    defaults = {"width": 640, "height": 480, "binning_x": 0, "binning_y": 0, "roi": roi}
    return SimpleNamespace(**{"distortion_model": "plumb_bob", **defaults, **values})


@pytest.mark.parametrize("upper", [False, True])
def test_ros_1_and_ros_2_fields_give_the_same_camera(upper):
    camera = decode_camera_info(info(upper=upper))
    assert (camera.width, camera.height) == (640, 480)
    np.testing.assert_array_equal(camera.matrix.ravel(), K)
    assert camera.distortion == (0.1, -0.2, 0.001, 0.002, 0.05)


@pytest.mark.parametrize("model", ["rational_polynomial", "plumb_bob"])
@pytest.mark.parametrize("more", [0, 4, 6])
def test_all_eight_coefficients_are_kept_also_by_the_name_that_orbbec_gives_them(model, more):
    d = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    camera = decode_camera_info(info(distortion_model=model, d=[*d, *[0.0] * more]))
    assert camera.distortion == tuple(d)


def test_a_thin_prism_is_refused():
    d = [0.1] * 12
    with pytest.raises(CalibrationError, match="12 distortion coefficients"):
        decode_camera_info(info(distortion_model="rational_polynomial", d=d))


@pytest.mark.parametrize("d", [[], [0.0] * 5, [0.0] * 12])
@pytest.mark.parametrize("model", ["", "plumb_bob", "none"])
def test_no_or_zero_coefficients_are_no_distortion_whatever_the_model(d, model):
    assert decode_camera_info(info(distortion_model=model, d=d)).distortion == ()


def test_rectified_pictures_use_the_projection_matrix():
    camera = decode_camera_info(info(), rectified=True)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (500, 505, 310, 235)
    assert not camera.is_distorted


@pytest.mark.parametrize("d", [[0.1, 0.01, 0.0, 0.0], [0.0] * 4, []])
@pytest.mark.parametrize("model", ["equidistant", "fisheye"])
def test_a_fisheye_is_refused_whatever_its_coefficients(model, d):
    with pytest.raises(CalibrationError, match=f"'{model}'; expected plumb_bob or rational"):
        decode_camera_info(info(distortion_model=model, d=d))


def test_wrong_number_of_coefficients_is_refused():
    with pytest.raises(CalibrationError, match="3 distortion coefficients for 'plumb_bob'"):
        decode_camera_info(info(d=[0.1, 0.2, 0.3]))


def test_uncalibrated_camera_is_refused():
    with pytest.raises(CalibrationError, match="uncalibrated"):
        decode_camera_info(info(k=[0.0] * 9))


def test_incomplete_matrix_is_refused():
    with pytest.raises(CalibrationError, match="3 numbers in K; expected 9"):
        decode_camera_info(info(k=[1.0, 2.0, 3.0]))


@pytest.mark.parametrize(
    "fields",
    [{"k": [np.nan, *K[1:]]}, {"d": [0.0, np.nan, 0.0, 0.0, 0.0]}, {"k": [np.inf, *K[1:]]}],
)
def test_numbers_that_are_not_finite_are_refused(fields):
    with pytest.raises(CalibrationError, match="expected finite numbers"):
        decode_camera_info(info(**fields))


def test_region_of_interest_moves_the_principal_point():
    roi = SimpleNamespace(x_offset=100, y_offset=50, width=200, height=120)
    camera = decode_camera_info(info(roi=roi))
    assert (camera.width, camera.height) == (200, 120)
    assert (camera.cx, camera.cy) == (220, 190)


def test_region_of_interest_outside_the_picture_is_refused():
    roi = SimpleNamespace(x_offset=500, y_offset=50, width=200, height=120)
    with pytest.raises(CalibrationError, match=r"200x120 at \(500, 50\).*within 640x480"):
        decode_camera_info(info(roi=roi))


def test_binned_picture_sees_the_same_ray_at_the_middle_of_its_bin():
    full = decode_camera_info(info(height=481))
    binned = decode_camera_info(info(height=481, binning_x=2, binning_y=3))
    assert (binned.width, binned.height) == (320, 160)
    ray = full.unproject((2 * 40 + 0.5, 3 * 30 + 1), 1.0)
    np.testing.assert_allclose(binned.unproject((40, 30), 1.0), ray, atol=1e-9)


def test_a_region_of_interest_is_in_pixels_of_the_whole_sensor_before_binning():
    roi = SimpleNamespace(x_offset=100, y_offset=50, width=200, height=120)
    camera = decode_camera_info(info(roi=roi, binning_x=2, binning_y=2))
    assert (camera.width, camera.height) == (100, 60)
    assert (camera.cx, camera.cy) == (220.5 / 2 - 0.5, 190.5 / 2 - 0.5)


def test_binning_that_leaves_no_pixel_is_refused():
    with pytest.raises(CalibrationError, match="binning 1x500"):
        decode_camera_info(info(binning_y=500))


def test_stamp_is_exact_in_nanoseconds():
    stamp = SimpleNamespace(sec=2_000_000_000, nanosec=123_456_789)
    assert stamp_ns(SimpleNamespace(stamp=stamp)) == 2_000_000_000_123_456_789
