# SPDX-License-Identifier: Apache-2.0
"""Percentiles of durations over a sliding window."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np


class Percentiles(NamedTuple):
    """Percentiles of a set of durations [ms]; NaN of an empty set."""

    p50: float
    p95: float
    p99: float
    max: float


def percentiles(durations_ms: Iterable[float]) -> Percentiles:
    """Return the percentiles of durations [ms]."""
    values = np.fromiter(durations_ms, np.float64)
    if not values.size:
        return Percentiles(*[float("nan")] * 4)
    return Percentiles(*(float(value) for value in np.percentile(values, (50, 95, 99, 100))))


class DurationWindow:
    """The last durations of something that repeats; memory stays constant.

    Args:
        size: How many durations are remembered.
    """

    def __init__(self, size: int = 1000) -> None:
        self._values: deque[float] = deque(maxlen=size)

    def __len__(self) -> int:
        return len(self._values)

    def add(self, duration_ms: float) -> None:
        """Add a duration [ms]; the oldest is forgotten when the window is full."""
        self._values.append(duration_ms)

    def percentiles(self) -> Percentiles:
        """Return the percentiles of the durations in the window."""
        return percentiles(self._values)
