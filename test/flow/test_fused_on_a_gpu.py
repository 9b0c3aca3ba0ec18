# SPDX-License-Identifier: Apache-2.0
"""What only a GPU can show of the fused flow: graphs, no waiting, no allocation, full size."""

import pytest
import torch
from flow_scenes import CAMERA, error_px_mm, plane

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.flow.estimator import build_estimator
from affordance_seg_ros.flow.incremental import PrimalDualFlow
from affordance_seg_ros.frames import SceneFlow

pytestmark = pytest.mark.gpu

CUDA = torch.device("cuda")
FUSED = FlowConfig(estimator="primal_dual_fused")


def moved(k, device=CUDA):
    return plane((0.004 * k, -0.002 * k, 0.003 * k)).to(device)


def test_a_stream_of_full_size_is_that_of_the_plain_form():
    fused, plain = build_estimator(FUSED, CUDA), PrimalDualFlow(FlowConfig(), torch.device("cpu"))
    for k in (0, 1, 2, 3, 4, -6, -5):  # replayed from the second pair on
        found = SceneFlow(*(part.cpu() for part in fused.step(moved(k))))
        expected = plain.step(moved(k, torch.device("cpu")))
        assert fused.work[:2] == plain.work[:2]
        assert (found.flow_px - expected.flow_px).abs().mean() < 1e-3
        assert (found.motion_m - expected.motion_m).abs().mean() < 1e-5
        assert (found.valid != expected.valid).float().mean() < 1e-3


def test_a_replayed_graph_finds_what_the_first_launches_found():
    estimator = build_estimator(FUSED, CUDA)
    runs = []
    for _ in range(3):
        runs.append([estimator.step(moved(k)) for k in range(4)])
        estimator.reset()
    for again in runs[1:]:
        for one, other in zip(runs[0], again, strict=True):
            assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_steady_step_neither_waits_for_the_device_nor_takes_memory_from_it():
    estimator = build_estimator(FUSED, CUDA)
    frames = [moved(k) for k in range(6)]
    for frame in frames:
        estimator.step(frame)
    torch.cuda.synchronize()
    before = torch.cuda.memory_stats()["num_device_alloc"]
    torch.cuda.set_sync_debug_mode("error")
    try:
        for frame in frames:
            estimator.step(frame)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.cuda.memory_stats()["num_device_alloc"] == before


def test_budgets_alternate_without_harm():
    estimator = build_estimator(FUSED, CUDA)
    for k in range(12):
        estimator.set_budget((1.0, 0.5, 0.25)[k % 3])
        flow = SceneFlow(*(part.cpu() for part in estimator.step(plane((0.004 * k, 0.0, 0.0)))))
        if k:
            px, mm, _ = error_px_mm(flow, (0.004, 0.0, 0.0), camera=CAMERA)
            assert px < 0.1
            assert mm < 1.0
