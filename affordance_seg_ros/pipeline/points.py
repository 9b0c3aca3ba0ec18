# SPDX-License-Identifier: Apache-2.0
"""Pixels with depth, lifted into space with colour, label and confidence."""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.camera import Camera, known_pixels
from affordance_seg_ros.frames import RgbdFrame
from affordance_seg_ros.labels import BACKGROUND
from affordance_seg_ros.pipeline.rigid_transform import RigidTransform

LAYOUTS = ("labelled", "organised")

POINT = np.dtype(
    [
        ("x", "<f4"),
        ("y", "<f4"),
        ("z", "<f4"),
        ("rgb", "<f4"),
        ("label", "<u4"),
        ("confidence", "<f4"),
    ]
)
"""A point of 24 bytes: position [m], the bits 0x00RRGGBB as a float as in PCL, label id as in
`pcl::PointXYZRGBL`, and probability of the label."""


def labelled_points(
    frame: RgbdFrame,
    mask: npt.NDArray[np.uint8],
    confidence: npt.NDArray[np.float32],
    *,
    layout: str,
    moved: RigidTransform | None = None,
) -> npt.NDArray[np.void]:
    """Return the points of a frame with what was predicted for them.

    Args:
        frame: Colour picture with aligned depth.
        mask: (H, W) label ids.
        confidence: (H, W) probability of each.
        layout: ``labelled``: the pixels with both an affordance and depth, row by row.
            ``organised``: all pixels, with x, y and z NaN where there is no depth. There is none
            where the lens model does not say where a pixel looks.
        moved: Transform from the camera's frame into another one.

    Returns:
        (N,) or (H, W) array of `POINT`.
    """
    depth_m = frame.depth.to_metres()
    if not (known := known_pixels(frame.camera)).all():
        depth_m[~known] = np.nan
    place: Any = (...,)
    if layout == "labelled":
        place = np.nonzero((mask != BACKGROUND) & np.isfinite(depth_m))
    rays, z = _rays(frame.camera)[place], depth_m[place]
    points = np.empty(z.shape, POINT)
    points["x"], points["y"], points["z"] = rays[..., 0] * z, rays[..., 1] * z, z
    if moved is not None:
        _move(points, moved)
    color = np.zeros((*z.shape, 4), np.uint8)
    color[..., :3] = frame.color[place][..., ::-1]  # the lowest byte is blue
    points["rgb"] = color.view("<f4")[..., 0]
    points["label"] = mask[place]
    points["confidence"] = confidence[place]
    return points


@lru_cache(maxsize=2)
def _rays(camera: Camera) -> npt.NDArray[np.float32]:
    """Return x and y of each pixel at a depth of 1, (H, W, 2); undistorting them is slow."""
    columns, rows = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    pixels = np.stack([columns, rows], -1)
    rays = camera.unproject(pixels, np.ones(rows.shape))[..., :2].astype(np.float32)
    rays.setflags(write=False)
    return rays


def _move(points: npt.NDArray[np.void], moved: RigidTransform) -> None:
    places = np.stack([points["x"], points["y"], points["z"]], -1)
    places = places @ moved.rotation.T.astype(np.float32) + moved.translation_m.astype(np.float32)
    points["x"], points["y"], points["z"] = np.moveaxis(places, -1, 0)
