# SPDX-License-Identifier: Apache-2.0
"""The fused kernels find the plain form's flow on rendered clips and on what a camera has seen."""

import os
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.flow.flow_input import FlowInput
from affordance_seg_ros.flow.incremental import PrimalDualFlow
from affordance_seg_ros.sources.bag import open_recording

pytest.importorskip("triton")
from affordance_seg_ros.flow.fused import FusedPrimalDualFlow
from affordance_seg_ros.flow.kernels.solver import INTERPRETED

ROOT = Path(__file__).resolve().parent.parent.parent
SHARED = Path(os.environ.get("AFFORDANCE_SHARED_DATA", ROOT.parent / "shared" / "data"))
DEVICE = torch.device("cpu" if INTERPRETED else "cuda")
# Interpreted, a pair of this size takes seconds.
WIDTH, HEIGHT = 40, 30
FEW = FlowConfig(iterations=10, warm_iterations=6)


def small(frame) -> FlowInput:
    """The frame at a size that can be interpreted; depth by nearest neighbours, holes included."""
    size = (WIDTH, HEIGHT)
    gray = cv2.cvtColor(
        cv2.resize(frame.color, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY
    )
    depth_m = cv2.resize(frame.depth.to_metres(), size, interpolation=cv2.INTER_NEAREST)
    return FlowInput(
        torch.from_numpy(gray.astype(np.float32)),
        torch.from_numpy(np.nan_to_num(depth_m)),
        frame.camera.resize(*size),
    )


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize(
    ("recording", "first"),
    [
        (ROOT / "data" / "demo_clip", 12),
        (SHARED / "pcl_openni_3frames", 0),
    ],
    ids=["rendered", "real"],
)
def test_real_and_rendered_pairs_have_the_flow_of_the_plain_form(recording, first):
    if not recording.exists():
        pytest.skip(f"{recording} is not there")
    plain = PrimalDualFlow(FEW, torch.device("cpu"))
    fused = FusedPrimalDualFlow(FEW, DEVICE)
    frames = open_recording(recording, rate_hz=10.0).frames()
    for frame in islice(frames, first, first + 3):
        expected, found = plain.step(small(frame)), fused.step(small(frame))
        assert torch.equal(found.valid.cpu(), expected.valid)
        off_px = (found.flow_px.cpu() - expected.flow_px).norm(dim=0)[expected.valid]
        off_m = (found.motion_m.cpu() - expected.motion_m).norm(dim=0)[expected.valid]
        if expected.valid.any():
            # A median between two nearly equal weights may take the other one at single pixels.
            assert off_px.quantile(0.99) < 1e-2
            assert off_m.quantile(0.99) < 1e-3
    assert fused.work.warm == plain.work.warm
    assert expected.valid.any()
