# SPDX-License-Identifier: Apache-2.0
"""A latency budget: less work when the machine cannot hold it, and all of it when it can again.

Two limits hold for the time that a frame takes from decoding to its published mask: the budget, by
the 90th percentile, and the time until the next frame is due, by the median. Where a limit is
broken, the flow gets fewer iterations first. A lower rate makes no frame faster; it only keeps
frames from waiting for each other, so the rate falls last, and only as far as the second limit asks
for. What time it leaves is the flow's again.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from affordance_seg_ros.frames import StageTimes

FLOW_SHARES = (1.0, 0.7, 0.5, 0.35, 0.25)
"""Shares of the flow's work, in the order in which they are tried at each rate."""
RATE_DIVISORS = (1, 2, 3, 4, 6, 8)
"""Of the frames that are due, one in so many is processed: whole numbers keep the pace even."""

_WINDOW = 30
_ENOUGH = 15
"""Frames at a level before it is judged; two outliers among them do not count."""
_SHARE_BELOW = 0.9
_MARGIN = 0.85
"""A level is returned to when it would need at most this share of each limit."""
_PATIENCE = 30
_LONGEST_PATIENCE = 960
"""Frames for which that must hold: doubled after each return that did not last."""


class Effort(NamedTuple):
    """How much of the full work is done.

    Attributes:
        flow_share: Share of the flow's work, in (0, 1].
        rate_divisor: Of the frames that are due, one in so many is processed.
    """

    flow_share: float = 1.0
    rate_divisor: int = 1


FULL = Effort()


class BudgetState(NamedTuple):
    """What the budget has come to.

    Attributes:
        level: Steps below the full effort; 0 is full.
        effort: The effort of that level.
        median_ms: Median time of a frame at this level [ms]; NaN before the first one.
        high_ms: 90th percentile of it [ms].
        budget_ms: Budget [ms]; None if only the next frame is the limit.
        due_ms: Time until the next frame is due at this level [ms]; None if unknown.
        holds: Whether both limits are held.
    """

    level: int
    effort: Effort
    median_ms: float
    high_ms: float
    budget_ms: float | None
    due_ms: float | None
    holds: bool


class _Cost(NamedTuple):
    """Time of a frame and, of that, the flow's [ms]."""

    total: float
    flow: float


LEVELS = tuple(Effort(share, divisor) for divisor in RATE_DIVISORS for share in FLOW_SHARES)
"""The efforts in the order in which they are tried, the full one first."""


