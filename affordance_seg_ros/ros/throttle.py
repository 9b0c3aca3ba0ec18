# SPDX-License-Identifier: Apache-2.0
"""Messages that come with every frame, told once in a while, each kind by itself."""

import re

_MOST_KINDS = 50


class Throttle:
    """Lets a message pass if none of its kind has for a while.

    rclpy's own throttle goes by the place in the code: a message that comes often would hide all
    others from there. A kind is what is left of a text without its numbers.

    Args:
        period_s: Least time between two of a kind [s].
    """

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._told_s: dict[str, float] = {}

    def passes(self, text: str, now_s: float) -> bool:
        """Return whether to tell a message now, `now_s` on any one clock [s]."""
        kind = re.sub(r"[\d.]+", "", text)
        if now_s - self._told_s.get(kind, -self._period_s) < self._period_s:
            return False
        self._told_s.pop(kind, None)  # to the end: the first is the one told longest ago
        while len(self._told_s) >= _MOST_KINDS:
            del self._told_s[next(iter(self._told_s))]
        self._told_s[kind] = now_s
        return True
