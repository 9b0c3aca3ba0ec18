# SPDX-License-Identifier: Apache-2.0
"""How good weights are: whole clips and last frames alone, through the robot's pipeline."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.evaluation.action_metrics import ActionMetrics, ActionResult
from affordance_seg_ros.evaluation.class_scores import defined_or_none
from affordance_seg_ros.evaluation.interval import (
    NO_INTERVAL,
    Interval,
    MaskIntervals,
    mask_intervals,
    share_interval,
)
from affordance_seg_ros.evaluation.metrics import (
    PixelCounts,
    SegmentationMetrics,
    SegmentationResult,
    mean_of_defined,
)
from affordance_seg_ros.evaluation.threshold_sweep import ThresholdScores, ThresholdSweep
from affordance_seg_ros.frames import Prediction
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.pipeline.streaming import Pipeline
from affordance_seg_ros.training.clip_prediction import (
    UnusableFrameError,
    run_clip,
    run_frame,
)
from affordance_seg_ros.training.datasets.labelled_sequence import (
    LabelImage,
    LabelledSequence,
    naming_frame,
)

CLIP_GAP_S = 3600.0
"""`max_gap_s` of a pipeline that sees clips: each is one stream, however slow."""


class Scores(NamedTuple):
    """Scores of masks and actions for one way of looking at a set of clips.

    Attributes:
        masks: Scores of the masks.
        actions: Scores of the actions.
        intervals: Confidence intervals of the means over the masks.
        action_interval: Interval of the share of correct actions; NaN if clips share a tool or
            person.
    """

    masks: SegmentationResult
    actions: ActionResult
    intervals: MaskIntervals
    action_interval: Interval

    def document(self) -> dict[str, Any]:
        """Return JSON values: the headline figures, and everything under `details`."""
        by_class = {
            name: {
                "iou": defined_or_none(self.masks.iou.by_class[name]),
                "f1": defined_or_none(self.masks.f1.by_class[name]),
                "fw_margolin": defined_or_none(self.masks.fw_margolin.by_class[name]),
            }
            for name in self.masks.iou.by_class
        }
        intervals = {
            "iou_mean": self.intervals.iou,
            "f1_mean": self.intervals.f1,
            "action_top1": self.action_interval,
        }
        return {
            "iou_mean": defined_or_none(self.masks.iou.mean),
            "f1_mean": defined_or_none(self.masks.f1.mean),
            "f1_paper_weighted": defined_or_none(self.masks.f1_paper_weighted),
            "fw_margolin": defined_or_none(self.masks.fw_margolin.mean),
            "action_top1": defined_or_none(self.actions.accuracy),
            "interval_95": {
                name: [defined_or_none(end) for end in ends] for name, ends in intervals.items()
            },
            "per_class": by_class,
            "details": {"masks": self.masks.document(), "actions": self.actions.document()},
        }


class Example(NamedTuple):
    """One clip for people to look at.

    Attributes:
        name: Name of the clip.
        iou: Mean IoU over the affordances in truth or mask.
        color: (H, W, 3) uint8 RGB last frame.
        truth: (H, W) label ids.
        mask: (H, W) label ids.
        action: True action.
        recognised: Recognised action.
    """

    name: str
    iou: float
    color: npt.NDArray[np.uint8]
    truth: LabelImage
    mask: npt.NDArray[np.uint8]
    action: str
    recognised: str


class Evaluation(NamedTuple):
    """The result of an evaluation.

    Attributes:
        clips: Number of clips that were scored.
        left_out: Clips whose last frame cannot be used, and why.
        dropped: Frames of the others that cannot be used, and why; they were dropped as on a robot.
        video: Scores after whole clips.
        static: Scores of the last frames alone.
        thresholds: Masks after whole clips, had the pipeline's `min_confidence` been higher.
        best: The best clips, best first.
        worst: The worst of the other clips, worst first.
    """

    clips: int
    left_out: tuple[str, ...]
    dropped: tuple[str, ...]
    video: Scores
    static: Scores
    thresholds: tuple[ThresholdScores, ...]
    best: tuple[Example, ...]
    worst: tuple[Example, ...]

    def document(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "clips": self.clips,
            "left_out": list(self.left_out),
            "dropped_frames": list(self.dropped),
            "video": self.video.document(),
            "static": self.static.document(),
            "video_by_threshold": [each.document() for each in self.thresholds],
            "best": [{"name": each.name, "iou": each.iou} for each in self.best],
            "worst": [{"name": each.name, "iou": each.iou} for each in self.worst],
        }


def evaluate(
    pipeline: Pipeline,
    sequences: Sequence[LabelledSequence],
    *,
    target: str = "demonstrated",
    examples: int = 4,
    progress: bool = True,
) -> Evaluation:
    """Run the pipeline over clips whose last frame is labelled, and score it at their own size.

    Args:
        pipeline: The pipeline; its `rate_hz` has no effect here: every frame is taken.
        sequences: Clips; `scorable` finds them.
        target: As in `StageConfig.target`.
        examples: Number of best and of worst clips that are kept.
        progress: Whether to show a progress bar.

    Raises:
        SourceError: A clip has no label at its last frame, a label has another size than its frame,
            a file is damaged, or no clip has a last frame that can be used.
    """
    from tqdm import tqdm

    labels = pipeline.labels
    video, static = (_Collected.empty(labels) for _ in range(2))
    sweep = ThresholdSweep(labels, pipeline.config.min_confidence)
    kept: list[Example] = []
    left_out: list[str] = []
    dropped: list[str] = []
    for sequence in tqdm(sequences, unit="clip", desc="evaluate", disable=not progress):
        last = len(sequence) - 1
        truth = last_label(sequence, target)
        if truth is None:
            raise SourceError(f"{sequence.name} has no {target} label at its last frame")
        try:
            still = run_frame(pipeline, sequence, last)
        except UnusableFrameError as error:
            left_out.append(str(error))
            continue
        moving = run_clip(pipeline, sequence, dropped)
        with naming_frame(sequence, last):
            iou = mean_of_defined(video.add(truth, sequence, moving).iou())
            static.add(truth, sequence, still)
        sweep.add(truth, moving.mask, moving.confidence)
        if np.isnan(iou):
            continue  # no affordance in truth or mask: nothing to look at
        example = Example(
            name=sequence.name,
            iou=float(iou),
            color=sequence.frame(last).color,
            truth=truth,
            mask=moving.mask,
            action=sequence.action,
            recognised=moving.action.name,
        )
        kept = _extremes([*kept, example], examples)
    if left_out and len(left_out) == len(sequences):
        raise SourceError(f"no clip has a usable last frame, for example {left_out[0]}")
    ranked = sorted(kept, key=lambda each: -each.iou)
    return Evaluation(
        clips=len(sequences) - len(left_out),
        left_out=tuple(left_out),
        dropped=tuple(dropped),
        video=video.scores(),
        static=static.scores(),
        thresholds=sweep.result(),
        best=tuple(ranked[:examples]),
        worst=tuple(ranked[examples:][::-1][:examples]),
    )


class _Collected(NamedTuple):
    """Results of one way of looking at clips so far."""

    labels: LabelSet
    masks: SegmentationMetrics
    actions: ActionMetrics
    groups: dict[str, list[PixelCounts]]
    """Pictures of the same tool or person: together they say little more than one of them."""

    @classmethod
    def empty(cls, labels: LabelSet) -> "_Collected":
        return cls(labels, SegmentationMetrics(labels), ActionMetrics(labels), {})

    def add(self, truth: LabelImage, sequence: LabelledSequence, seen: Prediction) -> PixelCounts:
        counts = self.masks.add(truth, seen.mask)
        self.groups.setdefault(sequence.group or sequence.name, []).append(counts)
        if sequence.action in self.labels.actions:
            self.actions.add(self.labels.action_id(sequence.action), seen.action.id)
        return counts

    def scores(self) -> Scores:
        masks, actions = self.masks.result(), self.actions.result()
        intervals = mask_intervals(
            [PixelCounts.total(pictures) for pictures in self.groups.values()]
        )
        alone = all(len(pictures) == 1 for pictures in self.groups.values())
        share = share_interval(actions.hits, actions.clips) if alone else NO_INTERVAL
        return Scores(masks, actions, intervals, share)


def scorable(
    sequences: Sequence[LabelledSequence], target: str = "demonstrated"
) -> tuple[LabelledSequence, ...]:
    """Return the sequences whose last frame is labelled.

    Args:
        sequences: Clips.
        target: As in `StageConfig.target`.

    Raises:
        SourceError: None is.
    """
    found = tuple(each for each in sequences if len(each) - 1 in each.labelled(target))
    if found:
        return found
    kind = {"demonstrated": "a demonstrated label", "affordances": "a label of every part"}[target]
    other = "affordances" if target == "demonstrated" else "demonstrated"
    hint = ""
    if any(len(each) - 1 in each.labelled(other) for each in sequences):
        hint = f"; there are labels for --target {other}"
    raise SourceError(
        f"none of {len(sequences)} clips has {kind} at its last frame, or where it is cut{hint}"
    )


def last_label(sequence: LabelledSequence, target: str = "demonstrated") -> LabelImage | None:
    """Return the label of the last frame; None where there is none.

    Args:
        sequence: A clip.
        target: As in `StageConfig.target`.
    """
    last = len(sequence) - 1
    if target == "affordances":
        return sequence.affordances(last)
    return sequence.demonstrated(last)


def _extremes(examples: list[Example], count: int) -> list[Example]:
    """Keep the best and the worst: pictures of all clips do not fit into memory."""
    ranked = sorted(examples, key=lambda each: each.iou)
    return ranked if len(ranked) <= 2 * count else [*ranked[:count], *ranked[-count:]]
