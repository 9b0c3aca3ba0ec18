# SPDX-License-Identifier: Apache-2.0
"""Percentiles and jitter of repeated durations."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from affordance_seg_ros.pipeline.timing import percentiles


class Spread(NamedTuple):
    """How durations are spread [ms]; NaN if there are none.

    Attributes:
        p50: Median.
        p95: 95 of 100 are not longer.
        p99: 99 of 100 are not longer.
        max: The longest.
        jitter: Mean absolute difference from one to the next.
    """

    p50: float
    p95: float
    p99: float
    max: float
    jitter: float


def spread(durations_ms: Sequence[float]) -> Spread:
    """Return the spread of durations [ms], given in the order in which they came."""
    steps = np.abs(np.diff(np.asarray(durations_ms, np.float64)))
    jitter = float(steps.mean()) if steps.size else float("nan")
    return Spread(*percentiles(durations_ms), jitter)
