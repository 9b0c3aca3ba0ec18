# SPDX-License-Identifier: Apache-2.0
"""Connected parts of a label map, and where and how they lie in space."""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.camera import Camera, known_pixels
from affordance_seg_ros.frames import Box, DepthImage, Region
from affordance_seg_ros.labels import BACKGROUND, LabelSet
from affordance_seg_ros.pipeline.postprocess import LabelMap
from affordance_seg_ros.pipeline.shape import shape_of


class _Component(NamedTuple):
    """A connected part of the label map, before it is measured."""

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
        limit: At most this many regions are returned, the largest ones.
    """
    found = sorted(_components(labelled.mask, min_area_px), key=lambda each: -each.area_px)
    return tuple(_region(each, labelled, depth, camera, labels) for each in found[:limit])


def _components(mask: npt.NDArray[np.uint8], min_area_px: int) -> Iterator[_Component]:
    areas_px = cv2.calcHist([mask], [0], None, [256], [0, 256]).ravel()
    for label_id in np.flatnonzero(areas_px >= max(min_area_px, 1)):
        if label_id == BACKGROUND:
            continue
        binary = (mask == label_id).view(np.uint8)
        # Labelling the whole picture costs ten times as much as finding where it is needed.
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
    # Positions in the box, row by row; pixels that are not inside are never converted.
    positions = np.flatnonzero(inside)
    raw = depth.raw[window].ravel()[positions]
    depth_m = DepthImage(raw[None], depth.metres_per_unit).to_metres()[0]
    seen = np.isfinite(depth_m) & known_pixels(camera)[window].ravel()[positions]
    rows, columns = np.divmod(positions[seen], box.width)
    pixels = np.stack([columns + box.x, rows + box.y], -1)
    return Region(
        label_id,
        labels.name(label_id),
        cv2.mean(labelled.confidence[window], inside.view(np.uint8))[0],
        area,
        box,
        float(seen.mean()),
        *shape_of(pixels, depth_m[seen], camera, area),
    )
