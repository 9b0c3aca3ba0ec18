# SPDX-License-Identifier: Apache-2.0
"""Percentiles of durations."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np


class Percentiles(NamedTuple):
    """Percentiles of a set of durations [ms]; NaN for an empty set."""

    p50: float
    p95: float
    p99: float
    max: float


def percentiles(durations_ms: Iterable[float]) -> Percentiles:
    """Return the percentiles of durations [ms], to the microsecond: no clock here is finer."""
    values = np.fromiter(durations_ms, np.float64)
    if not values.size:
        return Percentiles(*[float("nan")] * 4)
    return Percentiles(
        *(round(float(value), 3) for value in np.percentile(values, (50, 95, 99, 100)))
    )
