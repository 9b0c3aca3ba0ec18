# SPDX-License-Identifier: Apache-2.0
"""The weighted F-measure of Margolin, Zelnik-Manor and Tal."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

_EPSILON = float(np.finfo(np.float64).eps)
_GAUSSIAN_RADIUS_PX = 3
_GAUSSIAN_SIGMA_PX = 5.0
_HALF_IMPORTANCE_PX = 5.0
"""Distance from the foreground at which a false alarm's weight is halfway from 1 to 2."""


class WeightedScore(NamedTuple):
    """Weighted precision and recall of one class in one picture; NaN where truth has none of it."""

    precision: float
    recall: float

    def f(self, beta2: float) -> float:
        """Return the F-measure; beta2, the square of β, weighs recall against precision."""
        p, r = self
        return (1 + beta2) * r * p / (_EPSILON + r + beta2 * p)


def weighted_score(
    prediction: npt.NDArray[np.floating[Any]], truth: npt.NDArray[np.bool_]
) -> WeightedScore:
    """Compare a map with a mask, with errors weighted by where they are.

    A miss counts less where its surroundings are found, and a false alarm counts more the farther
    it is from the foreground.

    Args:
        prediction: (H, W) in [0, 1].
        truth: (H, W) true on the foreground.

    Source: Margolin et al., How to Evaluate Foreground Maps?, CVPR 2014.
    """
    if not truth.any():
        return WeightedScore(np.nan, np.nan)
    # SciPy takes 0.2 s to import, and only labelled recordings need it.
    from scipy import ndimage

    error = np.abs(prediction.astype(np.float64) - truth)
    distance_px, nearest = ndimage.distance_transform_edt(~truth, return_indices=True)
    # The nearest foreground pixel of a foreground pixel is itself.
    spread = error[nearest[0], nearest[1]]
    offsets = np.arange(-_GAUSSIAN_RADIUS_PX, _GAUSSIAN_RADIUS_PX + 1)
    kernel = np.exp(-(offsets**2) / (2 * _GAUSSIAN_SIGMA_PX**2))
    kernel /= kernel.sum()
    for axis in (0, 1):
        spread = ndimage.correlate1d(spread, kernel, axis, mode="constant")
    misses = np.minimum(error, spread)[truth]
    importance = 2 - np.exp(np.log(0.5) * distance_px / _HALF_IMPORTANCE_PX)
    false_alarms = (error * importance)[~truth]
    hits = truth.sum() - misses.sum()
    precision = hits / (_EPSILON + hits + false_alarms.sum())
    return WeightedScore(float(precision), float(1 - misses.mean()))
