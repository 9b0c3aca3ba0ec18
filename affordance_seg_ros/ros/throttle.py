# SPDX-License-Identifier: Apache-2.0
"""Limits messages that come with every frame to one in a while, for each kind separately."""

import re

_MOST_KINDS = 50


class Throttle:
    """Lets a message pass if none of its kind has for a while.

    rclpy's own throttle goes by the call site: a frequent message would hide all others from there.
    A kind is what remains of a message without its numbers.

    Args:
        period_s: Minimum time between two messages of a kind [s].
    """

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._told_s: dict[str, float] = {}

    def passes(self, text: str, now_s: float) -> bool:
        """Return whether to log a message now; `now_s` must always be from the same clock [s]."""
        kind = re.sub(r"[\d.]+", "", text)
        if now_s - self._told_s.get(kind, -self._period_s) < self._period_s:
            return False
        self._told_s.pop(kind, None)  # to the end: the first is the one logged longest ago
        while len(self._told_s) >= _MOST_KINDS:
            del self._told_s[next(iter(self._told_s))]
        self._told_s[kind] = now_s
        return True
