# SPDX-License-Identifier: Apache-2.0
"""Which surface points of a frame are hidden, or outside the picture, in the next frame."""

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.camera import Camera

Float = npt.NDArray[np.float32]

_TOLERANCE_M = 0.002
_REACH_PX = 0.6  # the nearest pixel, and another that is about as near
_ROUNDING_PX = 1e-3


def hidden_next(
    camera: Camera, depth_m: Float, motion_m: Float, next_depth_m: Float
) -> npt.NDArray[np.bool_]:
    """Return where a surface point cannot be seen in the next frame.

    Args:
        camera: Intrinsics of both frames.
        depth_m: (H, W) true depth, 0 where nothing is.
        motion_m: (H, W, 3) true motion of each point, in the camera frame.
        next_depth_m: (H, W) true depth of the next frame.

    Returns:
        (H, W) true where something nearer is in the way in the next frame, or the point has left
        the picture. False where nothing was seen at all, and where something is nearer by less than
        2 mm (up to 8 mm at edges and where depth is steep): that may be the same surface between
        pixels.
    """
    height, width = depth_m.shape
    column, row = np.meshgrid(np.arange(width), np.arange(height))
    x = (column - camera.cx) / camera.fx * depth_m + motion_m[..., 0]
    y = (row - camera.cy) / camera.fy * depth_m + motion_m[..., 1]
    z = np.maximum(depth_m + motion_m[..., 2], 1e-3)
    to_column = x / z * camera.fx + camera.cx
    to_row = y / z * camera.fy + camera.cy
    inside = (np.minimum(to_column, to_row) >= -_ROUNDING_PX) & (
        np.maximum(to_column - width, to_row - height) <= _ROUNDING_PX - 1
    )
    left = np.clip(np.floor(to_column).astype(np.intp), 0, width - 2)
    top = np.clip(np.floor(to_row).astype(np.intp), 0, height - 2)
    corners = [(j, i) for j in (0, 1) for i in (0, 1)]
    taps = np.stack([next_depth_m[top + j, left + i] for j, i in corners])
    # Visible if a pixel whose centre is near enough shows a surface that is not nearer; depth may
    # change by one pixel's slope in between.
    away = np.stack(
        [np.maximum(abs(to_row - top - j), abs(to_column - left - i)) for j, i in corners]
    )
    empty = taps <= 0
    slope = np.where(empty, 0, taps).max(0) - np.where(empty, np.inf, taps).min(0)
    slack = _TOLERANCE_M + np.clip(slope, 0, 0.006)
    seen = (((taps >= z - slack) | empty) & (away < _REACH_PX)).any(0)
    hidden: npt.NDArray[np.bool_] = (depth_m > 0) & ~(inside & seen)
    return hidden
