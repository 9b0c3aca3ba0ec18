# SPDX-License-Identifier: Apache-2.0
"""What is remembered of every frame of a run: a few numbers each, no pictures."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.evaluation.metrics import picture_iou
from affordance_seg_ros.frames import Prediction
from affordance_seg_ros.labels import LabelSet

LabelMap = npt.NDArray[np.uint8]


class FrameNote(NamedTuple):
    """What is remembered of one frame.

    Attributes:
        stamp_ns: Stamp of the frame [ns].
        action_id: The recognised action.
        action_scores: (M,) float32 probabilities of all actions.
        shares: (N + 1,) float32 share of the picture that each label takes, background first.
        confidence: Mean probability of the chosen labels, in [0, 1].
        duration_ms: Time that the pipeline took [ms]; NaN if unknown.
        iou: Mean IoU of the labels in truth or mask; NaN without truth, or without any label.
    """

    stamp_ns: int
    action_id: int
    action_scores: npt.NDArray[np.float32]
    shares: npt.NDArray[np.float32]
    confidence: float
    duration_ms: float
    iou: float


def note_of(prediction: Prediction, labels: LabelSet, truth: LabelMap | None) -> FrameNote:
    """Return what is remembered of a prediction.

    Args:
        prediction: The prediction for the frame.
        labels: The labels.
        truth: (H, W) label ids, 255 to ignore; None if the frame is not labelled.
    """
    counts = np.bincount(prediction.mask.ravel(), minlength=labels.class_count)
    return FrameNote(
        stamp_ns=prediction.stamp_ns,
        action_id=prediction.action.id,
        action_scores=np.asarray(prediction.action.scores, np.float32),
        shares=(counts / prediction.mask.size).astype(np.float32),
        confidence=float(prediction.confidence.mean()),
        duration_ms=float(sum(prediction.stages_ms)),
        iou=float("nan") if truth is None else picture_iou(truth, prediction.mask, labels),
    )


class RunHistory:
    """The notes of all frames of a run, in the order in which they came.

    About 300 bytes per frame: 10 MB in an hour at 10 frames/s.
    """

    def __init__(self) -> None:
        self._notes: list[FrameNote] = []

    def __len__(self) -> int:
        return len(self._notes)

    def add(self, note: FrameNote) -> None:
        """Add the note of the next frame."""
        self._notes.append(note)

    def note(self, index: int) -> FrameNote:
        """Return the note of one frame."""
        return self._notes[index]

    def seconds(self) -> npt.NDArray[np.float64]:
        """Return (F,) stamps relative to the first one [s]."""
        first_ns = self._notes[0].stamp_ns if self._notes else 0
        return np.array([1e-9 * (note.stamp_ns - first_ns) for note in self._notes], np.float64)

    def action_scores(self) -> npt.NDArray[np.float32]:
        """Return (F, M) probabilities of the actions."""
        return np.stack([note.action_scores for note in self._notes])

    def shares(self) -> npt.NDArray[np.float32]:
        """Return (F, N + 1) shares of the picture that the labels take, background first."""
        return np.stack([note.shares for note in self._notes])

    def durations_ms(self) -> npt.NDArray[np.float64]:
        """Return (F,) times that the pipeline took [ms]; NaN where unknown."""
        return np.array([note.duration_ms for note in self._notes], np.float64)

    def ious(self) -> npt.NDArray[np.float64]:
        """Return (F,) mean IoU of each picture; NaN where there is none."""
        return np.array([note.iou for note in self._notes], np.float64)
