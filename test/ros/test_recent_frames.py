# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest
from frame_samples import stream

from affordance_seg_ros.ros.recent_frames import RecentFrames, frame_bytes

LARGE_MB = 1000


def test_the_last_seconds_are_kept_in_order() -> None:
    recent = RecentFrames(1.0, LARGE_MB)
    frames = stream(50)
    for frame in frames:
        recent.add(frame)
    assert recent.frames() == tuple(frames[-11:])


def test_memory_stays_below_its_bound_whatever_the_time() -> None:
    frames = stream(50)
    limit_mb = 3.5e-6 * frame_bytes(frames[0])
    recent = RecentFrames(600.0, limit_mb)
    for frame in frames:
        recent.add(frame)
        assert sum(map(frame_bytes, recent.frames())) <= 1e6 * limit_mb
    assert recent.frames() == tuple(frames[-3:])


def test_a_frame_takes_five_bytes_a_pixel() -> None:
    assert frame_bytes(stream(1)[0]) == 5 * 64 * 48


def test_without_a_time_nothing_is_kept() -> None:
    recent = RecentFrames(0.0, LARGE_MB)
    recent.add(stream(1)[0])
    assert recent.frames() == ()


def test_a_frame_larger_than_the_memory_is_not_kept() -> None:
    recent = RecentFrames(1.0, 1e-3)
    recent.add(stream(1)[0])
    assert recent.frames() == ()


@pytest.mark.parametrize("change", ["stamp", "frame_id", "size"])
def test_another_stream_starts_anew(change: str) -> None:
    recent = RecentFrames(10.0, LARGE_MB)
    for frame in stream(3, first=5):
        recent.add(frame)
    other = {
        "stamp": stream(1)[0],
        "frame_id": replace(stream(1, first=9)[0], frame_id="other"),
        "size": stream(1, first=9, width=32)[0],
    }[change]
    recent.add(other)
    assert recent.frames() == (other,)


def test_narrower_bounds_let_go_at_once() -> None:
    recent = RecentFrames(10.0, LARGE_MB)
    frames = stream(20)
    for frame in frames:
        recent.add(frame)
    recent.configure(0.5, LARGE_MB)
    assert recent.frames() == tuple(frames[-6:])
    recent.configure(0.0, LARGE_MB)
    assert recent.frames() == ()
