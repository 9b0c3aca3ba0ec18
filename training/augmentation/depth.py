# SPDX-License-Identifier: Apache-2.0
"""Noise and holes in the depth pictures, and another scale of the world."""

from dataclasses import replace

import cv2
import numpy as np

from affordance_seg_ros.training.augmentation.augmentation_config import AugmentationConfig
from affordance_seg_ros.training.sample import Sample

_LARGEST_HOLE = 0.12  # of the picture's width


def scale_world(sample: Sample, factor: float) -> Sample:
    """Return the same pictures of a world `factor` times as large: depth and motion grow alike."""
    return replace(
        sample,
        depth_m=sample.depth_m * np.float32(factor),
        motion_m=sample.motion_m * np.float32(factor),
    )


def without_depth(sample: Sample) -> Sample:
    """Return the sample of a depth camera that sees nothing: 3D motion is not seen either."""
    return replace(
        sample,
        depth_m=np.zeros_like(sample.depth_m),
        motion_m=np.zeros_like(sample.motion_m),
        valid=np.zeros_like(sample.valid),
    )


def augment_depth(
    sample: Sample, config: AugmentationConfig, random: np.random.Generator
) -> Sample:
    """Scale the world, add noise and make holes at random; the holes differ in every frame."""
    if random.random() < config.depth_missing:
        return without_depth(sample)
    sample = scale_world(sample, config.world_scale ** random.uniform(-1, 1))
    depth_m = sample.depth_m.copy()
    sigma = random.uniform(0, 1) * config.depth_noise
    if sigma > 0:
        noise = random.standard_normal(depth_m.shape, np.float32)
        depth_m += np.float32(sigma) * noise * depth_m**2
        depth_m = np.where(sample.depth_m > 0, np.maximum(depth_m, 1e-3), 0)
    depth_m = depth_m.astype(np.float32)
    valid = sample.valid.copy()
    height, width = sample.inside.shape
    for t in range(len(depth_m)):
        hole = np.zeros((height, width), np.uint8)
        for _ in range(random.integers(0, config.depth_holes + 1)):
            center = (int(random.integers(width)), int(random.integers(height)))
            axes = random.uniform(1, max(2, _LARGEST_HOLE * width), 2) / 2
            angle = random.uniform(0, 180)
            size = (int(axes[0]) + 1, int(axes[1]) + 1)
            cv2.ellipse(hole, center, size, angle, 0, 360, 1, -1)
        depth_m[t][hole > 0] = 0
        # Strictly, the hole is where the motion ends, but the grid is where it begins: it does not
        # matter for a motion of a few pixels.
        valid[t][hole > 0] = False
        if t + 1 < len(valid):
            valid[t + 1][hole > 0] = False  # where the next motion begins, on this frame's grid
    return replace(sample, depth_m=depth_m, valid=valid)
