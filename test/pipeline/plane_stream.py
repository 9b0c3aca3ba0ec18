# SPDX-License-Identifier: Apache-2.0
"""A stream of a sliding plane, and a thin pipeline that watches it."""

from collections.abc import Iterator

import numpy as np
import torch

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.config import FlowConfig, PipelineConfig
from affordance_seg_ros.flow.estimator import build_estimator
from affordance_seg_ros.frames import DepthImage, Prediction, RgbdFrame
from affordance_seg_ros.model.checkpoint import Checkpoint
from affordance_seg_ros.pipeline.streaming import Pipeline

STEP_NS = 100_000_000


def frames(
    count: int, *, size: tuple[int, int] = (160, 120), seed: int = 0, first_ns: int = 0
) -> Iterator[RgbdFrame]:
    """A textured plane that slides to the right, two pixels a frame."""
    width, height = size
    texture = np.random.default_rng(seed).integers(0, 256, (height, width + 2 * count, 3), np.uint8)
    camera = Camera(width, height, width, width, width / 2, height / 2)
    depth = DepthImage(np.full((height, width), 1000, np.uint16), 1e-3)
    for index in range(count):
        left = 2 * (count - index)
        color = np.ascontiguousarray(texture[:, left : left + width])
        yield RgbdFrame(first_ns + index * STEP_NS, "camera", color, depth, camera)


def build(checkpoint: Checkpoint, estimator: str = "dis") -> Pipeline:
    flow = FlowConfig(estimator=estimator)
    config = PipelineConfig(min_confidence=0.0, network_backend="eager", flow=flow)
    device = torch.device("cpu")
    return Pipeline(checkpoint, build_estimator(config.flow, device), config, device)


def same(left: Prediction, right: Prediction) -> bool:
    return (
        bool((left.mask == right.mask).all())
        and bool((left.confidence == right.confidence).all())
        and bool((left.action.scores == right.action.scores).all())
        and bool((left.flow_color == right.flow_color).all())
    )
