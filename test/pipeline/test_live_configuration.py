# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest
from plane_stream import build, frames, same

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.errors import ConfigError, DeviceError
from affordance_seg_ros.model.checkpoint import Checkpoint
from affordance_seg_ros.pipeline import streaming
from affordance_seg_ros.pipeline.streaming import Pipeline


def test_the_threshold_changes_live(pipeline: Pipeline) -> None:
    (frame,) = frames(1)
    assert pipeline.step(frame).mask.any()
    pipeline.configure(replace(pipeline.config, min_confidence=1.0))
    assert not pipeline.step(frame).mask.any()


def test_a_gap_that_is_allowed_is_no_break(pipeline: Pipeline) -> None:
    first, second = frames(2)
    pipeline.step(first)
    pipeline.configure(replace(pipeline.config, max_gap_s=3.0))
    assert pipeline.step(replace(second, stamp_ns=2_000_000_000)).reset_reason == ""


def test_smaller_regions_than_asked_for_are_left_out_of_the_list_alone(
    pipeline: Pipeline,
) -> None:
    first, second = frames(2)
    assert pipeline.step(first).regions
    pipeline.configure(replace(pipeline.config, min_region_area_px=1_000_000))
    prediction = pipeline.step(second)
    assert prediction.mask.any()
    assert prediction.regions == ()


def test_no_more_regions_are_listed_than_asked_for(pipeline: Pipeline) -> None:
    first, second = frames(2)
    assert len(pipeline.step(first).regions) > 1
    pipeline.configure(replace(pipeline.config, max_regions=1))
    assert len(pipeline.step(second).regions) == 1


def test_the_network_s_precision_changes_between_frames(pipeline: Pipeline) -> None:
    pipeline.configure(replace(pipeline.config, network_precision="half"))
    assert pipeline.network == "eager PyTorch, bfloat16"
    pipeline.configure(replace(pipeline.config, network_precision="float32"))
    assert pipeline.network == "eager PyTorch, float32"


def test_another_estimator_forgets_the_past(checkpoint: Checkpoint, pipeline: Pipeline) -> None:
    first, second = frames(2)
    pipeline.step(first)
    pipeline.configure(replace(pipeline.config, flow=FlowConfig(estimator="primal_dual")))
    assert same(pipeline.step(second), build(checkpoint, "primal_dual").step(second))


def test_another_budget_forgets_nothing(checkpoint: Checkpoint) -> None:
    first, second = frames(2)
    pipeline = build(checkpoint, "primal_dual")
    pipeline.step(first)
    flow = replace(pipeline.config.flow, budget=0.1)
    pipeline.configure(replace(pipeline.config, flow=flow))
    assert pipeline.config.flow.budget == 0.1
    cheap = pipeline.step(second)
    assert cheap.flow_color.any()  # black on a first frame
    whole = build(checkpoint, "primal_dual")
    whole.step(first)
    assert not np.array_equal(whole.step(second).flow_color, cheap.flow_color)


def test_the_network_s_back_end_changes_between_frames_and_forgets_the_past(
    checkpoint: Checkpoint, pipeline: Pipeline
) -> None:
    first, second = frames(2)
    assert pipeline.network == "eager PyTorch, float32"
    pipeline.step(first)
    with pytest.raises(ConfigError, match="cuda_graph"):
        pipeline.configure(replace(pipeline.config, network_backend="cuda_graph"))
    assert pipeline.config.network_backend == "eager"
    pipeline.configure(replace(pipeline.config, network_backend="channels_last"))
    assert pipeline.network == "eager PyTorch, float32, channels last"
    fresh = build(checkpoint).step(second)
    np.testing.assert_allclose(pipeline.step(second).confidence, fresh.confidence, atol=1e-4)


def test_where_the_flow_cannot_be_built_the_network_stays_too(
    checkpoint: Checkpoint, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise DeviceError("no such device")

    first, second = frames(2)
    pipeline.step(first)
    before = pipeline.config, pipeline.network
    monkeypatch.setattr(streaming, "build_estimator", refuse)
    flow = FlowConfig(estimator="primal_dual")
    with pytest.raises(DeviceError, match="no such device"):
        pipeline.configure(replace(pipeline.config, network_backend="channels_last", flow=flow))
    assert (pipeline.config, pipeline.network) == before
    fresh = build(checkpoint)
    fresh.step(first)
    assert same(pipeline.step(second), fresh.step(second))
