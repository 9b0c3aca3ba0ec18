# SPDX-License-Identifier: Apache-2.0
"""Pairing of colour with depth by their stamps alone: no clock, no thread, no ROS."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.sources.waiting_stream import Item, WaitingStream

C = TypeVar("C")
D = TypeVar("D")

# Half a frame at 30 Hz: what `flush` accepts for a recording too short to learn from.
_UNLEARNED_SKEW_NS = 16_666_667
# A stamp this many frames back means a clock that was set back, not an overtaken message.
_JUMP_FRAMES = 4
_UNLEARNED_JUMP_NS = 500_000_000


@dataclass(frozen=True)
class Pair(Generic[C, D]):
    """A colour and a depth item that belong together.

    Attributes:
        stamp_ns: Stamp of the colour item [ns].
        color: The colour item.
        depth: The depth item.
    """

    stamp_ns: int
    color: C
    depth: D


@dataclass(frozen=True)
class PairingCounts:
    """What became of the items; each one added is paired, unpaired, a duplicate or pending.

    Attributes:
        paired: Pairs given out.
        unpaired_color: Colour items given up: no depth within the skew, or older than a pair.
        unpaired_depth: Depth items given up.
        duplicate_color: Colour items with a repeated stamp; ignored.
        duplicate_depth: Depth items likewise.
        pending_color: Colour items that still wait.
        pending_depth: Depth items that still wait.
        jumps_back: Times that the stamps jumped back, as when a bag loops.
    """

    paired: int = 0
    unpaired_color: int = 0
    unpaired_depth: int = 0
    duplicate_color: int = 0
    duplicate_depth: int = 0
    pending_color: int = 0
    pending_depth: int = 0
    jumps_back: int = 0

    @property
    def duplicates(self) -> int:
        """Duplicates of both streams."""
        return self.duplicate_color + self.duplicate_depth

    @property
    def unpaired(self) -> int:
        """Unpaired items of both streams."""
        return self.unpaired_color + self.unpaired_depth


class PairingBuffer(Generic[C, D]):
    """Pairs each colour item with the nearest depth item, as soon as that is known.

    Two items are a pair when each is the other's nearest and their stamps differ by at most
    `skew_limit_ns`: the limit given, but never more than half the period (lower quartile) of the
    faster stream. A pair is given out as soon as no item still to come can be nearer to either: at
    once for equal stamps; at once if the streams' items come at least twice the skew apart, judged
    by the smallest of their last 16 intervals; and otherwise with the next item. Pairs come out
    in the order of their stamps.

    Until the third stamp of a stream, no period is known. If a limit is given, the buffer works
    from the first pair on; if not, only equal stamps are paired and all else waits for the period.

    An item that arrives after newer ones of its stream still takes part, unless a newer one has
    been paired. Stamps that jump back by more than four frames (half a second while no period is
    known) start over: all newer items are given up.

    Not thread-safe: the caller must hold a lock.
    """

    def __init__(self, max_skew_ns: int | None = None, capacity: int = 16) -> None:
        """Create an empty buffer.

        Args:
            max_skew_ns: Largest difference of the stamps of a pair [ns]; None learns it.
            capacity: Maximum number of waiting items per stream; with one more, the oldest is
                given up.

        Raises:
            ConfigError: The limit is negative.
        """
        if max_skew_ns is not None and max_skew_ns < 0:
            raise ConfigError(f"max_skew_ns={max_skew_ns}; expected at least 0")
        self._max_skew_ns = max_skew_ns
        self._paired = 0
        self._jumps_back = 0
        self._color = WaitingStream(capacity)
        self._depth = WaitingStream(capacity)

    @property
    def skew_limit_ns(self) -> int | None:
        """Largest skew of a pair now [ns]; None while neither given nor learned."""
        periods_ns = (self._color.period.short_ns, self._depth.period.short_ns)
        limits = [period // 2 for period in periods_ns if period is not None]
        if self._max_skew_ns is not None:
            limits.append(self._max_skew_ns)
        return min(limits, default=None)

    @property
    def counts(self) -> PairingCounts:
        """What became of all items since construction."""
        return PairingCounts(
            paired=self._paired,
            unpaired_color=self._color.unpaired,
            unpaired_depth=self._depth.unpaired,
            duplicate_color=self._color.duplicates,
            duplicate_depth=self._depth.duplicates,
            pending_color=len(self._color.items),
            pending_depth=len(self._depth.items),
            jumps_back=self._jumps_back,
        )

    def add_color(self, stamp_ns: int, item: C) -> tuple[Pair[C, D], ...]:
        """Take a colour item and return the pairs that became certain."""
        return self._add(self._color, self._depth, Item(stamp_ns, item))

    def add_depth(self, stamp_ns: int, item: D) -> tuple[Pair[C, D], ...]:
        """Take a depth item and return the pairs that became certain."""
        return self._add(self._depth, self._color, Item(stamp_ns, item))

    def flush(self) -> tuple[Pair[C, D], ...]:
        """Return the pairs among the waiting items and give up the rest: nothing more will come.

        Where no period could be learned, stamps may differ by half a frame at 30 Hz.
        """
        limit_ns = self.skew_limit_ns
        pairs = self._settle(
            self._color.items,
            self._depth.items,
            _UNLEARNED_SKEW_NS if limit_ns is None else limit_ns,
        )
        self._take(pairs, len(self._color.items), len(self._depth.items))
        return tuple(pairs)

    def reset(self) -> None:
        """Give up all waiting items and forget the learned period; the counts stay."""
        for stream in (self._color, self._depth):
            stream.reset()

    def _add(self, own: WaitingStream, other: WaitingStream, item: Item) -> tuple[Pair[C, D], ...]:
        self._detect_jump(own, other, item.stamp_ns)
        if item.stamp_ns in own.recent:
            own.duplicates += 1
            return ()
        own.recent.append(item.stamp_ns)
        own.period.add(item.stamp_ns)
        if own.paired_ns is not None and item.stamp_ns < own.paired_ns:
            own.unpaired += 1
            return ()
        own.insert(item)
        pairs: list[Pair[C, D]] = []
        while (certain := self._certain_pair()) is not None:
            pairs += certain
        self._give_up_hopeless()
        return tuple(pairs)

    def _detect_jump(self, own: WaitingStream, other: WaitingStream, stamp_ns: int) -> None:
        typical_ns = own.period.typical_ns
        jump_ns = _UNLEARNED_JUMP_NS if typical_ns is None else _JUMP_FRAMES * typical_ns
        newest_ns = own.period.newest_ns
        if newest_ns is None or stamp_ns >= newest_ns - jump_ns:
            return
        # Each stream jumps once when a bag loops: that is one jump, counted with the first.
        other_newest_ns = other.period.newest_ns
        own.is_to_jump = False
        if other_newest_ns is None or other_newest_ns > stamp_ns + jump_ns:
            self._jumps_back += 1
            other.is_to_jump = other_newest_ns is not None
        own.forget_from(stamp_ns)
        own.period.restart_at(stamp_ns)
        other.forget_from(stamp_ns + jump_ns)

    def _certain_pair(self) -> list[Pair[C, D]] | None:
        """Take out the oldest pair that is certain, preceded by the pairs older than it."""
        limit_ns = self.skew_limit_ns or 0
        for color_index, color in enumerate(self._color.items):
            depth_index = self._depth.nearest(color.stamp_ns)
            if depth_index is None:
                return None
            depth_ns = self._depth.items[depth_index].stamp_ns
            distance_ns = abs(depth_ns - color.stamp_ns)
            if (
                distance_ns <= limit_ns
                and self._color.nearest(depth_ns) == color_index
                and not self._depth.may_come_nearer(color.stamp_ns, distance_ns)
                and not self._color.may_come_nearer(depth_ns, distance_ns)
            ):
                colors, depths = color_index + 1, depth_index + 1
                pairs = self._settle(
                    self._color.items[:color_index], self._depth.items[:depth_index], limit_ns
                )
                pairs.append(_pair(color, self._depth.items[depth_index]))
                self._take(pairs, colors, depths)
                return pairs
        return None

    def _settle(
        self, colors: Sequence[Item], depths: Sequence[Item], limit_ns: int
    ) -> list[Pair[C, D]]:
        """Pair items when no more will be added: the nearest two first, and never crosswise."""
        skews = (
            (abs(color.stamp_ns - depth.stamp_ns), i, j)
            for i, color in enumerate(colors)
            for j, depth in enumerate(depths)
        )
        distance_ns, i, j = min(skews, default=(limit_ns + 1, 0, 0))
        if distance_ns > limit_ns:
            return []
        return [
            *self._settle(colors[:i], depths[:j], limit_ns),
            _pair(colors[i], depths[j]),
            *self._settle(colors[i + 1 :], depths[j + 1 :], limit_ns),
        ]

    def _take(self, pairs: list[Pair[C, D]], colors: int, depths: int) -> None:
        """Remove the oldest items of both streams: those of the pairs, and unpaired ones."""
        self._paired += len(pairs)
        for stream, count in ((self._color, colors), (self._depth, depths)):
            if pairs:
                stream.paired_ns = stream.items[count - 1].stamp_ns
                stream.is_to_jump = False  # both streams are in the same round
            stream.give_up(count)
            stream.unpaired -= len(pairs)

    def _give_up_hopeless(self) -> None:
        """Drop the oldest items whose partner would have come by now."""
        limit_ns = self.skew_limit_ns
        if limit_ns is None:
            return
        for own, other in ((self._color, self._depth), (self._depth, self._color)):
            if other.is_to_jump:
                continue  # its newest stamp is from the previous round
            newest_ns = other.period.newest_ns
            while own.items and newest_ns is not None:
                oldest_ns = own.items[0].stamp_ns
                nearest = other.nearest(oldest_ns)
                if newest_ns <= oldest_ns + limit_ns or (
                    nearest is not None
                    and abs(other.items[nearest].stamp_ns - oldest_ns) <= limit_ns
                ):
                    break
                own.give_up(1)


def _pair(color: Item, depth: Item) -> Pair[C, D]:
    return Pair(color.stamp_ns, color.value, depth.value)  # type: ignore[arg-type]
