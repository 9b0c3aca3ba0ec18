# SPDX-License-Identifier: Apache-2.0
"""What a mask gains and loses when its doubtful pixels become background."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.evaluation.class_scores import defined_or_none
from affordance_seg_ros.evaluation.metrics import PixelCounts, count_picture, mean_of_defined
from affordance_seg_ros.labels import BACKGROUND, LabelSet

THRESHOLDS = (0.0, 0.25, 0.5, 0.75, 0.9, 0.95)


class ThresholdScores(NamedTuple):
    """Scores of masks at one threshold: means over the affordances, each pooled over all pictures.

    Attributes:
        min_confidence: Marked pixels that were less probable became background.
        iou: Intersection over union; NaN where no affordance is in truth or mask.
        f1: Harmonic mean of precision and recall, likewise.
        precision: Share of the marked pixels that are right; NaN where nothing is marked.
        recall: Share of the true pixels that are marked correctly; NaN where there are none.
        unmarked: Share of the pictures whose masks are empty.
    """

    min_confidence: float
    iou: float
    f1: float
    precision: float
    recall: float
    unmarked: float

    def document(self) -> dict[str, Any]:
        """Return JSON values; what is not defined is None."""
        return {name: defined_or_none(value) for name, value in self._asdict().items()}


class ThresholdSweep:
    """Collects the agreement of masks with the truth at several thresholds at once.

    Args:
        labels: The affordances.
        least: Threshold that was already applied to the masks, in [0, 1]; smaller ones are left
            out, as it is unknown what they would mark.
        thresholds: The thresholds, in [0, 1].
    """

    def __init__(
        self, labels: LabelSet, least: float = 0.0, thresholds: Sequence[float] = THRESHOLDS
    ) -> None:
        self._labels = labels
        self._thresholds = sorted({least, *(each for each in thresholds if each > least)})
        shape = (len(self._thresholds), len(labels.affordances))
        self._pooled = PixelCounts(*np.zeros((3, *shape), np.int64))
        self._unmarked = np.zeros(len(self._thresholds), np.int64)
        self._pictures = 0

    def add(
        self,
        truth: npt.NDArray[np.integer[Any]],
        mask: npt.NDArray[np.integer[Any]],
        confidence: npt.NDArray[np.floating[Any]],
    ) -> None:
        """Add one picture.

        Args:
            truth: (H, W) label ids; pixels of 255 do not count.
            mask: (H, W) predicted label ids.
            confidence: (H, W) probability of each, in [0, 1].
        """
        self._pictures += 1
        for index, threshold in enumerate(self._thresholds):
            kept = np.where(confidence < threshold, BACKGROUND, mask)
            counts = count_picture(truth, kept, self._labels)
            for pooled, each in zip(self._pooled, counts, strict=True):
                pooled[index] += each
            self._unmarked[index] += not kept.any()

    def result(self) -> tuple[ThresholdScores, ...]:
        """Return the scores of all pictures added so far, by increasing threshold."""
        counts = self._pooled
        means = [
            mean_of_defined(scores)
            for scores in (counts.iou(), counts.f1(), counts.precision(), counts.recall())
        ]
        unmarked = self._unmarked / max(self._pictures, 1)
        rows = zip(self._thresholds, *means, unmarked, strict=True)
        return tuple(ThresholdScores(*(float(value) for value in row)) for row in rows)
