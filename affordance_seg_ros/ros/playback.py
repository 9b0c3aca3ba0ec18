# SPDX-License-Identifier: Apache-2.0
"""When each capture of a recording is due, and what stamp it then carries; clock-free."""

from typing import NamedTuple


class Due(NamedTuple):
    """A capture's place in the playback: seconds after its start, and stamp [ns]."""

    after_s: float
    stamp_ns: int


class Playback:
    """Keeps the recorded time steps, at another speed, over any number of repetitions.

    Args:
        rate: Speed as a multiple of the recorded one.
        start_ns: Stamp of the first capture [ns].
        rate_hz: Nominal frame rate, which gives the pause between the end and the next start [Hz].
    """

    def __init__(self, rate: float, start_ns: int, rate_hz: float) -> None:
        self._rate = rate
        self._start_ns = start_ns
        self._period_ns = round(1e9 / rate_hz)
        self._first_ns: int | None = None
        self._last_ns = 0
        self._delay_ns = 0

    def place(self, recorded_ns: int) -> Due:
        """Return the place of the next capture, given its recorded time [ns].

        A time that does not advance marks the beginning of the next repetition: it follows the
        capture before it by one period.
        """
        if self._first_ns is None:
            self._first_ns = recorded_ns
        elif recorded_ns <= self._last_ns:
            self._first_ns += recorded_ns - self._last_ns - self._period_ns
        self._last_ns = recorded_ns
        played_ns = round((recorded_ns - self._first_ns) / self._rate) + self._delay_ns
        return Due(1e-9 * played_ns, self._start_ns + played_ns)

    def fell_behind(self, late_s: float) -> bool:
        """Note a late capture; return whether it delays all captures that follow.

        A machine that is too slow by more than a frame plays more slowly, so that stamps stay true,
        which they would not if the delay grew.
        """
        if late_s * self._rate * 1e9 <= self._period_ns:
            return False
        self._delay_ns += round(1e9 * late_s)
        return True
