# SPDX-License-Identifier: Apache-2.0
"""The period of a stream, learned from its stamps."""

from collections import deque
from statistics import median_low

_WINDOW = 16
_ENOUGH = 2


class FramePeriod:
    """Median and short intervals of the last stamps of one stream; it reads no clock."""

    def __init__(self) -> None:
        self._intervals_ns: deque[int] = deque(maxlen=_WINDOW)
        self.newest_ns: int | None = None

    def add(self, stamp_ns: int) -> None:
        """Take the next stamp [ns]; one that is not newer than all before is ignored."""
        if self.newest_ns is None:
            self.newest_ns = stamp_ns
        elif stamp_ns > self.newest_ns:
            self._intervals_ns.append(stamp_ns - self.newest_ns)
            self.newest_ns = stamp_ns

    def restart_at(self, stamp_ns: int) -> None:
        """Continue from an older stamp; what was learned about the period stays."""
        self.newest_ns = stamp_ns

    @property
    def typical_ns(self) -> int | None:
        """Median interval [ns], which gaps do not move; None before the third stamp."""
        if len(self._intervals_ns) < _ENOUGH:
            return None
        return median_low(self._intervals_ns)

    @property
    def short_ns(self) -> int | None:
        """Lower quartile of the intervals [ns]: one frame's, even if half the frames are lost.

        None before the third stamp.
        """
        if len(self._intervals_ns) < _ENOUGH:
            return None
        return sorted(self._intervals_ns)[(len(self._intervals_ns) - 1) // 4]

    @property
    def smallest_ns(self) -> int:
        """Smallest recent interval [ns]; 0 before the third stamp."""
        return min(self._intervals_ns) if len(self._intervals_ns) >= _ENOUGH else 0
