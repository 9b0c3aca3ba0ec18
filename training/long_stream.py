# SPDX-License-Identifier: Apache-2.0
"""What a memory trained on ten frames does in a long stream."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import chain
from typing import Any, NamedTuple

from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.evaluation.class_scores import defined_or_none
from affordance_seg_ros.evaluation.metrics import SegmentationMetrics
from affordance_seg_ros.frames import Prediction, RgbdFrame
from affordance_seg_ros.pipeline.streaming import Pipeline
from affordance_seg_ros.training.datasets.labelled_sequence import LabelledSequence, naming_frame
from affordance_seg_ros.training.evaluate import last_label, scorable

_PERIOD_NS = 100_000_000


class MemoryPolicy(NamedTuple):
    """When the memory is forgotten, besides at gaps in the stream.

    Attributes:
        name: Name in the results.
        rest_s: The pipeline's option of this name.
        every_frames: Number of frames after which it is forgotten; 0 for never.
        every_clip: Whether it is forgotten before every clip.
    """

    name: str
    rest_s: float = 0.0
    every_frames: int = 0
    every_clip: bool = False

    def forgets_before(self, index: int, *, begins: bool) -> bool:
        """Return whether the past is forgotten before a frame, with which a clip may begin."""
        by_count = self.every_frames > 0 and index % self.every_frames == 0
        return by_count or (begins and self.every_clip)


POLICIES = (
    MemoryPolicy("keep"),
    MemoryPolicy("forget_after_rest", rest_s=PipelineConfig().rest_s),
    MemoryPolicy("forget_every_20_frames", every_frames=20),
)


def measure_rest(
    pipeline: Pipeline,
    sequences: Sequence[LabelledSequence],
    rest_s: Sequence[float],
    *,
    target: str = "demonstrated",
    progress: bool = True,
) -> dict[str, Any]:
    """Return the mean IoU when nothing moves after a clip, by the length of the rest.

    The last frame is repeated at 10 frames/s, and its label stays the truth. The last entry is the
    mean IoU when the longest rest, of the first frame, comes before the clip.

    Args:
        pipeline: The pipeline.
        sequences: Labelled clips.
        rest_s: Lengths of the rest [s].
        target: As in `StageConfig.target`.
        progress: Whether to show a progress bar.

    Raises:
        SourceError: No clip is labelled at its last frame, or a frame cannot be read or used.
    """
    labelled = scorable(sequences, target)
    longest = max(rest_s)
    after: dict[str, dict[str, float | None]] = {}
    for policy in POLICIES:
        scores = {seconds: SegmentationMetrics(pipeline.labels) for seconds in rest_s}
        for sequence in _bar(labelled, f"rest, {policy.name}", progress):
            truth = last_label(sequence, target)
            frames = [*_frames(sequence), *_still(sequence, -1, longest)]
            ends = {seconds: len(sequence) - 1 + round(10 * seconds) for seconds in scores}
            for index, prediction in enumerate(_run(pipeline, frames, policy)):
                for seconds, end in ends.items():
                    if index == end:
                        scores[seconds].add(truth, prediction.mask)
        after[policy.name] = {f"{s:g} s": _mean_iou(each) for s, each in scores.items()}
    before: dict[str, float | None] = {}
    for policy in POLICIES:
        metrics = SegmentationMetrics(pipeline.labels)
        for sequence in _bar(labelled, f"rest before, {policy.name}", progress):
            frames = [*_still(sequence, 0, longest), *_frames(sequence)]
            *_, last = _run(pipeline, frames, policy)
            metrics.add(last_label(sequence, target), last.mask)
        before[policy.name] = _mean_iou(metrics)
    return {"after": after, f"after {longest:g} s before the clip": before}


def measure_succession(
    pipeline: Pipeline,
    sequences: Sequence[LabelledSequence],
    pause_s: Sequence[float],
    *,
    target: str = "demonstrated",
    progress: bool = True,
) -> dict[str, Any]:
    """Return the mean IoU at the ends of clips that follow each other, by the pause between them.

    During a pause the last frame of the previous clip is repeated. `reset` forgets the past between
    two clips, and is the reference for the other policies.

    Args:
        pipeline: The pipeline.
        sequences: Labelled clips.
        pause_s: Lengths of the pause [s].
        target: As in `StageConfig.target`.
        progress: Whether to show a progress bar.

    Raises:
        SourceError: No clip is labelled at its last frame, clips are of different sizes, or a frame
            cannot be read or used.
    """
    labelled = scorable(sequences, target)
    check_sizes(labelled)
    policies = (MemoryPolicy("reset", every_clip=True), *POLICIES)
    result: dict[str, Any] = {}
    for pause in pause_s:
        result[f"{pause:g} s"] = {
            policy.name: _succession(pipeline, labelled, target, policy, pause, progress)
            for policy in policies
        }
    return result


def run_following_clip(
    pipeline: Pipeline, before: LabelledSequence, sequence: LabelledSequence
) -> Prediction:
    """Return what the pipeline says after a whole clip that follows another in one stream.

    Args:
        pipeline: The pipeline; its options stay, its memory is emptied before the first clip.
        before: The clip that is seen first.
        sequence: The clip.

    Raises:
        SourceError: They are of different sizes, or a frame cannot be read or used.
    """
    check_sizes((before, sequence))
    policy = MemoryPolicy("keep", rest_s=pipeline.config.rest_s)
    *_, last = _run(pipeline, (*_frames(before), *_frames(sequence)), policy)
    return last


def _succession(
    pipeline: Pipeline,
    sequences: Sequence[LabelledSequence],
    target: str,
    policy: MemoryPolicy,
    pause_s: float,
    progress: bool,
) -> float | None:
    """Return the mean IoU at the ends of clips in one stream."""
    metrics = SegmentationMetrics(pipeline.labels)
    starts: set[int] = set()
    ends: dict[int, LabelledSequence] = {}
    count = 0
    for sequence in sequences:
        starts.add(count)
        ends[count + len(sequence) - 1] = sequence
        count += len(sequence) + round(10 * pause_s)
    bar = _bar(sequences, f"{pause_s:g} s between clips, {policy.name}", progress)
    frames = chain.from_iterable((*_frames(each), *_still(each, -1, pause_s)) for each in bar)
    for index, prediction in enumerate(_run(pipeline, frames, policy, starts)):
        if index in ends:
            metrics.add(last_label(ends[index], target), prediction.mask)
    return _mean_iou(metrics)


class _Shown(NamedTuple):
    """A frame of a clip that the stream shows, read when it is due."""

    sequence: LabelledSequence
    index: int
    read: Callable[[], RgbdFrame]


def _run(
    pipeline: Pipeline,
    frames: Iterable[_Shown],
    policy: MemoryPolicy,
    starts: Collection[int] = (),
) -> Iterator[Prediction]:
    """Yield the predictions for one stream under a policy, starting from an empty memory.

    Args:
        pipeline: The pipeline.
        frames: The frames.
        policy: The policy.
        starts: Numbers of the frames with which clips begin.

    Raises:
        SourceError: A frame cannot be read or used.
    """
    pipeline.configure(replace(pipeline.config, rest_s=policy.rest_s))
    pipeline.reset()
    for number, shown in enumerate(frames):
        if policy.forgets_before(number, begins=number in starts):
            pipeline.reset()
        with naming_frame(shown.sequence, shown.index):
            frame = replace(shown.read(), stamp_ns=number * _PERIOD_NS, frame_id="long_stream")
            prediction = pipeline.step(frame)
        yield prediction


def _frames(sequence: LabelledSequence) -> list[_Shown]:
    return [
        _Shown(sequence, index, partial(sequence.frame, index)) for index in range(len(sequence))
    ]


def _still(sequence: LabelledSequence, index: int, seconds: float) -> Iterator[_Shown]:
    """Yield one frame of a clip again and again; it is read only once."""
    index %= len(sequence)
    read = cache(partial(sequence.frame, index))
    for _ in range(round(10 * seconds)):
        yield _Shown(sequence, index, read)


def check_sizes(sequences: Iterable[LabelledSequence]) -> None:
    """Refuse clips of different sizes: a change of size would empty the memory.

    Raises:
        SourceError: Two are of different sizes.
    """
    of_size = {each.frame_size(): each.name for each in sequences}
    if len(of_size) > 1:
        some = [f"{name} is {width}x{height}" for (width, height), name in of_size.items()]
        raise SourceError(
            f"{', '.join(some[:2])}; expected clips of one size, as another size clears the memory"
        )


def _mean_iou(metrics: SegmentationMetrics) -> float | None:
    return defined_or_none(metrics.result().iou.mean)


def _bar(sequences: Sequence[LabelledSequence], text: str, progress: bool):
    from tqdm import tqdm

    return tqdm(sequences, unit="clip", desc=text, disable=not progress)
