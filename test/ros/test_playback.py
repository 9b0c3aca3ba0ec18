# SPDX-License-Identifier: Apache-2.0
import pytest

from affordance_seg_ros.ros.playback import Playback

S = 1_000_000_000


@pytest.mark.parametrize("rate", [1.0, 2.0, 0.5])
def test_recorded_steps_are_kept_at_the_speed_asked_for(rate):
    playback = Playback(rate, 100 * S, rate_hz=5)
    recorded = [7 * S, 7 * S + 200_000_000, 9 * S]
    places = [playback.place(time) for time in recorded]
    for time, place in zip(recorded, places, strict=True):
        assert place.after_s == pytest.approx((time - 7 * S) / rate / S)
        assert place.stamp_ns == 100 * S + round((time - 7 * S) / rate)


def test_a_repetition_follows_after_one_period():
    playback = Playback(1.0, 0, rate_hz=5)
    times = [S, S + 300_000_000] * 3
    stamps = [playback.place(time).stamp_ns for time in times]
    assert stamps == [0, 300_000_000, 500_000_000, 800_000_000, 1_000_000_000, 1_300_000_000]


def test_a_single_capture_repeats_at_the_nominal_rate():
    playback = Playback(2.0, 0, rate_hz=5)
    assert [playback.place(S).after_s for _ in range(3)] == pytest.approx([0, 0.1, 0.2])


def test_what_is_late_by_less_than_a_frame_delays_nothing():
    playback = Playback(1.0, 0, rate_hz=5)
    playback.place(S)
    assert not playback.fell_behind(0.19)
    assert playback.place(S + 200_000_000).stamp_ns == 200_000_000


def test_a_delay_of_more_than_a_frame_moves_all_that_follows():
    playback = Playback(1.0, 100 * S, rate_hz=5)
    playback.place(S)
    assert playback.fell_behind(0.5)
    place = playback.place(S + 200_000_000)
    assert place.after_s == pytest.approx(0.7)
    assert place.stamp_ns == 100 * S + 700_000_000
