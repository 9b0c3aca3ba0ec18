# SPDX-License-Identifier: Apache-2.0
"""On a GPU, frames allocate no device memory once the pipeline is warm."""

import numpy as np
import pytest
import torch

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.frames import DepthImage, RgbdFrame
from affordance_seg_ros.pipeline.streaming import build_pipeline

WARM_UP, FRAMES = 5, 20


@pytest.mark.gpu
def test_frames_of_a_warm_pipeline_allocate_no_device_memory() -> None:
    pipeline = build_pipeline("untrained:compact", "cuda", PipelineConfig())
    random = np.random.default_rng(0)
    camera = Camera(640, 480, 600.0, 600.0, 320.0, 240.0)
    before = {}
    for index in range(WARM_UP + FRAMES):
        color = random.integers(0, 256, (480, 640, 3), np.uint8)
        depth = DepthImage(random.integers(500, 2000, (480, 640), np.uint16), 1e-3)
        pipeline.step(RgbdFrame(index * 100_000_000, "camera", color, depth, camera))
        if index == WARM_UP - 1:
            before = torch.cuda.memory_stats()
    after = torch.cuda.memory_stats()
    for name in ("num_device_alloc", "reserved_bytes.all.current"):
        assert after[name] == before[name]