class LatencyBudget:
    """Chooses the effort from the times of the frames; knows no clock, no thread and no ROS.

    What a level would cost is foretold from the frames of another. The flow's time lies between
    what it is now and what is in proportion to its share. On the way down the lower of both counts,
    so that no level is passed over that could do; on the way back the higher, so that under a
    constant load no level is returned to that was left.

    Args:
        budget_ms: Longest time of a frame [ms]; None to ask only that it ends before the next.
        longest_due_ms: The rate never falls so far that frames are due this far apart [ms].
    """

    def __init__(self, budget_ms: float | None, *, longest_due_ms: float = float("inf")) -> None:
        self._budget_ms = budget_ms
        self._longest_due_ms = longest_due_ms
        self._costs: deque[_Cost] = deque(maxlen=_WINDOW)
        self._due_ms: float | None = None
        self._level = 0
        self._calm = 0
        self._patience = _PATIENCE
        self._frames_since_return: int | None = None

    @property
    def effort(self) -> Effort:
        """The effort that the next frames are to be given."""
        return LEVELS[self._level]

    @property
    def state(self) -> BudgetState:
        """What the budget has come to."""
        totals = [cost.total for cost in self._costs] or [float("nan")]
        due_ms = self._due_ms
        return BudgetState(
            level=self._level,
            effort=self.effort,
            median_ms=_rank(totals, 0.5),
            high_ms=_rank(totals, _SHARE_BELOW),
            budget_ms=self._budget_ms,
            due_ms=None if due_ms is None else due_ms * self.effort.rate_divisor,
            holds=len(self._costs) < _ENOUGH
            or (self._keeps_up(self._level) and self._is_fast(self._level)),
        )

    def observe(
        self, stages_ms: StageTimes, *, beyond_ms: float = 0.0, due_ms: float | None = None
    ) -> BudgetState | None:
        """Take the times of a frame of the present effort.

        Args:
            stages_ms: Stages of the pipeline [ms].
            beyond_ms: Time spent on the frame outside of the pipeline [ms].
            due_ms: Time between two frames that are due at the full rate [ms]; None if unknown.

        Returns:
            What led to another effort, if from now on there is one; None if it stays.
        """
        self._costs.append(_Cost(sum(stages_ms) + beyond_ms, stages_ms.flow))
        self._due_ms = due_ms
        self._forgive()
        if len(self._costs) < _ENOUGH:
            return None
        left = self.state
        changes = self._return() if self._suits(self._level) else self._lower()
        return left if changes else None

    def _lower(self) -> bool:
        """Go to the first level that may suit, or to the last one; false if there is none."""
        self._calm = 0
        below = [k for k in range(self._level + 1, len(LEVELS)) if self._allowed(k)]
        if not below:
            return False
        if self._frames_since_return is not None:
            self._patience = min(2 * self._patience, _LONGEST_PATIENCE)
            self._frames_since_return = None
        self._move(next(filter(self._suits, below), below[-1]))
        return True

    def _return(self) -> bool:
        """Go back to the fullest level that suits with a margin, if one has done so long enough."""
        target = next((k for k in range(self._level) if self._suits(k, _MARGIN)), None)
        self._calm = 0 if target is None else self._calm + 1
        if target is None or self._calm < self._patience:
            return False
        self._frames_since_return = 0
        self._move(target)
        return True

    def _forgive(self) -> None:
        """Forget that returns did not last, once one has."""
        if self._frames_since_return is None:
            return
        self._frames_since_return += 1
        if self._frames_since_return >= 2 * self._patience:
            self._frames_since_return = None
            self._patience = _PATIENCE

    def _move(self, level: int) -> None:
        self._level = level
        self._costs.clear()
        self._calm = 0

    def _allowed(self, level: int) -> bool:
        divisor = LEVELS[level].rate_divisor
        return divisor == 1 or (
            self._due_ms is not None and self._due_ms * divisor < self._longest_due_ms
        )

    def _suits(self, level: int, margin: float = 1.0) -> bool:
        """Return whether a level is foretold to do all that can be done for both limits."""
        least = LEVELS[level].flow_share == FLOW_SHARES[-1]
        return self._keeps_up(level, margin) and (least or self._is_fast(level, margin))

    def _is_fast(self, level: int, margin: float = 1.0) -> bool:
        """Return whether a level is foretold to hold the budget."""
        if self._budget_ms is None:
            return True
        return _rank(self._foretold(level), _SHARE_BELOW) <= margin * self._budget_ms

    def _keeps_up(self, level: int, margin: float = 1.0) -> bool:
        """Return whether frames are foretold not to wait for each other at a level."""
        if self._due_ms is None:
            return True
        due_ms = self._due_ms * LEVELS[level].rate_divisor
        return _rank(self._foretold(level), 0.5) <= margin * due_ms

    def _foretold(self, level: int) -> list[float]:
        """Return what the frames seen would have taken at a level [ms]."""
        ratio = LEVELS[level].flow_share / self.effort.flow_share
        ratio = min(ratio, 1.0) if level > self._level else max(ratio, 1.0)
        return [cost.total + (ratio - 1) * cost.flow for cost in self._costs]


def _rank(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the others lies below; outliers above have no weight."""
    return sorted(values)[int(share * (len(values) - 1))]
