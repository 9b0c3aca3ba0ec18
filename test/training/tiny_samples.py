# SPDX-License-Identifier: Apache-2.0
"""Samples of one tiny clip."""

from dataclasses import replace

from affordance_seg_ros.config import COMPACT, FlowConfig, InputConfig
from affordance_seg_ros.training.augmentation.augmentation_config import (
    NO_AUGMENTATION,
)
from affordance_seg_ros.training.datasets.flow_cache import FlowCache
from affordance_seg_ros.training.datasets.pictures import Pictures
from affordance_seg_ros.training.samples import (
    SampleKey,
    TrainingSamples,
    scaled_input,
)
from affordance_seg_ros.training.stage_config import StageConfig

INPUT = InputConfig(height=48, width=80, fit="letterbox")
NETWORK = replace(COMPACT, sequence_length=3)
KEY = SampleKey(0, 0, False)


def samples_of(sequence, *, augmentation=NO_AUGMENTATION, network=NETWORK, keep=False, **stage):
    size = scaled_input(INPUT, stage.get("input_scale", 1.0))
    return TrainingSamples(
        sequences=[sequence],
        stage=StageConfig(**stage),
        network=network,
        input_config=INPUT,
        augmentation=augmentation,
        pictures=Pictures(size, (), keep=keep),
        caches=[FlowCache("dis", FlowConfig(), size)] if network.flow != "none" else [],
        seed=0,
    )
