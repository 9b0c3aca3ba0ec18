# SPDX-License-Identifier: Apache-2.0
"""The frames of the last seconds, within a fixed number of bytes."""

import threading
from collections import deque

from affordance_seg_ros.frames import RgbdFrame

_MB = 1_000_000


class RecentFrames:
    """Keeps the last frames of one stream as they were decoded; safe to use from several threads.

    Nothing is copied or compressed: keeping costs memory and no time. A stamp that does not
    advance, another camera or another size discards what was kept.

    Args:
        span_s: Time from the oldest to the newest frame kept [s]; 0 keeps none.
        limit_mb: Maximum memory [MB]; a single frame that exceeds it is not kept.
    """

    def __init__(self, span_s: float, limit_mb: float) -> None:
        self._lock = threading.Lock()
        self._frames: deque[RgbdFrame] = deque()
        self._bytes = 0
        self._span_ns = 0
        self._limit_bytes = 0
        self.configure(span_s, limit_mb)

    def configure(self, span_s: float, limit_mb: float) -> None:
        """Use other bounds from now on; frames beyond them are dropped."""
        with self._lock:
            self._span_ns = round(1e9 * span_s)
            self._limit_bytes = round(_MB * limit_mb)
            self._trim()

    def add(self, frame: RgbdFrame) -> None:
        """Keep a frame, and drop those beyond the bounds."""
        with self._lock:
            if not self._span_ns:
                return
            if self._frames and not _continues(self._frames[-1], frame):
                self._clear()
            self._frames.append(frame)
            self._bytes += frame_bytes(frame)
            self._trim()

    def frames(self) -> tuple[RgbdFrame, ...]:
        """Return the frames kept, oldest first."""
        with self._lock:
            return tuple(self._frames)

    def clear(self) -> None:
        """Drop all frames."""
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        self._frames.clear()
        self._bytes = 0

    def _trim(self) -> None:
        frames = self._frames
        while frames and (
            not self._span_ns
            or self._bytes > self._limit_bytes
            or frames[-1].stamp_ns - frames[0].stamp_ns > self._span_ns
        ):
            self._bytes -= frame_bytes(frames.popleft())


def frame_bytes(frame: RgbdFrame) -> int:
    """Return the size of a frame's pictures [bytes]."""
    return frame.color.nbytes + frame.depth.raw.nbytes


def _continues(last: RgbdFrame, frame: RgbdFrame) -> bool:
    return (
        frame.stamp_ns > last.stamp_ns
        and frame.frame_id == last.frame_id
        and frame.camera == last.camera
    )
