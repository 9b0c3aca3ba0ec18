# SPDX-License-Identifier: Apache-2.0
"""How a patch of pixels with depth lies in space: centroid, normal, axes, oriented box, area."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.camera import Camera

FloatArray = npt.NDArray[np.float64]

_MIN_POINTS = 16
"""Fewer points with depth give no 3D shape."""
_MAX_POINTS = 2048
"""More points are thinned out: they no longer change the shape, only the time."""
# Multiples of the golden ratio are spread evenly and fall into step with no row length. Every n-th
# pixel does where n divides the row length, which leaves only a few columns.
_SPREAD = np.arange(_MAX_POINTS) * 0.5 * (1 + 5**0.5) % 1
_OUTLIER_MADS = 5.0
"""Points further from the patch, in median absolute deviations, are not part of it."""
_MIN_SPREAD_M = 0.01
"""Deviations below a centimetre are never outliers: flat parts have almost no spread."""
_REFITS = 4
"""The first fit is by depth alone and tilted by what lies behind; it settles in two or three."""
_EXTENT_PERCENTILES = (2.0, 98.0)
_MIN_COSINE = 0.1
"""Of the angle between ray and normal: the area of a surface seen edge-on cannot be determined."""


class Shape(NamedTuple):
    """The shape of a patch in the camera frame.

    Attributes:
        centroid_m: (3,) median point [m].
        normal: (3,) unit normal, towards the camera; the last of the axes.
        axes: (3, 3) unit axes as rows, longest extent first, right-handed.
        extents_m: (3,) extents along the axes [m], from the 2nd to the 98th percentile.
        center_m: (3,) centre of the oriented box of these extents [m].
        area_m2: Area of the patch projected onto its own plane [m²].
    """

    centroid_m: FloatArray
    normal: FloatArray
    axes: FloatArray
    extents_m: FloatArray
    center_m: FloatArray
    area_m2: float


_NOWHERE = np.full(3, np.nan)
_NO_SHAPE = Shape(_NOWHERE, _NOWHERE, np.full((3, 3), np.nan), _NOWHERE, _NOWHERE, float("nan"))


def shape_of(
    pixels: npt.NDArray[np.int64], depth_m: npt.NDArray[np.float32], camera: Camera, area_px: int
) -> Shape:
    """Return the 3D shape of pixels with depth; NaN for fewer than 16 of them.

    A plane is fitted, then refitted to the points near it: this drops flying pixels at the border
    and any background that the mask covers, whichever way the patch is tilted.

    Args:
        pixels: (N, 2) pixels (column, row) with depth.
        depth_m: (N,) depth of each [m].
        camera: Intrinsics of the image.
        area_px: Number of pixels of the patch, including those without depth.
    """
    if len(depth_m) < _MIN_POINTS:
        return _NO_SHAPE
    if len(depth_m) > _MAX_POINTS:
        chosen = (_SPREAD * len(depth_m)).astype(np.int64)
        pixels, depth_m = pixels[chosen], depth_m[chosen]
    points = camera.unproject(pixels, depth_m)
    rays = points / points[:, 2:]
    kept = _near(points[:, 2])
    axes = _principal_axes(points[kept], rays[kept])
    for _ in range(_REFITS):
        wanted = _near(points @ axes[2])
        if (wanted == kept).all():
            break
        kept = wanted
        axes = _principal_axes(points[kept], rays[kept])
    points, rays = points[kept], rays[kept]
    along = points @ axes.T
    low, high = np.percentile(along, _EXTENT_PERCENTILES, axis=0)
    lengths = np.linalg.norm(rays, axis=1)
    facing = np.maximum(np.abs(rays @ axes[2]), _MIN_COSINE * lengths)
    pixel_m2 = points[:, 2] ** 2 / (camera.fx * camera.fy * facing)
    return Shape(
        centroid_m=np.median(points, axis=0),
        normal=axes[2].copy(),
        axes=axes,
        extents_m=high - low,
        center_m=0.5 * (low + high) @ axes,
        area_m2=float(area_px * pixel_m2.mean()),
    )


def _near(values: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which values are near their median."""
    deviation = np.abs(values - np.median(values))
    limit = max(_OUTLIER_MADS * float(np.median(deviation)), _MIN_SPREAD_M)
    return np.asarray(deviation <= limit)


def _principal_axes(points: FloatArray, rays: FloatArray) -> FloatArray:
    """Return unit axes as rows, longest first; the last points against the ray to the points.

    Depth errors are along the ray, and at a metre larger than the width of a thin part: in space
    the noise would be taken for an axis. So the normal is that of a plane fitted to the inverse
    depth, which is linear in the picture and has the same error everywhere.
    """
    inverse = 1 / points[:, 2]
    middle, mean = rays[:, :2].mean(axis=0), inverse.mean()
    offsets = rays[:, :2] - middle
    slope = np.linalg.pinv(offsets.T @ offsets, hermitian=True) @ offsets.T @ (inverse - mean)
    away = np.array([*slope, mean - slope @ middle])
    normal = -away / np.linalg.norm(away)
    centered = points - points.mean(axis=0)
    flat = centered - np.outer(centered @ normal, normal)
    longest = np.linalg.eigh(flat.T @ flat)[1][:, 2]
    # Of the two directions of the longest axis, take the one to the right, down or away, whichever
    # it follows most.
    if longest[np.abs(longest).argmax()] < 0:
        longest = -longest
    return np.stack([longest, np.cross(normal, longest), normal])
