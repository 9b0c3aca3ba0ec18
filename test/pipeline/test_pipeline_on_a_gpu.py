# SPDX-License-Identifier: Apache-2.0
"""All stages together on a GPU: upload, flow graph, network graph, one transfer back."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from affordance_seg_ros.config import FlowConfig, PipelineConfig
from affordance_seg_ros.frames import Wanted
from affordance_seg_ros.pipeline.streaming import build_pipeline
from affordance_seg_ros.sources.bag import open_recording

pytestmark = pytest.mark.gpu

CLIP = Path(__file__).parents[2] / "data/demo_clip"
FAST = PipelineConfig(min_confidence=0.0)
PLAIN = replace(FAST, network_backend="eager", flow=FlowConfig(estimator="primal_dual"))


@pytest.fixture(scope="module")
def frames():
    return list(islice(open_recording(CLIP, rate_hz=10.0).frames(), 8))


def test_the_fast_pipeline_agrees_with_the_plain_one_on_the_cpu(frames):
    """float16 and TF32, with random weights, whose labels win by little."""
    fast, plain = build_pipeline("", "cuda", FAST), build_pipeline("", "cpu", PLAIN)
    for frame in frames:
        ours, theirs = fast.step(frame), plain.step(frame)
        assert np.mean(ours.mask == theirs.mask) >= 0.98
        np.testing.assert_allclose(ours.confidence, theirs.confidence, atol=0.05)
        np.testing.assert_allclose(ours.action.scores, theirs.action.scores, atol=0.05)
        off = np.abs(ours.flow_color.astype(int) - theirs.flow_color.astype(int))
        assert off.mean() < 0.5


def test_what_is_not_wanted_is_left_empty_and_changes_nothing_else(frames):
    whole, bare = (build_pipeline("", "cuda", FAST) for _ in range(2))
    for frame in frames:
        full, lean = whole.step(frame), bare.step(frame, Wanted(regions=False, flow_color=False))
        assert lean.flow_color.shape == (0, 0, 3)
        assert (full.mask == lean.mask).all()
        assert (full.confidence == lean.confidence).all()


def test_a_device_with_a_number_is_the_same_device(frames):
    numbered, plain = build_pipeline("", "cuda:0", FAST), build_pipeline("", "cuda", FAST)
    for frame in frames[:3]:
        assert (numbered.step(frame).mask == plain.step(frame).mask).all()


def test_a_reset_stream_is_as_good_as_a_new_one(frames):
    pipeline = build_pipeline("", "cuda", FAST)
    pipeline.warm_up()
    runs = []
    for _ in range(2):
        runs.append([pipeline.step(frame).mask for frame in frames])
        pipeline.reset()
    assert all((one == other).all() for one, other in zip(*runs, strict=True))


def test_steady_frames_take_no_device_memory_and_every_stage_is_timed(frames):
    pipeline = build_pipeline("", "cuda", FAST)
    for frame in frames:
        pipeline.step(frame)
    pipeline.reset()
    for frame in frames:
        pipeline.step(frame)
    before = torch.cuda.memory_stats()["num_device_alloc"]
    pipeline.reset()
    for frame in frames:
        assert all(duration_ms > 0 for duration_ms in pipeline.step(frame).stages_ms)
    assert torch.cuda.memory_stats()["num_device_alloc"] == before


def test_a_budget_that_changes_with_every_frame_forgets_nothing(frames):
    pipeline = build_pipeline("", "cuda", FAST)
    for k, frame in enumerate(frames):
        flow = replace(FAST.flow, budget=(1.0, 0.5, 0.25)[k % 3])
        pipeline.configure(replace(FAST, flow=flow))
        prediction = pipeline.step(frame)
        assert prediction.reset_reason == ""
        assert prediction.flow_color.any() == (k > 0)
