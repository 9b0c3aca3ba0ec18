# SPDX-License-Identifier: Apache-2.0
"""Says what is awaited whenever that changes, and again from time to time; clock-free."""

from collections.abc import Callable, Sequence

from affordance_seg_ros.ros.waiting import without_durations

REMIND_S = 30.0
"""Time after which the same warnings are repeated."""


class Reminder:
    """Keeps the log short: one warning for each reason, one line when all is well again.

    Args:
        warn: Writes a warning.
        inform: Writes a note.
        what: What every warning begins with.
        well: The note when nothing is wrong any more.
    """

    def __init__(
        self,
        warn: Callable[[str], object],
        inform: Callable[[str], object],
        *,
        what: str = "waiting",
        well: str = "all inputs arrive",
    ) -> None:
        self._warn = warn
        self._inform = inform
        self._what = what
        self._well = well
        self._said: set[str] = set()
        self._said_s = 0.0

    def update(self, awaited: Sequence[str], now_s: float) -> None:
        """Take the sentences on what is awaited, or otherwise wrong, now.

        Args:
            awaited: One sentence each; empty if nothing is.
            now_s: Time on any clock that keeps running [s].
        """
        reasons = {without_durations(sentence) for sentence in awaited}
        if reasons - self._said or (reasons and now_s - self._said_s >= REMIND_S):
            self._said_s = now_s
            for sentence in awaited:
                self._warn(f"{self._what}: {sentence}")
        elif self._said and not reasons:
            self._inform(self._well)
        self._said = reasons

    def forget(self) -> None:
        """Start over, without logging anything."""
        self._said = set()
