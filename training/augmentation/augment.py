# SPDX-License-Identifier: Apache-2.0
"""All changes to a sample, in order."""

import numpy as np

from affordance_seg_ros.training.augmentation.augmentation_config import AugmentationConfig
from affordance_seg_ros.training.augmentation.color import augment_color
from affordance_seg_ros.training.augmentation.depth import augment_depth
from affordance_seg_ros.training.augmentation.geometry import augment_geometry
from affordance_seg_ros.training.augmentation.window import cut_window
from affordance_seg_ros.training.sample import Sample


def augment(
    sample: Sample, config: AugmentationConfig, random: np.random.Generator, *, window: float = 1.0
) -> Sample:
    """Change geometry, colours and depth at random; see `time` for what happens before.

    Args:
        sample: Sample as it was recorded.
        config: How much.
        random: Random generator; an equal state gives an equal sample.
        window: Sides of the window that is cut out, as a share of the picture's; 1 for all of it.
    """
    sample = augment_geometry(sample, config, random)
    if window < 1:
        sample = cut_window(sample, window, random)
    for change in (augment_color, augment_depth):
        sample = change(sample, config, random)
    return sample
