# SPDX-License-Identifier: Apache-2.0
import pytest

from affordance_seg_ros.pipeline.rate import RateGate
from affordance_seg_ros.ros.pace import Pace

CAMERA_NS = 33_333_333


def passed(pace: Pace, count: int, *, speed: float = 1.0) -> list[int]:
    """Which of so many frames of a camera pass that is played at a speed."""
    stamps = [index * CAMERA_NS for index in range(count)]
    return [i for i, stamp in enumerate(stamps) if pace.passes(stamp, round(stamp / speed))]


@pytest.mark.parametrize("rate_hz", [0.0, 10.0, 15.0])
def test_at_full_effort_what_is_due_passes(rate_hz):
    gate = RateGate(rate_hz)
    due = [index for index in range(60) if gate.accepts(index * CAMERA_NS)]
    assert passed(Pace(rate_hz), 60) == due


@pytest.mark.parametrize("divisor", [2, 3, 8])
@pytest.mark.parametrize("rate_hz", [0.0, 10.0])
def test_a_divisor_passes_frames_at_even_distances_that_were_due(divisor, rate_hz):
    pace = Pace(rate_hz)
    pace.divisor = divisor
    due = passed(Pace(rate_hz), 120)
    assert passed(pace, 120) == due[::divisor]


@pytest.mark.parametrize("speed", [0.25, 1.0, 4.0])
def test_the_time_between_due_frames_is_that_of_their_arrival(speed):
    pace = Pace(10.0)
    assert pace.due_ms is None
    pace.divisor = 3
    passed(pace, 60, speed=speed)
    assert pace.due_ms == pytest.approx(100 / speed)
    pace.set_rate(0.0)
    assert pace.due_ms is None
    passed(pace, 60, speed=speed)
    assert pace.due_ms == pytest.approx(100 / 3 / speed)
