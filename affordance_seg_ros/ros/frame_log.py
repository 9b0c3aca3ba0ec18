# SPDX-License-Identifier: Apache-2.0
"""Where the time of each frame went, over a sliding window."""

import math
import threading
from collections import deque
from typing import NamedTuple

from affordance_seg_ros.frames import StageTimes
from affordance_seg_ros.pipeline.timing import Percentiles, percentiles

MAX_STAMP_AGE_S = 10.0
"""Stamps older than this on arrival are from another clock: a bag played without /clock."""

MAX_STAMP_LEAD_S = 0.1
"""Stamps further in the future than this on arrival are from another clock."""


class FrameRecord(NamedTuple):
    """Durations of one frame [ms].

    Attributes:
        stamp_to_publish: From the colour stamp to the end of publishing, on the node's clock; NaN
            if the stamp is from another clock.
        receipt_to_publish: From the arrival of the colour image to the end of publishing.
        pairing: Wait for the depth image (0 if it came first).
        queue: Wait for the worker.
        decode: Decoding messages to arrays.
        pipeline: Stages of the pipeline.
        publish: Encoding and publishing.
    """

    stamp_to_publish: float
    receipt_to_publish: float
    pairing: float
    queue: float
    decode: float
    pipeline: StageTimes
    publish: float

    @property
    def overhead(self) -> float:
        """What the node adds to the pipeline, without the waits for depth and for the worker."""
        return self.receipt_to_publish - self.pairing - self.queue - sum(self.pipeline)


class LatencySummary(NamedTuple):
    """Percentiles over the window.

    Attributes:
        frames: Number of frames in the window.
        clock: ``stamp``: latency is stamp to publish. ``receipt``: the stamps are from another
            clock, so latency is arrival to publish.
        latency: Latency.
        stages: Each stage by name, in order of processing, and ``overhead``.
        receipt_to_publish_ms: Arrival to publish of each frame.
    """

    frames: int
    clock: str
    latency: Percentiles
    stages: dict[str, Percentiles]
    receipt_to_publish_ms: tuple[float, ...]


class FrameLog:
    """The records of the last frames; safe to use from several threads.

    Args:
        size: Number of frames remembered.
    """

    def __init__(self, size: int = 2000) -> None:
        self._lock = threading.Lock()
        self._records: deque[FrameRecord] = deque(maxlen=size)

    def add(self, record: FrameRecord) -> None:
        """Add the record of the newest frame."""
        with self._lock:
            self._records.append(record)

    def summary(self) -> LatencySummary:
        """Return the percentiles; NaN while there are no frames."""
        with self._lock:
            records = tuple(self._records)
        by_stamp = [r.stamp_to_publish for r in records if not math.isnan(r.stamp_to_publish)]
        # The majority decides: the first stamps may come before the first /clock.
        uses_stamps = 2 * len(by_stamp) >= len(records)
        by_receipt = [r.receipt_to_publish for r in records]
        stages = {name: [getattr(r, name) for r in records] for name in _BEFORE}
        stages |= {
            name: [getattr(r.pipeline, name) for r in records] for name in StageTimes._fields
        }
        stages |= {name: [getattr(r, name) for r in records] for name in _AFTER}
        return LatencySummary(
            frames=len(records),
            clock="stamp" if uses_stamps else "receipt",
            latency=percentiles(by_stamp if uses_stamps else by_receipt),
            stages={name: percentiles(durations) for name, durations in stages.items()},
            receipt_to_publish_ms=tuple(by_receipt),
        )


_BEFORE = ("pairing", "queue", "decode")
_AFTER = ("publish", "overhead")


def is_of_this_clock(stamp_ns: int, now_ns: int) -> bool:
    """Return whether a stamp can be from the clock that now reads `now_ns`."""
    return -MAX_STAMP_LEAD_S <= 1e-9 * (now_ns - stamp_ns) <= MAX_STAMP_AGE_S
