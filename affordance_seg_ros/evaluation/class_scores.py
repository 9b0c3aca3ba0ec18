# SPDX-License-Identifier: Apache-2.0
"""Scores of each class and their mean."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

PAPER_WEIGHTS = MappingProxyType(
    {
        "cut": 0.083,
        "grasp": 0.2,
        "hammer": 0.083,
        "lift": 0.2,
        "paint": 0.083,
        "push": 0.1,
        "rotate": 0.083,
        "squeeze": 0.083,
        "type": 0.083,
    }
)
"""The paper's weights of the affordances of SOR3D-AFF; they add up to 0.998."""


class ClassScores(NamedTuple):
    """One score for each class, and one for all of them.

    Attributes:
        mean: Mean over the classes that have a score; NaN if none has.
        by_class: Score by class name; NaN where it is not defined.
    """

    mean: float
    by_class: Mapping[str, float]

    @classmethod
    def of(cls, names: Sequence[str], scores: npt.NDArray[np.float64]) -> "ClassScores":
        """Return the scores (len(names),) of the named classes."""
        by_class = {name: float(score) for name, score in zip(names, scores, strict=True)}
        return cls(weighted_mean(by_class, dict.fromkeys(names, 1.0)), by_class)

    def document(self) -> dict[str, Any]:
        """Return JSON values; what is not defined is None."""
        by_class = {name: defined_or_none(score) for name, score in self.by_class.items()}
        return {"mean": defined_or_none(self.mean), "by_class": by_class}


def weighted_mean(scores: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Return the mean of the scores that are not NaN, with weights renormalised over them.

    NaN if there are none, or if any of the classes, with or without a score, has no weight.
    """
    if not scores.keys() <= weights.keys():
        return math.nan
    defined = {name: score for name, score in scores.items() if not math.isnan(score)}
    total = sum(weights[name] for name in defined)
    if not total:
        return math.nan
    return sum(weights[name] * score for name, score in defined.items()) / total


def defined_or_none(score: float) -> float | None:
    """Return the score, or None for NaN, which JSON lacks."""
    return None if math.isnan(score) else score
