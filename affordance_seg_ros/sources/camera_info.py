# SPDX-License-Identifier: Apache-2.0
"""Calibration from sensor_msgs/CameraInfo, of ROS 2 and of ROS 1."""

from collections.abc import Sequence
from typing import Any

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.errors import CalibrationError

# orbbec_camera sends the eight of the rational model under the name plumb_bob.
_COEFFICIENTS = {"plumb_bob": (4, 5, 8), "rational_polynomial": (5, 8), "": (4, 5, 8)}
_MOST_COEFFICIENTS = 8
_FISHEYES = ("equidistant", "fisheye", "kannala_brandt4")
"""Models that are not a pinhole even if all their coefficients are 0."""


def decode_camera_info(msg: Any, *, rectified: bool = False) -> Camera:
    """Return the camera of the pictures that go with a camera_info.

    Binning and the region of interest are applied: the result fits the picture as sent.

    Args:
        msg: The message; its matrices are ``k``, ``d``, ``p`` (ROS 2) or ``K``, ``D``, ``P``.
        rectified: Whether the pictures are rectified (``image_rect``): then ``p`` applies, without
            distortion.

    Raises:
        CalibrationError: The camera is uncalibrated, a number is not finite, or the distortion
            model is not one of plumb_bob, rational_polynomial.
    """
    matrix = _numbers(msg, "p" if rectified else "k")
    if not any(matrix):
        raise CalibrationError(
            f"camera_info with a matrix {'P' if rectified else 'K'} of zeros: the camera is "
            "uncalibrated; expected its intrinsics"
        )
    columns = 4 if rectified else 3
    camera = Camera(
        width=int(msg.width),
        height=int(msg.height),
        fx=matrix[0],
        fy=matrix[columns + 1],
        cx=matrix[2],
        cy=matrix[columns + 2],
        distortion=() if rectified else _distortion(msg),
    )
    return _binned(_window(camera, msg.roi), msg)


def _numbers(msg: Any, field: str) -> list[float]:
    values: Sequence[float] = getattr(msg, field, getattr(msg, field.upper(), ()))
    expected = {"k": 9, "p": 12}.get(field)
    if expected is not None and len(values) != expected:
        raise CalibrationError(
            f"camera_info with {len(values)} numbers in {field.upper()}; expected {expected}"
        )
    return [float(value) for value in values]


def _distortion(msg: Any) -> tuple[float, ...]:
    coefficients = tuple(_numbers(msg, "d"))
    if not any(coefficients) and msg.distortion_model not in _FISHEYES:
        return ()
    # OpenCV writes 12 or 14, of which those of thin prisms and a tilted sensor are mostly 0.
    if not any(coefficients[_MOST_COEFFICIENTS:]):
        coefficients = coefficients[:_MOST_COEFFICIENTS]
    accepted = _COEFFICIENTS.get(msg.distortion_model)
    if accepted is None:
        raise CalibrationError(
            f"distortion model '{msg.distortion_model}'; expected plumb_bob or "
            "rational_polynomial, or rectified pictures"
        )
    if len(coefficients) not in accepted:
        raise CalibrationError(
            f"{len(coefficients)} distortion coefficients for '{msg.distortion_model}'; expected "
            f"{' or '.join(map(str, accepted))}"
        )
    return coefficients


def _window(camera: Camera, roi: Any) -> Camera:
    # Width or height 0 means the whole picture.
    if not (roi.width and roi.height):
        return camera
    if roi.x_offset + roi.width > camera.width or roi.y_offset + roi.height > camera.height:
        raise CalibrationError(
            f"region of interest {roi.width}x{roi.height} at ({roi.x_offset}, {roi.y_offset}); "
            f"expected one within {camera.width}x{camera.height}"
        )
    return camera.crop(int(roi.x_offset), int(roi.y_offset), int(roi.width), int(roi.height))


def _binned(camera: Camera, msg: Any) -> Camera:
    # 0 and 1 both mean no binning.
    bin_x, bin_y = max(int(msg.binning_x), 1), max(int(msg.binning_y), 1)
    if bin_x == bin_y == 1:
        return camera
    if camera.width < bin_x or camera.height < bin_y:
        raise CalibrationError(
            f"binning {bin_x}x{bin_y} of {camera.width}x{camera.height} pixels; expected at least "
            "one pixel to remain"
        )
    # A remainder that fills no bin is not in the picture.
    width, height = camera.width // bin_x, camera.height // bin_y
    return camera.crop(0, 0, width * bin_x, height * bin_y).resize(width, height)
