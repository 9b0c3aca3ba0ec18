# SPDX-License-Identifier: Apache-2.0
"""Fast and reference network say the same of rendered and of real frames."""

import os
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.model.backends import BACKENDS
from affordance_seg_ros.model.openvino_runner import is_installed
from affordance_seg_ros.pipeline.streaming import build_pipeline
from affordance_seg_ros.sources.bag import open_recording

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("AFFORDANCE_SHARED_DATA", ROOT.parent / "shared/data"))
CLIPS = {"rendered": ROOT / "data/demo_clip", "real": SHARED / "open3d_redwood_5frames"}
FRAMES = 5
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
needs_openvino = pytest.mark.skipif(
    not is_installed() or DEVICE != "cpu", reason="needs OpenVINO and a CPU"
)
FAST = [
    "channels_last",
    pytest.param("openvino", marks=needs_openvino),
    pytest.param("cuda_graph", marks=pytest.mark.gpu),
]


@pytest.fixture(scope="module", params=CLIPS)
def frames(request):
    path = CLIPS[request.param]
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return list(islice(open_recording(path, rate_hz=10.0).frames(), FRAMES))


def predictions(frames, backend):
    config = PipelineConfig(min_confidence=0.0, network_backend=backend)
    pipeline = build_pipeline("", DEVICE, config)
    return [pipeline.step(frame) for frame in frames]


@pytest.fixture(scope="module")
def expected(frames):
    return predictions(frames, "eager")


@pytest.mark.parametrize("backend", FAST)
def test_masks_agree_in_all_but_one_pixel_of_a_thousand(frames, expected, backend) -> None:
    assert backend in BACKENDS
    # By itself a CUDA graph computes in half precision.
    atol = 2e-2 if backend == "cuda_graph" else 1e-3
    for ours, theirs in zip(predictions(frames, backend), expected, strict=True):
        same = ours.mask == theirs.mask
        assert np.mean(same) >= 0.999
        # The action's probability is a factor of an affordance's confidence, not of background's:
        # where a tie falls otherwise, the confidence jumps.
        np.testing.assert_allclose(ours.confidence[same], theirs.confidence[same], atol=atol)
        np.testing.assert_allclose(ours.action.scores, theirs.action.scores, atol=atol)
        assert ours.action.id == theirs.action.id
