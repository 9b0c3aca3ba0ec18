# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.config import FlowConfig, NetworkConfig, PipelineConfig
from affordance_seg_ros.errors import CheckpointError, ConfigError, DeviceError, FrameError
from affordance_seg_ros.flow.estimator import build_estimator
from affordance_seg_ros.frames import DepthImage, Prediction, RgbdFrame, Wanted
from affordance_seg_ros.model.checkpoint import Checkpoint, untrained
from affordance_seg_ros.model.initialisation import xavier_initialise
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.model.variants import TABLE_3
from affordance_seg_ros.pipeline import streaming
from affordance_seg_ros.pipeline.readout import DeviceReadout, Readout, build_readout
from affordance_seg_ros.pipeline.streaming import Pipeline, build_pipeline

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


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    """A thin network whose input is small: the laws do not depend on its size."""
    full = untrained("compact")
    network_config = replace(full.network_config, width=8)
    network = AffordanceNetwork(network_config)
    xavier_initialise(network, torch.Generator().manual_seed(0))
    input_config = replace(full.input_config, height=48, width=64)
    return Checkpoint(network.eval(), network_config, input_config, full.card)


@pytest.fixture
def pipeline(checkpoint: Checkpoint) -> Pipeline:
    return build(checkpoint)


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


def test_a_prediction_carries_the_frame_s_stamp_frame_and_size(pipeline: Pipeline) -> None:
    (frame,) = frames(1, size=(200, 90))
    prediction = pipeline.step(frame)
    assert (prediction.stamp_ns, prediction.frame_id) == (frame.stamp_ns, "camera")
    assert prediction.mask.shape == prediction.confidence.shape == (90, 200)
    assert prediction.mask.max() < pipeline.labels.class_count
    assert all(duration >= 0 for duration in prediction.stages_ms)


@pytest.mark.parametrize("estimator", ["dis", "primal_dual"])
def test_no_depth_written_as_the_largest_float_does_not_poison_the_memory(
    checkpoint: Checkpoint, estimator: str
) -> None:
    pipeline = build(checkpoint, estimator)
    for index, frame in enumerate(frames(3)):
        depth_m = frame.depth.to_metres()
        if index == 1:
            depth_m[20:60, 30:90] = np.finfo(np.float32).max
        prediction = pipeline.step(replace(frame, depth=DepthImage(depth_m, 1.0)))
        assert np.isfinite(prediction.confidence).all()
        assert np.isfinite(prediction.action.scores).all()


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


def rested(seed: int, *, rest_s: float) -> Iterator[RgbdFrame]:
    """Another scene for each seed, then one that rests and moves again, the same for all."""
    yield from frames(3, seed=seed)
    first, *following = frames(4, seed=9)
    still = round(10 * rest_s)
    for index in range(still):
        yield replace(first, stamp_ns=(3 + index) * STEP_NS)
    for index, frame in enumerate(following):
        yield replace(frame, stamp_ns=(3 + still + index) * STEP_NS)


@pytest.mark.parametrize(("rest_s", "same_after"), [(3.2, True), (1.0, False)])
def test_what_was_seen_before_a_long_rest_does_not_matter_once_something_moves(
    checkpoint: Checkpoint, rest_s: float, same_after: bool
) -> None:
    runs = []
    for seed in (5, 6):
        pipeline = build(checkpoint)
        pipeline.configure(replace(pipeline.config, rest_s=3.0))
        runs.append([pipeline.step(frame) for frame in rested(seed, rest_s=rest_s)])
    assert all(same(*pair) == same_after for pair in zip(*(run[-2:] for run in runs), strict=True))
    resting = [run[-4] for run in runs]
    assert not same(*resting)  # what was shown is kept while nothing moves
    reason = "motion after a rest of 3.100 s, at least rest_s=3" if same_after else ""
    assert [prediction.reset_reason for prediction in runs[0][-4:]] == ["", "", reason, ""]


def test_what_happened_while_rest_s_was_off_ends_no_rest(checkpoint: Checkpoint) -> None:
    pipeline = build(checkpoint)
    still, *_ = frames(1)
    for second in range(3):  # at rest, and watched
        pipeline.step(replace(still, stamp_ns=second * STEP_NS))
    pipeline.configure(replace(pipeline.config, rest_s=0.0, max_gap_s=60.0))
    pipeline.step(replace(still, stamp_ns=20 * 10 * STEP_NS))
    pipeline.configure(replace(pipeline.config, rest_s=3.0))
    moving = [
        replace(frame, stamp_ns=(201 + index) * STEP_NS) for index, frame in enumerate(frames(4))
    ]
    assert not any(pipeline.step(frame).reset_reason for frame in moving)


def test_a_rest_of_a_few_seconds_ends_nothing_by_default(checkpoint: Checkpoint) -> None:
    pipeline = build(checkpoint)
    assert not any(pipeline.step(frame).reset_reason for frame in rested(5, rest_s=3.2))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"stamp_ns": -1}, "time jumped back by 0.200 s"),
        ({"stamp_ns": 5_000_000_000}, "gap of 4.800 s, longer than max_gap_s=1"),
        ({"frame_id": "other"}, "changed from 160x120 in 'camera' to 160x120 in 'other'"),
    ],
)
def test_a_break_of_the_stream_resets_and_says_why(
    checkpoint: Checkpoint, pipeline: Pipeline, change: dict[str, object], reason: str
) -> None:
    for frame in frames(3):
        assert pipeline.step(frame).reset_reason == ""
    broken = replace(frame, **change)
    prediction = pipeline.step(broken)
    assert reason in prediction.reset_reason
    assert same(prediction, build(checkpoint).step(broken))


def test_another_size_resets(pipeline: Pipeline) -> None:
    for frame in frames(2):
        pipeline.step(frame)
    (larger,) = frames(1, size=(320, 240), first_ns=2 * STEP_NS)
    assert "to 320x240" in pipeline.step(larger).reset_reason


def test_a_repeated_stamp_is_no_break(pipeline: Pipeline) -> None:
    (frame,) = frames(1)
    pipeline.step(frame)
    assert pipeline.step(frame).reset_reason == ""


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


def test_the_threshold_changes_live(pipeline: Pipeline) -> None:
    (frame,) = frames(1)
    assert pipeline.step(frame).mask.any()
    pipeline.configure(replace(pipeline.config, min_confidence=1.0))
    assert not pipeline.step(frame).mask.any()


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


@pytest.mark.parametrize("row", TABLE_3)
def test_every_row_of_table_3_runs_as_a_pipeline(checkpoint: Checkpoint, row: str) -> None:
    network_config = replace(TABLE_3[row], width=4)
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
