# SPDX-License-Identifier: Apache-2.0
import pytest

from affordance_seg_ros.ros.arrivals import Arrivals

S = 1_000_000_000


def test_the_rate_is_that_of_the_last_seconds():
    arrivals = Arrivals(0, window_ns=5 * S)
    for index in range(1, 301):
        arrivals.add(index * S // 30)  # 30 Hz for 10 s
    assert arrivals.rate_hz(10 * S) == pytest.approx(30)
    assert arrivals.rate_hz(12 * S) == pytest.approx(30 * 3 / 5)
    assert arrivals.rate_hz(16 * S) == 0
    assert arrivals.count == 300


def test_the_rate_of_a_young_stream_is_taken_over_its_age():
    arrivals = Arrivals(S)
    assert arrivals.rate_hz(S) == 0
    arrivals.add(2 * S)
    arrivals.add(3 * S)
    assert arrivals.rate_hz(3 * S) == pytest.approx(1)


def test_silence_begins_with_the_last_event_or_the_start():
    arrivals = Arrivals(S)
    assert arrivals.silence_s(3 * S) == pytest.approx(2)
    arrivals.add(3 * S)
    assert arrivals.silence_s(4 * S) == pytest.approx(1)


def test_memory_is_bounded_by_the_window():
    arrivals = Arrivals(0, window_ns=S)
    for index in range(100_000):
        arrivals.add(index * S // 100)
    assert len(arrivals._recent_ns) <= 100
