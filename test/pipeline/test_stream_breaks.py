# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from plane_stream import STEP_NS, build, frames, same

from affordance_seg_ros.errors import CalibrationError, FrameError
from affordance_seg_ros.frames import RgbdFrame
from affordance_seg_ros.model.checkpoint import Checkpoint
from affordance_seg_ros.pipeline import streaming
from affordance_seg_ros.pipeline.streaming import Pipeline


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


def test_scores_that_are_not_finite_drop_the_frame_and_the_memory(
    checkpoint: Checkpoint, pipeline: Pipeline
) -> None:
    first, second, third = frames(3)
    pipeline.step(first)
    lost = replace(third, stamp_ns=second.stamp_ns)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming, "colorize", lambda flow, *_, **__: flow.motion_m * torch.nan)
        with pytest.raises(FrameError, match=r"output is not finite \(weights \S+, "):
            pipeline.step(lost)
    assert same(pipeline.step(third), build(checkpoint).step(third))


def test_a_lens_that_is_unknown_is_refused_before_anything_changes(
    checkpoint: Checkpoint, pipeline: Pipeline
) -> None:
    first, second, third = frames(3)
    folds = replace(first.camera, fx=60.0, fy=60.0, distortion=(-0.3, 0.0, 0.0, 0.0))
    pipeline.step(first)
    with pytest.raises(CalibrationError, match="cannot be inverted"):
        pipeline.step(replace(second, camera=folds))
    other = build(checkpoint)
    other.step(first)
    assert same(pipeline.step(third), other.step(third))


def test_another_size_resets(pipeline: Pipeline) -> None:
    for frame in frames(2):
        pipeline.step(frame)
    (larger,) = frames(1, size=(320, 240), first_ns=2 * STEP_NS)
    assert "to 320x240" in pipeline.step(larger).reset_reason


def test_a_repeated_stamp_is_no_break(pipeline: Pipeline) -> None:
    (frame,) = frames(1)
    pipeline.step(frame)
    assert pipeline.step(frame).reset_reason == ""
