# SPDX-License-Identifier: Apache-2.0
"""Reduction of a stream to a lower rate, by stamps alone."""


class RateGate:
    """Lets frames through at a given mean rate.

    Frames are due on a grid of period 1/rate that starts at the first frame and restarts after a
    gap or a jump back. No clock is used, so a live stream and its replay pass the same frames.

    Args:
        rate_hz: Mean rate of the frames let through [Hz]; 0 lets all through.
    """

    _EARLY = 0.1
    """Share of a period by which a frame may come early: cameras jitter."""

    def __init__(self, rate_hz: float) -> None:
        self._period_ns = round(1e9 / rate_hz) if rate_hz > 0 else 0
        self._due_ns: int | None = None
        self._last_ns = 0

    def accepts(self, stamp_ns: int) -> bool:
        """Return whether the frame with this stamp [ns] is due; if so, expect the next one."""
        due_ns = self._due_ns
        jumped_back = due_ns is not None and stamp_ns < self._last_ns
        self._last_ns = stamp_ns
        if due_ns is None or jumped_back or stamp_ns >= due_ns + self._period_ns:
            self._due_ns = stamp_ns + self._period_ns
            return True
        if stamp_ns < due_ns - self._EARLY * self._period_ns:
            return False
        self._due_ns = due_ns + self._period_ns
        return True
