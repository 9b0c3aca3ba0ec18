# SPDX-License-Identifier: Apache-2.0
"""One side of the pairing: items that wait, in the order of their stamps."""

from bisect import insort
from collections import deque
from typing import NamedTuple

from affordance_seg_ros.sources.frame_period import FramePeriod

_RECENT_STAMPS = 64


class Item(NamedTuple):
    """Anything with a stamp [ns]."""

    stamp_ns: int
    value: object


class WaitingStream:
    """The items of one stream that wait for a partner, and what is known of its stamps.

    Args:
        capacity: How many may wait.

    Attributes:
        items: The waiting items, oldest first.
        period: Period of the stream.
        recent: Stamps that came recently [ns].
        paired_ns: Stamp of the newest item that got a partner [ns].
        unpaired: Number of items that were given up.
        duplicates: Number of items with a repeated stamp.
        is_to_jump: Whether the other stream has jumped back and this one has not yet.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self.items: list[Item] = []
        self.period = FramePeriod()
        self.recent: deque[int] = deque(maxlen=_RECENT_STAMPS)
        self.paired_ns: int | None = None
        self.unpaired = 0
        self.duplicates = 0
        self.is_to_jump = False

    def insert(self, item: Item) -> None:
        """Take an item; if there are then too many, the oldest is dropped as unpaired."""
        insort(self.items, item, key=lambda other: other.stamp_ns)
        if len(self.items) > self._capacity:
            self.give_up(1)

    def give_up(self, count: int) -> None:
        """Drop the oldest items as unpaired."""
        del self.items[:count]
        self.unpaired += count

    def forget_from(self, stamp_ns: int) -> None:
        """Drop the items from this stamp on as unpaired, and all knowledge of such stamps."""
        kept = [item for item in self.items if item.stamp_ns < stamp_ns]
        self.unpaired += len(self.items) - len(kept)
        self.items = kept
        self.recent = deque((s for s in self.recent if s < stamp_ns), maxlen=_RECENT_STAMPS)
        if self.paired_ns is not None and self.paired_ns >= stamp_ns:
            self.paired_ns = None

    def reset(self) -> None:
        """Drop all items as unpaired and forget all stamps; the counts stay."""
        self.give_up(len(self.items))
        self.period = FramePeriod()
        self.recent.clear()
        self.paired_ns = None
        self.is_to_jump = False

    def nearest(self, stamp_ns: int) -> int | None:
        """Return the index of the waiting item nearest to the stamp."""
        if not self.items:
            return None
        return min(
            range(len(self.items)), key=lambda index: abs(self.items[index].stamp_ns - stamp_ns)
        )

    def may_come_nearer(self, stamp_ns: int, distance_ns: int) -> bool:
        """Return whether an item still to come can be nearer to the stamp than the distance."""
        newest_ns = self.period.newest_ns
        if distance_ns == 0:
            return False
        return newest_ns is None or newest_ns + self.period.smallest_ns - stamp_ns < distance_ns
