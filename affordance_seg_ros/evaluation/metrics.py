# SPDX-License-Identifier: Apache-2.0
"""How well masks agree with the truth: IoU, F1 and the weighted F-measure, each by its own name."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import FrameError
from affordance_seg_ros.evaluation.class_scores import (
    PAPER_WEIGHTS,
    ClassScores,
    defined_or_none,
    weighted_mean,
)
from affordance_seg_ros.evaluation.weighted_f import weighted_score
from affordance_seg_ros.labels import IGNORE, LabelSet

_BETA2 = (1.0, 0.3)


class SegmentationResult(NamedTuple):
    """Agreement of masks with the truth over a set of pictures. Background is not a class here.

    A class is left out of a mean where its score is not defined (NaN): it is neither in the truth
    nor in the masks or, for `fw_margolin`, not in the truth.

    Attributes:
        images: Number of pictures.
        iou: Intersection over union, pooled over the pixels of all pictures.
        iou_per_image: The same for each picture, then the mean over the pictures where it is
            defined.
        f1: Harmonic mean of precision and recall, pooled over the pixels of all pictures.
        f1_per_image: The same for each picture, then the mean as above.
        f1_paper_weighted: Mean of `f1` with the paper's weights, renormalised over the classes that
            have a score; NaN for affordances that are not those of SOR3D-AFF.
        fw_margolin: Weighted F-measure with β² = 1, mean over the pictures whose truth contains the
            class.
        fw_margolin_beta2_03: The same with β² = 0.3.
    """

    images: int
    iou: ClassScores
    iou_per_image: ClassScores
    f1: ClassScores
    f1_per_image: ClassScores
    f1_paper_weighted: float
    fw_margolin: ClassScores
    fw_margolin_beta2_03: ClassScores

    def document(self) -> dict[str, Any]:
        """Return JSON values; what is not defined is None."""
        return {
            name: value.document() if isinstance(value, ClassScores) else defined_or_none(value)
            for name, value in self._asdict().items()
        }


class SegmentationMetrics:
    """Collects the agreement of masks with the truth, picture by picture.

    Args:
        labels: The affordances.
    """

    def __init__(self, labels: LabelSet) -> None:
        self._labels = labels
        classes = len(labels.affordances)
        self._images = 0
        self._pooled = PixelCounts(*np.zeros((3, classes), np.int64))
        self._iou = _Mean(classes)
        self._f1 = _Mean(classes)
        self._weighted = tuple(_Mean(classes) for _ in _BETA2)

    def add(
        self,
        truth: npt.NDArray[np.integer[Any]],
        mask: npt.NDArray[np.integer[Any]],
        probabilities: npt.NDArray[np.floating[Any]] | None = None,
    ) -> "PixelCounts":
        """Add one picture; return its counts.

        Args:
            truth: (H, W) label ids; pixels of 255 do not count.
            mask: (H, W) predicted label ids.
            probabilities: (C, H, W) in [0, 1] of background and affordances, for the weighted
                F-measure; None takes 1 where the mask has the class, and 0 elsewhere.

        Raises:
            FrameError: Shapes differ, or a label id or a probability is out of range.
        """
        self._check(truth, mask, probabilities)
        counted = truth != IGNORE
        counts = count_picture(truth, mask, self._labels)
        self._images += 1
        self._pooled = PixelCounts.total([self._pooled, counts])
        self._iou.add(counts.iou())
        self._f1.add(counts.f1())
        scores = np.full((len(_BETA2), len(self._labels.affordances)), np.nan)
        for index in np.flatnonzero(counts.hits + counts.misses):
            label_id = index + 1
            prediction = mask == label_id if probabilities is None else probabilities[label_id]
            # Background without a prediction is no error, wherever it is.
            score = weighted_score(np.where(counted, prediction, 0.0), truth == label_id)
            scores[:, index] = [score.f(beta2) for beta2 in _BETA2]
        for mean, score in zip(self._weighted, scores, strict=True):
            mean.add(score)
        return counts

    def result(self) -> SegmentationResult:
        """Return the scores of all pictures added so far; NaN where there is nothing to score."""
        names = self._labels.affordances
        f1 = ClassScores.of(names, self._pooled.f1())
        beta2_1, beta2_03 = (ClassScores.of(names, mean.value()) for mean in self._weighted)
        return SegmentationResult(
            images=self._images,
            iou=ClassScores.of(names, self._pooled.iou()),
            iou_per_image=ClassScores.of(names, self._iou.value()),
            f1=f1,
            f1_per_image=ClassScores.of(names, self._f1.value()),
            f1_paper_weighted=weighted_mean(f1.by_class, PAPER_WEIGHTS),
            fw_margolin=beta2_1,
            fw_margolin_beta2_03=beta2_03,
        )

    def _check(
        self,
        truth: npt.NDArray[np.integer[Any]],
        mask: npt.NDArray[np.integer[Any]],
        probabilities: npt.NDArray[np.floating[Any]] | None,
    ) -> None:
        classes = self._labels.class_count
        if truth.ndim != 2 or mask.shape != truth.shape:
            raise FrameError(
                f"mask {mask.shape} with truth {truth.shape}; expected (H, W), of equal size"
            )
        for name, ids, extra in (("truth", truth[truth != IGNORE], " or 255"), ("mask", mask, "")):
            if ids.size and not 0 <= ids.min() <= ids.max() < classes:
                wrong = ids.min() if ids.min() < 0 else ids.max()
                raise FrameError(f"label id {wrong} in {name}; expected 0 to {classes - 1}{extra}")
        if probabilities is None:
            return
        if probabilities.shape != (classes, *truth.shape):
            raise FrameError(
                f"probabilities {probabilities.shape}; expected {(classes, *truth.shape)}"
            )
        # Written so that NaN fails as well; softmax in half precision may exceed 1 by rounding.
        low, high = probabilities.min(initial=0), probabilities.max(initial=0)
        if not (low >= 0 and high <= 1.001):
            raise FrameError(f"probabilities from {low} to {high}; expected 0 to 1")


class PixelCounts(NamedTuple):
    """Numbers of pixels of each affordance (..., N), in one picture or in many.

    Attributes:
        hits: Found where they are.
        false_alarms: Found where they are not.
        misses: Not found.
    """

    hits: npt.NDArray[np.int64]
    false_alarms: npt.NDArray[np.int64]
    misses: npt.NDArray[np.int64]

    @classmethod
    def total(cls, counts: Sequence["PixelCounts"]) -> "PixelCounts":
        """Return the sum of the counts of one picture or more."""
        return cls(*(np.sum(each, axis=0) for each in zip(*counts, strict=True)))

    def iou(self) -> npt.NDArray[np.float64]:
        """Return the (..., N) intersection over union, NaN where it is not defined."""
        return _ratio(self.hits, self.hits + self.false_alarms + self.misses)

    def f1(self) -> npt.NDArray[np.float64]:
        """Return the (..., N) harmonic mean of precision and recall, NaN likewise."""
        return _ratio(2 * self.hits, 2 * self.hits + self.false_alarms + self.misses)

    def precision(self) -> npt.NDArray[np.float64]:
        """Return the (..., N) share of what is found that is there, NaN where nothing is found."""
        return _ratio(self.hits, self.hits + self.false_alarms)

    def recall(self) -> npt.NDArray[np.float64]:
        """Return the (..., N) share of what is there that is found, NaN where nothing is there."""
        return _ratio(self.hits, self.hits + self.misses)


class _Mean:
    """Mean of (N,) scores over pictures, each over those where it is defined."""

    def __init__(self, classes: int) -> None:
        self._sum = np.zeros(classes)
        self._count = np.zeros(classes, np.int64)

    def add(self, scores: npt.NDArray[np.float64]) -> None:
        self._sum += np.nan_to_num(scores)
        self._count += ~np.isnan(scores)

    def value(self) -> npt.NDArray[np.float64]:
        return _ratio(self._sum, self._count)


def count_picture(
    truth: npt.NDArray[np.integer[Any]], mask: npt.NDArray[np.integer[Any]], labels: LabelSet
) -> PixelCounts:
    """Return the counts of one picture.

    Args:
        truth: (H, W) label ids; pixels of 255 do not count.
        mask: (H, W) predicted label ids.
        labels: The affordances.
    """
    counted, classes = truth != IGNORE, labels.class_count
    pairs = truth[counted].astype(np.int64) * classes + mask[counted]
    confusion = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    hits = np.diag(confusion)
    return PixelCounts(hits[1:], (confusion.sum(0) - hits)[1:], (confusion.sum(1) - hits)[1:])


def picture_iou(
    truth: npt.NDArray[np.integer[Any]], mask: npt.NDArray[np.integer[Any]], labels: LabelSet
) -> float:
    """Return the mean IoU of one picture over the labels in truth or mask; NaN without any.

    Args:
        truth: (H, W) label ids; pixels of 255 do not count.
        mask: (H, W) predicted label ids.
        labels: The affordances.
    """
    return float(mean_of_defined(count_picture(truth, mask, labels).iou()))


def mean_of_defined(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the (...) means of (..., N) scores over those that are defined; NaN without any."""
    return _ratio(np.nansum(scores, -1), (~np.isnan(scores)).sum(-1))


def _ratio(
    part: npt.NDArray[np.integer[Any]] | npt.NDArray[np.floating[Any]],
    whole: npt.NDArray[np.integer[Any]],
) -> npt.NDArray[np.float64]:
    """Return part / whole, NaN where the whole is 0."""
    result = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=result, where=whole > 0)
    return result
