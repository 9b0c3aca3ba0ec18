# SPDX-License-Identifier: Apache-2.0
"""All changes of a sample, in order."""

import numpy as np

from affordance_seg_ros.training.augmentation.augmentation_config import AugmentationConfig
from affordance_seg_ros.training.augmentation.color import augment_color
from affordance_seg_ros.training.augmentation.depth import augment_depth
from affordance_seg_ros.training.augmentation.geometry import augment_geometry
from affordance_seg_ros.training.sample import Sample


def augment(sample: Sample, config: AugmentationConfig, random: np.random.Generator) -> Sample:
    """Change geometry, colours and depth by chance; see `time` for what happens before.

    Args:
        sample: Sample as it was recorded.
        config: How much.
        random: Source of chance; an equal state gives an equal sample.
    """
    for change in (augment_geometry, augment_color, augment_depth):
        sample = change(sample, config, random)
    return sample
