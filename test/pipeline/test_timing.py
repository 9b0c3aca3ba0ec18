# SPDX-License-Identifier: Apache-2.0
import math

import numpy as np

from affordance_seg_ros.pipeline.timing import DurationWindow, percentiles


def test_percentiles_are_those_of_the_values() -> None:
    values = np.random.default_rng(0).gamma(3, 5, 500)
    found = percentiles(values)
    assert found.p50 == np.median(values)
    assert found.max == values.max()
    assert found.p50 <= found.p95 <= found.p99 <= found.max


def test_nothing_measured_is_nan_not_zero() -> None:
    assert all(math.isnan(value) for value in DurationWindow().percentiles())


def test_the_window_forgets_the_oldest() -> None:
    window = DurationWindow(size=3)
    for value in (100.0, 1.0, 2.0, 3.0):
        window.add(value)
    assert len(window) == 3
    assert window.percentiles().max == 3
