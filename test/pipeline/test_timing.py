# SPDX-License-Identifier: Apache-2.0
import math

import numpy as np

from affordance_seg_ros.pipeline.timing import percentiles


def test_percentiles_are_those_of_the_values() -> None:
    values = np.random.default_rng(0).gamma(3, 5, 500).round(3)
    found = percentiles(values)
    assert abs(found.p50 - np.median(values)) <= 0.0005001
    assert found.max == values.max()
    assert found.p50 <= found.p95 <= found.p99 <= found.max


def test_nothing_measured_is_nan_not_zero() -> None:
    assert all(math.isnan(value) for value in percentiles([]))
