# SPDX-License-Identifier: Apache-2.0
"""Exposure, contrast, saturation, white balance and noise of the colour pictures."""

from dataclasses import replace

import numpy as np

from affordance_seg_ros.training.augmentation.augmentation_config import AugmentationConfig
from affordance_seg_ros.training.sample import FloatArray, Sample

_LUMA = np.array((0.299, 0.587, 0.114), np.float32).reshape(3, 1, 1)


def adjust(
    rgb: FloatArray, *, exposure: float, contrast: float, saturation: float, gains: FloatArray
) -> FloatArray:
    """Return (T, 3, h, w) colours in [0, 1], changed alike in all frames; factors of 1 do nothing.

    Args:
        rgb: (T, 3, h, w) in [0, 1].
        exposure: Factor on everything.
        contrast: Factor on the distance from the mean brightness.
        saturation: Factor on the distance from grey.
        gains: (3,) factors of the channels.
    """
    rgb = rgb * (np.float32(exposure) * gains.astype(np.float32).reshape(3, 1, 1))
    gray = (rgb * _LUMA).sum(1, keepdims=True)
    rgb = gray + np.float32(saturation) * (rgb - gray)
    mean = gray.mean()
    return np.clip(mean + np.float32(contrast) * (rgb - mean), 0, 1)


def augment_color(
    sample: Sample, config: AugmentationConfig, random: np.random.Generator
) -> Sample:
    """Change the colours at random: alike in all frames, except for the noise."""
    rgb = adjust(
        sample.rgb,
        exposure=1 + random.uniform(-1, 1) * config.brightness,
        contrast=1 + random.uniform(-1, 1) * config.contrast,
        saturation=1 + random.uniform(-1, 1) * config.saturation,
        gains=1 + random.uniform(-1, 1, 3) * config.white_balance,
    )
    sigma = random.uniform(0, 1) * config.color_noise
    if sigma > 0:
        noise = random.standard_normal(rgb.shape, np.float32)
        rgb = np.clip(rgb + np.float32(sigma) * noise, 0, 1)
    return replace(sample, rgb=rgb.astype(np.float32))
