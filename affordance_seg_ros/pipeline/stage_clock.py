# SPDX-License-Identifier: Apache-2.0
"""The time between the marks of a frame, measured by the device's own events on a GPU."""

import time
from itertools import pairwise
from typing import Any

import torch


class StageClock:
    """Takes a mark at the end of each stage, and tells afterwards how long the stages took.

    On a GPU the marks are events in its stream: nothing waits for the device within a frame. A
    stage that works on the host ends when it hands over, one that works on the device when the
    device is done.

    Args:
        device: Where the stages run.
        marks: Number of marks per frame, including the one at its beginning.
    """

    def __init__(self, device: torch.device, marks: int) -> None:
        self._device = device
        self._events: list[Any] = []
        if device.type == "cuda":
            create: Any = torch.cuda.Event
            self._events = [create(enable_timing=True) for _ in range(marks)]
        self._times = [0.0] * marks
        self._next = 0

    def start(self) -> None:
        """Begin a frame with its first mark."""
        self._next = 0
        self.mark()

    def mark(self) -> None:
        """Mark the end of a stage."""
        if self._events:
            self._events[self._next].record(torch.cuda.current_stream(self._device))
        else:
            self._times[self._next] = time.perf_counter()
        self._next += 1

    def durations_ms(self) -> list[float]:
        """Return the time from each mark to the next [ms]; waits for the last one on a GPU."""
        if self._events:
            self._events[self._next - 1].synchronize()
            events = self._events[: self._next]
            return [before.elapsed_time(after) for before, after in pairwise(events)]
        times = self._times[: self._next]
        return [1e3 * (after - before) for before, after in pairwise(times)]
