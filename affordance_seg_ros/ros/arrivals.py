# SPDX-License-Identifier: Apache-2.0
"""How often and how recently something happened; clock-free."""

import threading
from collections import deque


class Arrivals:
    """Counts events and reports their rate over the last seconds.

    Safe to use from several threads. All times must come from the same monotonic clock.

    Args:
        now_ns: Time at which counting begins [ns].
        window_ns: Span over which the rate is averaged [ns].
    """

    def __init__(self, now_ns: int, *, window_ns: int = 5_000_000_000) -> None:
        self._start_ns = now_ns
        self._window_ns = window_ns
        self._lock = threading.Lock()
        self._recent_ns: deque[int] = deque()
        self._count = 0
        self._last_ns = now_ns

    @property
    def count(self) -> int:
        """Number of events so far."""
        return self._count

    def add(self, now_ns: int) -> None:
        """Record an event."""
        with self._lock:
            self._count += 1
            self._last_ns = now_ns
            self._recent_ns.append(now_ns)
            self._forget(now_ns)

    def rate_hz(self, now_ns: int) -> float:
        """Return the mean rate over the window, or since the beginning if that is shorter [Hz]."""
        with self._lock:
            self._forget(now_ns)
            span_ns = min(self._window_ns, now_ns - self._start_ns)
            return 1e9 * len(self._recent_ns) / span_ns if span_ns > 0 else 0.0

    def silence_s(self, now_ns: int) -> float:
        """Return the time since the last event, or since the beginning if there was none [s]."""
        return 1e-9 * (now_ns - self._last_ns)

    def _forget(self, now_ns: int) -> None:
        while self._recent_ns and self._recent_ns[0] <= now_ns - self._window_ns:
            self._recent_ns.popleft()
