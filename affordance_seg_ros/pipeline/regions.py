# SPDX-License-Identifier: Apache-2.0
"""Connected parts of a label map, and where and how they lie in space."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.frames import Box, DepthImage, Region
from affordance_seg_ros.labels import BACKGROUND, LabelSet
from affordance_seg_ros.pipeline.postprocess import LabelMap

_MIN_POINTS = 16
"""Fewer points with depth give no 3D shape."""
_MAX_POINTS = 4096
"""More points are thinned out evenly: the shape no longer changes, the time does."""
_OUTLIER_MADS = 5.0
"""Points further from the median depth, in median absolute deviations, are flying pixels."""
_MIN_SPREAD_M = 0.01
"""Deviations below a centimetre are never outliers: flat parts have almost no spread."""
_EXTENT_PERCENTILES = (2.0, 98.0)


class Shape(NamedTuple):
    """Centroid (3,) [m], unit normal (3,), unit axes (3, 3) as rows, extents (3,) [m]."""

    centroid_m: npt.NDArray[np.float64]
    normal: npt.NDArray[np.float64]
    axes: npt.NDArray[np.float64]
    extents_m: npt.NDArray[np.float64]


_NO_SHAPE = Shape(*(np.full(shape, np.nan) for shape in ((3,), (3,), (3, 3), (3,))))


class _Component(NamedTuple):
    """A connected part of the label map, before anything of it is measured."""

    label_id: int
    box: Box
    area_px: int
    inside: npt.NDArray[np.bool_]


def find_regions(
    labelled: LabelMap,
    depth: DepthImage,
    camera: Camera,
    labels: LabelSet,
    *,
    min_area_px: int,
    limit: int,
) -> tuple[Region, ...]:
    """Return the connected regions of all labels, largest first.

    Args:
        labelled: Label map and confidences at colour resolution.
        depth: Depth aligned to it.
        camera: Intrinsics of the colour camera; the 3D fields are in its optical frame.
        labels: Names of the labels.
        min_area_px: Smaller regions are left out.
        limit: At the most so many regions are returned, the largest ones.
    """
    found = sorted(_components(labelled.mask, min_area_px), key=lambda each: -each.area_px)
    return tuple(_region(each, labelled, depth, camera, labels) for each in found[:limit])


def _components(mask: npt.NDArray[np.uint8], min_area_px: int) -> Iterator[_Component]:
    areas_px = cv2.calcHist([mask], [0], None, [256], [0, 256]).ravel()
    for label_id in np.flatnonzero(areas_px >= max(min_area_px, 1)):
        if label_id == BACKGROUND:
            continue
        binary = (mask == label_id).view(np.uint8)
        left, top, columns, rows = cv2.boundingRect(binary)
        window = binary[top : top + rows, left : left + columns]
        count, components, stats, _ = cv2.connectedComponentsWithStats(window, connectivity=8)
        large = np.flatnonzero(stats[1:count, cv2.CC_STAT_AREA] >= min_area_px) + 1
        for component in large:
            x, y, width, height, area = (int(value) for value in stats[component])
            inside = components[y : y + height, x : x + width] == component
            yield _Component(int(label_id), Box(left + x, top + y, width, height), area, inside)


def _region(
    component: _Component, labelled: LabelMap, depth: DepthImage, camera: Camera, labels: LabelSet
) -> Region:
    label_id, box, area, inside = component
    window = (slice(box.y, box.y + box.height), slice(box.x, box.x + box.width))
    # Positions in the box, row after row; what is not inside is never converted.
    positions = np.flatnonzero(inside)
    raw = depth.raw[window].ravel()[positions]
    depth_m = DepthImage(raw[None], depth.metres_per_unit).to_metres()[0]
    seen = np.isfinite(depth_m)
    shown = _thinned(np.flatnonzero(seen))
    rows, columns = np.divmod(positions[shown], box.width)
    pixels = np.stack([columns + box.x, rows + box.y], -1)
    return Region(
        label_id,
        labels.name(label_id),
        cv2.mean(labelled.confidence[window], inside.view(np.uint8))[0],
        area,
        box,
        float(seen.mean()),
        *shape_of(pixels, depth_m[shown], camera),
    )


def shape_of(
    pixels: npt.NDArray[np.int64], depth_m: npt.NDArray[np.float32], camera: Camera
) -> Shape:
    """Return the 3D shape of pixels with depth; NaN for fewer than 16 of them.

    Args:
        pixels: (N, 2) pixels (column, row).
        depth_m: (N,) depth of each [m].
        camera: Intrinsics of the image.
    """
    if len(depth_m) < _MIN_POINTS:
        return _NO_SHAPE
    pixels, depth_m = _thinned(pixels), _thinned(depth_m)
    deviation = np.abs(depth_m - np.median(depth_m))
    limit = max(_OUTLIER_MADS * float(np.median(deviation)), _MIN_SPREAD_M)
    kept = deviation <= limit
    points = camera.unproject(pixels[kept], depth_m[kept])
    centroid = np.median(points, axis=0)
    centered = points - points.mean(axis=0)
    _, vectors = np.linalg.eigh(centered.T @ centered)
    axes = vectors.T[::-1].copy()  # eigh sorts upwards; longest first
    axes[2] = np.cross(axes[0], axes[1])  # right-handed
    low, high = np.percentile(centered @ axes.T, _EXTENT_PERCENTILES, axis=0)
    # The thinnest direction is the normal; it looks against the ray to the region.
    normal = axes[2] if axes[2] @ centroid <= 0 else -axes[2]
    return Shape(centroid, normal, axes, high - low)


def _thinned(points: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the points, or so many of them, evenly spread, that their shape needs."""
    return points[:: max(1, -(-len(points) // _MAX_POINTS))]
