# SPDX-License-Identifier: Apache-2.0
"""A camera that comes and goes: growing pauses between attempts, and the state for diagnostics."""

import threading
import time

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from affordance_seg_ros.ros.arrivals import Arrivals

LONGEST_PAUSE_S = 30.0
"""Longest pause between two attempts [s]."""


class Backoff:
    """Pauses that double from one attempt to the next, up to `LONGEST_PAUSE_S`.

    Args:
        first_s: The first pause [s].
    """

    def __init__(self, first_s: float) -> None:
        self._first_s = first_s
        self.reset()

    def reset(self) -> None:
        """Start again with the first pause."""
        self._next_s = self._first_s

    def next_s(self) -> float:
        """Return the next pause [s]."""
        pause_s = min(self._next_s, LONGEST_PAUSE_S)
        self._next_s = 2 * pause_s
        return pause_s


class CameraState:
    """What has happened to the camera so far; may be read and written from any thread.

    Attributes:
        source: Name of the camera or the recording, for people.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._lock = threading.Lock()
        self._lost = ""
        self._attempts = 0
        self._losses = 0
        self._skipped = 0
        self.captures = Arrivals(time.monotonic_ns())

    def skip(self) -> None:
        """Count a capture that was too late to be published: a newer one was there."""
        with self._lock:
            self._skipped += 1

    def lose(self, reason: str) -> None:
        """Note that the camera is gone."""
        with self._lock:
            self._lost = reason
            self._losses += 1
            self._attempts = 0

    def attempt(self) -> int:
        """Count an attempt to open it again, and return the count."""
        with self._lock:
            self._attempts += 1
            return self._attempts

    def find(self) -> None:
        """Note that it is back."""
        with self._lock:
            self._lost = ""

    def describe(self, name: str, now_ns: int) -> DiagnosticStatus:
        """Return the state; a lost camera is an error, a silent one a warning.

        Args:
            name: Name of the node.
            now_ns: Monotonic time [ns].
        """
        with self._lock:
            lost, attempts, losses = self._lost, self._attempts, self._losses
            skipped = self._skipped
        rate_hz = self.captures.rate_hz(now_ns)
        level, message = DiagnosticStatus.OK, f"{rate_hz:.1f} captures/s"
        if lost:
            level, message = DiagnosticStatus.ERROR, f"lost, {attempts} attempts: {lost}"
        elif not rate_hz:
            silent = "lately" if self.captures.count else "yet"
            level, message = DiagnosticStatus.WARN, f"no captures {silent}"
        values = {
            "captures": str(self.captures.count),
            "skipped for newer ones": str(skipped),
            "rate [Hz]": f"{rate_hz:.2f}",
            "losses": str(losses),
            "attempts since the last loss": str(attempts),
        }
        return DiagnosticStatus(
            name=f"{name}: camera",
            hardware_id=self.source,
            level=level,
            message=message,
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )
