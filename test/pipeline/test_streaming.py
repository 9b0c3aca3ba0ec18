# SPDX-License-Identifier: Apache-2.0
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from plane_stream import build, frames, same

from affordance_seg_ros.config import NetworkConfig, PipelineConfig
from affordance_seg_ros.errors import CheckpointError, DeviceError, FrameError
from affordance_seg_ros.frames import DepthImage, Wanted
from affordance_seg_ros.model.checkpoint import Checkpoint
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.model.variants import table_3
from affordance_seg_ros.pipeline import streaming
from affordance_seg_ros.pipeline.readout import DeviceReadout, Readout, build_readout
from affordance_seg_ros.pipeline.streaming import Pipeline, build_pipeline

THIN = NetworkConfig(width=4)


def test_a_prediction_carries_the_frame_s_stamp_frame_and_size(pipeline: Pipeline) -> None:
    (frame,) = frames(1, size=(200, 90))
    prediction = pipeline.step(frame)
    assert (prediction.stamp_ns, prediction.frame_id) == (frame.stamp_ns, "camera")
    assert prediction.mask.shape == prediction.confidence.shape == (90, 200)
    assert prediction.mask.max() < pipeline.labels.class_count
    assert all(duration >= 0 for duration in prediction.stages_ms)


@pytest.mark.parametrize("estimator", ["dis", "primal_dual"])
@pytest.mark.parametrize("no_depth_m", [np.finfo(np.float32).max, 1e-39])
def test_no_depth_as_the_largest_float_or_next_to_none_does_not_poison_the_memory(
    checkpoint: Checkpoint, estimator: str, no_depth_m: float
) -> None:
    pipeline = build(checkpoint, estimator)
    for index, frame in enumerate(frames(4)):
        depth_m = frame.depth.to_metres()
        if index == 1:
            depth_m[20:60, 30:90] = no_depth_m
        prediction = pipeline.step(replace(frame, depth=DepthImage(depth_m, 1.0)))
        assert np.isfinite(prediction.confidence).all()
        assert np.isfinite(prediction.action.scores).all()


def test_regions_that_nobody_asked_for_in_between_are_new_ones(pipeline: Pipeline) -> None:
    stream = frames(12)
    first = pipeline.step(next(stream))
    for _ in range(8):
        pipeline.step(next(stream), Wanted(regions=False))
    again = pipeline.step(next(stream))
    known = {region.track_id for region in first.regions}
    assert again.regions
    assert not known & {region.track_id for region in again.regions}


@pytest.mark.parametrize("estimator", ["dis", "primal_dual"])
def test_two_pipelines_say_exactly_the_same_of_the_same_stream(
    checkpoint: Checkpoint, estimator: str
) -> None:
    runs = [
        [pipeline.step(frame) for frame in frames(4)]
        for pipeline in (build(checkpoint, estimator), build(checkpoint, estimator))
    ]
    assert all(same(left, right) for left, right in zip(*runs, strict=True))


def test_a_reset_pipeline_is_as_good_as_new(checkpoint: Checkpoint, pipeline: Pipeline) -> None:
    for frame in frames(3, seed=5):
        pipeline.step(frame)
    pipeline.reset()
    fresh = build(checkpoint)
    for frame in frames(3):
        assert same(pipeline.step(frame), fresh.step(frame))


def test_regions_are_tracked_until_a_reset(pipeline: Pipeline) -> None:
    first, *_, last = [pipeline.step(frame) for frame in frames(3)]
    ids = [region.track_id for region in first.regions]
    assert sorted(ids) == list(range(1, len(ids) + 1))
    assert max(region.track_frames for region in last.regions) == 3
    pipeline.reset()
    again = pipeline.step(next(frames(3)))
    assert [region.track_id for region in again.regions] == ids


def test_warming_up_leaves_no_trace(checkpoint: Checkpoint, pipeline: Pipeline) -> None:
    pipeline.warm_up(160, 120)
    fresh = build(checkpoint)
    for frame in frames(2):
        prediction = pipeline.step(frame)
        assert prediction.reset_reason == ""
        assert same(prediction, fresh.step(frame))


def test_the_past_matters(checkpoint: Checkpoint, pipeline: Pipeline) -> None:
    *_, last = frames(4)
    for frame in frames(4):
        with_past = pipeline.step(frame)
    alone = build(checkpoint).step(last)
    assert (with_past.confidence != alone.confidence).any()


@pytest.mark.parametrize(
    "raw", [np.zeros((120, 160), np.uint16), np.full((120, 160), np.nan, np.float32)]
)
def test_a_frame_without_depth_is_refused_and_changes_nothing(
    checkpoint: Checkpoint, pipeline: Pipeline, raw: np.ndarray
) -> None:
    first, second = frames(2)
    pipeline.step(first)
    blind = replace(first, depth=DepthImage(raw, 1e-3), stamp_ns=10**12)
    with pytest.raises(FrameError, match=r"no valid depth in 160x120.*expected millimetres"):
        pipeline.step(blind)
    fresh = build(checkpoint)
    fresh.step(first)
    assert same(pipeline.step(second), fresh.step(second))


@pytest.mark.parametrize("row", table_3(THIN))
def test_every_row_of_table_3_runs_as_a_pipeline(checkpoint: Checkpoint, row: str) -> None:
    network_config = table_3(THIN)[row]
    network = AffordanceNetwork(network_config).eval()
    thin = replace(checkpoint, network=network, network_config=network_config)
    pipeline = build(thin)
    for frame in frames(2):
        prediction = pipeline.step(frame)
    assert prediction.mask.shape == (120, 160)


def test_depth_in_metres_and_in_millimetres_mean_the_same(checkpoint: Checkpoint) -> None:
    (frame,) = frames(1)
    in_metres = DepthImage((frame.depth.raw * np.float32(1e-3)).astype(np.float32), 1.0)
    other = replace(frame, depth=in_metres)
    assert same(build(checkpoint).step(frame), build(checkpoint).step(other))


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"missing\.safetensors"):
        build_pipeline("/nowhere/missing.safetensors", "cpu", PipelineConfig())
    with pytest.raises(DeviceError, match="expected auto"):
        build_pipeline("", "tpu", PipelineConfig())


def on_the_device(network: NetworkConfig, device: torch.device) -> Readout:
    """Read out as on a GPU, on any device."""
    return DeviceReadout(network.labels, device, decided=network.decided_context)


@pytest.mark.parametrize("readout", [build_readout, on_the_device])
def test_what_is_not_wanted_is_left_empty_and_changes_nothing_else(
    checkpoint: Checkpoint, readout: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "build_readout", readout)
    whole, bare, third = (build(checkpoint) for _ in range(3))
    for frame in frames(3):
        full, lean = whole.step(frame), bare.step(frame, Wanted(False, False, False))
        assert full.regions
        assert full.flow_color.size
        assert lean.regions == ()
        assert lean.flow_color.shape == (0, 0, 3)
        assert (full.mask == lean.mask).all()
        assert lean.confidence.shape == (0, 0)
        regions_alone = Wanted(flow_color=False, confidence=False)
        scores = [region.score for region in third.step(frame, regions_alone).regions]
        assert scores == [region.score for region in full.regions]
        assert (full.action.scores == lean.action.scores).all()


def test_a_closed_pipeline_holds_nothing_of_its_network() -> None:
    pipeline = build_pipeline("untrained:compact", "cpu", PipelineConfig(network_backend="eager"))
    network = weakref.ref(pipeline._network)
    pipeline.close()
    assert network() is None
