# SPDX-License-Identifier: Apache-2.0
"""Depth at another size: noise averaged, surfaces never mixed, holes never filled."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.frames import FARTHEST_M, LEAST_M

_TAPS = 3
"""Samples along each side of an output pixel; the middle one decides on which surface it lies."""
_SAME_SURFACE_M = 0.1
"""Samples further from the middle one lie on another surface, as in the scene flow's pyramid."""


def resize_depth(
    raw: npt.NDArray[Any], metres_per_unit: float, width: int, height: int
) -> npt.NDArray[np.float32]:
    """Resize depth and convert it to metres.

    Each output pixel is the mean of those of 3x3 samples spread over it that lie on the same
    surface as the middle one. A hole in the middle stays a hole. Nearest-neighbour sampling would
    instead keep all of the sensor's noise.

    Args:
        raw: (H, W) uint16 where 0 means no depth, or float32 where NaN, Inf, and values below a
            tenth of a millimetre or beyond a kilometre do.
        metres_per_unit: Length of one raw unit [m].
        width: Columns wanted [px].
        height: Rows wanted [px].

    Returns:
        (height, width) float32 [m], 0 for no depth.
    """
    taps = cv2.resize(raw, (_TAPS * width, _TAPS * height), interpolation=cv2.INTER_NEAREST_EXACT)
    depth_m = taps.astype(np.float32) * np.float32(metres_per_unit)
    # Written so that NaN fails as well.
    depth_m[~((depth_m > LEAST_M) & (depth_m < FARTHEST_M))] = 0
    # Sample by sample: three to four times faster than as one array of five dimensions.
    middle = depth_m[_TAPS // 2 :: _TAPS, _TAPS // 2 :: _TAPS].copy()  # (height, width)
    total = np.zeros_like(middle)
    count = np.zeros_like(middle)
    for row, column in np.ndindex(_TAPS, _TAPS):
        tap = depth_m[row::_TAPS, column::_TAPS]
        same = (np.abs(tap - middle) < _SAME_SURFACE_M) & (tap > 0)
        total += tap * same
        count += same
    result: npt.NDArray[np.float32] = np.where(middle > 0, total / np.maximum(count, 1), 0)
    return result.astype(np.float32)
