# SPDX-License-Identifier: Apache-2.0
"""How far the scores of some clips may be from those of all clips of their kind."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.evaluation.metrics import PixelCounts, mean_of_defined

_CONFIDENCE = 0.95
_RESAMPLES = 2000


class Interval(NamedTuple):
    """A range that should hold the true score in 95 of 100 cases; NaN where nothing can be said."""

    low: float
    high: float


NO_INTERVAL = Interval(np.nan, np.nan)


class MaskIntervals(NamedTuple):
    """Intervals of the means over the affordances."""

    iou: Interval
    f1: Interval


def mask_intervals(pictures: Sequence[PixelCounts]) -> MaskIntervals:
    """Return how far the pooled IoU and F1 of a set of pictures can be relied on.

    Pictures of the same thing or person must be passed as one, with their counts added up: drawn
    separately, fifty pictures of a tool would count as fifty tools.

    The pictures are resampled 2000 times with replacement, and pooled each time as for the score
    itself; an interval leaves out the lowest and the highest 2.5 % of the results. An affordance of
    only one picture is missing from a third of the draws, and then also from their mean, as it is
    from the score of a set that does not show it. Where the few pictures of an affordance all gave
    similar results, the draws cannot show that others would not: the interval is then too narrow.

    Args:
        pictures: Counts of pictures that have nothing to do with each other, such as the last
            frames of clips; fewer than two have no interval.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    if len(pictures) < 2:
        return MaskIntervals(NO_INTERVAL, NO_INTERVAL)
    random = np.random.default_rng(0)
    drawn = random.multinomial(len(pictures), np.full(len(pictures), 1 / len(pictures)), _RESAMPLES)
    pooled = PixelCounts(*(drawn @ np.stack(each) for each in zip(*pictures, strict=True)))
    return MaskIntervals(*(_middle(mean_of_defined(each)) for each in (pooled.iou(), pooled.f1())))


def share_interval(hits: int, trials: int) -> Interval:
    """Return how far a share of hits can be relied on: Wilson's interval.

    Args:
        hits: Number of trials that succeeded.
        trials: Number of trials; without any, the interval is NaN.
    """
    from scipy.stats import binomtest

    if not trials:
        return NO_INTERVAL
    found = binomtest(hits, trials).proportion_ci(_CONFIDENCE, method="wilson")
    return Interval(float(found.low), float(found.high))


def _middle(scores: npt.NDArray[np.float64]) -> Interval:
    defined = scores[~np.isnan(scores)]
    if not defined.size:
        return NO_INTERVAL
    outside = (1 - _CONFIDENCE) / 2
    low, high = np.quantile(defined, (outside, 1 - outside))
    return Interval(float(low), float(high))
