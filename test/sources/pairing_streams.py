# SPDX-License-Identifier: Apache-2.0
"""Stamps of two streams, in order, jittered and late, and a buffer that is fed with them."""

MS = 1_000_000
FRAME = 33 * MS


def play(buffer, events, *, flush=True):
    """Feed tuples of kind and stamp in arrival order; items are the stamps themselves."""
    pairs = []
    for kind, stamp in events:
        add = buffer.add_color if kind == "color" else buffer.add_depth
        pairs += add(stamp, stamp)
    return [*pairs, *buffer.flush()] if flush else pairs


def in_order(colors, depths):
    events = [("color", stamp) for stamp in colors] + [("depth", stamp) for stamp in depths]
    return sorted(events, key=lambda event: event[1])


def check_conservation(buffer, colors, depths):
    counts = buffer.counts
    settled = counts.paired + counts.unpaired_color + counts.duplicate_color + counts.pending_color
    assert settled == colors
    settled = counts.paired + counts.unpaired_depth + counts.duplicate_depth + counts.pending_depth
    assert settled == depths


def jittered(rng, count, *, jitter, loss=0.0, offset=0):
    stamps = [offset + i * FRAME + rng.randint(-jitter, jitter) for i in range(count)]
    return [stamp for stamp in stamps if rng.random() >= loss]


def shuffle_arrival(rng, colors, depths, delay):
    """Merge two streams, each in order, with a random transport delay that keeps their order."""
    events = []
    for kind, stamps in (("color", colors), ("depth", depths)):
        arrival = 0
        for stamp in stamps:
            arrival = max(arrival + 1, stamp + rng.randint(0, delay))
            events.append((arrival, kind, stamp))
    return [(kind, stamp) for _, kind, stamp in sorted(events)]
