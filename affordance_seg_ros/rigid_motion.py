# SPDX-License-Identifier: Apache-2.0
"""Rigid motions between camera frames: built from numbers, and checked."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import CalibrationError

FloatArray = npt.NDArray[np.float64]

_FORM = "seven numbers 'x y z qx qy qz qw', in metres and as a unit quaternion"
# Calibrations are written with few digits.
_UNIT_TOLERANCE = 1e-2


def rigid_motion(translation_m: Sequence[float], quaternion: Sequence[float]) -> FloatArray:
    """Return the (4, 4) matrix of a translation [m] and a unit quaternion (x, y, z, w).

    Raises:
        CalibrationError: A number is not finite, or the quaternion is not of unit length.
    """
    values = np.array([*translation_m, *quaternion], np.float64)
    length = float(np.linalg.norm(values[3:]))
    if values.shape != (7,) or not np.isfinite(values).all() or abs(length - 1) > _UNIT_TOLERANCE:
        raise CalibrationError(
            f"transform {' '.join(f'{value:g}' for value in values)}; expected {_FORM}"
        )
    x, y, z, w = values[3:] / length
    T = np.eye(4)
    T[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    T[:3, 3] = values[:3]
    return T


def parse_motion(text: str) -> FloatArray:
    """Return the (4, 4) matrix that ``x y z qx qy qz qw`` describes.

    Raises:
        CalibrationError: The text is something else.
    """
    try:
        values = [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        values = []
    if len(values) != 7:
        raise CalibrationError(f"transform '{text}'; expected {_FORM}")
    return rigid_motion(values[:3], values[3:])


def check_rigid(T: FloatArray) -> None:
    """Raise CalibrationError unless the matrix is a finite (4, 4) rigid motion."""
    if T.shape != (4, 4) or not np.isfinite(T).all():
        raise CalibrationError(f"extrinsics of shape {T.shape}; expected 4x4 finite numbers")
    R = T[:3, :3]
    off = np.abs(R @ R.T - np.eye(3)).max()
    if off > 1e-3 or np.linalg.det(R) < 0 or not np.allclose(T[3], (0, 0, 0, 1)):
        raise CalibrationError(
            f"extrinsics are not a rigid motion (rotation off by {off:.2g}); expected T_color_depth"
        )
