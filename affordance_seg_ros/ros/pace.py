# SPDX-License-Identifier: Apache-2.0
"""Which pairs are processed: those that are due, or one in every few of these."""

from affordance_seg_ros.pipeline.rate import RateGate
from affordance_seg_ros.sources.frame_period import FramePeriod


class Pace:
    """Lets pairs pass at a rate, or at that rate divided by a whole number.

    It belongs to one thread, but the divisor may be set and `due_ms` read from any thread.

    Args:
        rate_hz: Rate at which pairs are due [Hz]; 0 for all.

    Attributes:
        divisor: One in this many of the pairs that are due passes.
        due_ms: Time between two pairs that are due [ms], as they arrive; None until it is known.
    """

    def __init__(self, rate_hz: float) -> None:
        self.divisor = 1
        self.set_rate(rate_hz)

    def set_rate(self, rate_hz: float) -> None:
        """Change the rate at which pairs are due [Hz]."""
        self._gate = RateGate(rate_hz)
        self._period = FramePeriod()
        self._to_skip = 0
        self.due_ms: float | None = None

    def passes(self, stamp_ns: int, now_ns: int) -> bool:
        """Return whether a pair is to be processed.

        Args:
            stamp_ns: Its stamp, which decides whether it is due [ns].
            now_ns: Its arrival on a monotonic clock [ns]: stamps may run faster or slower.
        """
        if not self._gate.accepts(stamp_ns):
            return False
        self._period.add(now_ns)
        typical_ns = self._period.typical_ns
        self.due_ms = None if typical_ns is None else 1e-6 * typical_ns
        if self._to_skip > 0:
            self._to_skip -= 1
            return False
        self._to_skip = self.divisor - 1
        return True
