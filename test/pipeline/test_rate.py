# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from affordance_seg_ros.pipeline.rate import RateGate

SECOND = 1_000_000_000


def stamps(rate_hz: float, seconds: float, jitter_s: float = 0.0) -> list[int]:
    ideal = np.arange(0, seconds, 1 / rate_hz)
    noise = np.random.default_rng(0).uniform(-jitter_s, jitter_s, ideal.shape)
    return [round(SECOND * (1 + time + shift)) for time, shift in zip(ideal, noise, strict=True)]


@pytest.mark.parametrize(("camera_hz", "jitter_s"), [(30, 0), (30, 0.004), (25, 0), (60, 0.003)])
def test_a_faster_camera_is_reduced_to_the_mean_rate(camera_hz: float, jitter_s: float) -> None:
    gate = RateGate(10)
    accepted = sum(gate.accepts(stamp) for stamp in stamps(camera_hz, 20, jitter_s))
    assert accepted == pytest.approx(200, abs=2)


@pytest.mark.parametrize("camera_hz", [5, 9.9, 10])
def test_a_slower_camera_loses_nothing(camera_hz: float) -> None:
    gate = RateGate(10)
    assert all(gate.accepts(stamp) for stamp in stamps(camera_hz, 20, jitter_s=0.003))


def test_rate_zero_takes_every_frame() -> None:
    gate = RateGate(0)
    assert all(gate.accepts(stamp) for stamp in (5, 6, 6, 7))


def test_the_grid_starts_anew_after_a_jump_back() -> None:
    gate = RateGate(10)
    assert gate.accepts(100 * SECOND)
    assert gate.accepts(3 * SECOND)
    assert not gate.accepts(3 * SECOND + SECOND // 30)


def test_a_gap_is_followed_by_no_burst() -> None:
    gate = RateGate(10)
    assert gate.accepts(0)
    assert gate.accepts(100 * SECOND)
    assert not gate.accepts(100 * SECOND + SECOND // 30)
