# SPDX-License-Identifier: Apache-2.0
"""Percentiles and jitter."""

import math

import pytest

from affordance_seg_ros.evaluation.bench.durations import spread


def test_percentiles_of_known_durations() -> None:
    found = spread([float(k) for k in range(101)])
    assert (found.p50, found.p95, found.p99, found.max) == (50, 95, 99, 100)


def test_jitter_sees_the_order_that_percentiles_do_not() -> None:
    steady, alternating = spread([1.0, 1.0, 3.0, 3.0]), spread([1.0, 3.0, 1.0, 3.0])
    assert steady[:4] == alternating[:4]
    assert steady.jitter == pytest.approx(2 / 3)
    assert alternating.jitter == pytest.approx(2)


def test_one_duration_has_no_jitter_and_none_has_nothing() -> None:
    assert spread([5.0])[:4] == (5, 5, 5, 5)
    assert math.isnan(spread([5.0]).jitter)
    assert all(math.isnan(value) for value in spread([]))
