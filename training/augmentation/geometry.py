# SPDX-License-Identifier: Apache-2.0
"""Crop, scale and mirror: one affine map for every picture of a sample."""

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.labels import IGNORE
from affordance_seg_ros.training.augmentation.augmentation_config import AugmentationConfig
from affordance_seg_ros.training.sample import Sample


def mirror(sample: Sample) -> Sample:
    """Return the sample seen in a mirror: motion along x changes its sign."""
    flow_px, motion_m = sample.flow_px[..., ::-1].copy(), sample.motion_m[..., ::-1].copy()
    flow_px[:, 0] *= -1
    motion_m[:, 0] *= -1
    return replace(
        sample,
        rgb=sample.rgb[..., ::-1].copy(),
        depth_m=sample.depth_m[..., ::-1].copy(),
        flow_px=flow_px,
        motion_m=motion_m,
        valid=sample.valid[..., ::-1].copy(),
        target=sample.target[..., ::-1].copy(),
        inside=sample.inside[..., ::-1].copy(),
    )


def zoom_and_shift(sample: Sample, zoom: float, shift: tuple[float, float]) -> Sample:
    """Return the sample of a camera with another focal length that looks elsewhere.

    Depth and metric motion stay unchanged; motion in pixels grows with the zoom. What lies outside
    the picture becomes padding, with ignore as its label.

    Args:
        sample: Sample of h x w pixels.
        zoom: Enlargement about the centre.
        shift: Shift of the enlarged picture in x and y, as shares of its width and height.
    """
    height, width = sample.inside.shape
    x = (1 - zoom) * (width - 1) / 2 + shift[0] * width
    y = (1 - zoom) * (height - 1) / 2 + shift[1] * height
    matrix = np.array([[zoom, 0, x], [0, zoom, y]])

    def warp(image: npt.NDArray, flags: int, border: int = 0) -> npt.NDArray:
        return cv2.warpAffine(
            image, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_CONSTANT,
            borderValue=border,
        )  # fmt: skip

    def all_frames(images: npt.NDArray, flags: int = cv2.INTER_NEAREST, border: int = 0):
        planes = images.reshape(-1, height, width)
        return np.stack([warp(plane, flags, border) for plane in planes]).reshape(images.shape)

    return replace(
        sample,
        rgb=all_frames(sample.rgb, cv2.INTER_LINEAR),
        depth_m=all_frames(sample.depth_m),
        flow_px=all_frames(sample.flow_px) * np.float32(zoom),
        motion_m=all_frames(sample.motion_m),
        valid=all_frames(sample.valid.astype(np.uint8)).astype(bool),
        target=all_frames(sample.target, border=IGNORE),
        inside=warp(sample.inside.astype(np.uint8), cv2.INTER_NEAREST).astype(bool),
    )


def augment_geometry(
    sample: Sample, config: AugmentationConfig, random: np.random.Generator
) -> Sample:
    """Mirror, zoom and shift at random."""
    if random.random() < config.mirror:
        sample = mirror(sample)
    zoom = config.zoom ** random.uniform(-1, 1)
    shift = random.uniform(-config.shift, config.shift, 2)
    if zoom != 1 or shift.any():
        sample = zoom_and_shift(sample, zoom, (shift[0], shift[1]))
    return sample
