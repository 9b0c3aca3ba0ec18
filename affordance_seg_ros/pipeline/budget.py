# SPDX-License-Identifier: Apache-2.0
"""A latency budget: less work while the machine cannot meet it, full work once it can again.

Two limits apply to the time that a frame takes from decoding to its published mask: its 90th
percentile is limited by the budget, its median by the time until the next frame is due. When a
limit is exceeded, the flow first gets fewer iterations. A lower rate makes no frame faster; it only
keeps frames from waiting for each other, so the rate falls last, and only as far as the second
limit requires. Any time that this leaves goes back to the flow.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from affordance_seg_ros.frames import StageTimes

FLOW_SHARES = (1.0, 0.7, 0.5, 0.35, 0.25)
"""Shares of the flow's work, in the order in which they are tried at each rate."""
RATE_DIVISORS = (1, 2, 3, 4, 6, 8)
"""One in this many of the frames that are due is processed; whole numbers keep the pace even."""

_WINDOW = 30
_ENOUGH = 15
"""Frames at a level before it is judged; two outliers among them have no effect."""
_SHARE_BELOW = 0.9
_MARGIN = 0.85
"""A level is returned to when it would need at most this share of each limit."""
_PATIENCE = 30
_LONGEST_PATIENCE = 960
"""Number of frames for which that must hold; doubled after each return that did not last."""


class Effort(NamedTuple):
    """How much of the full work is done.

    Attributes:
        flow_share: Share of the flow's work, in (0, 1].
        rate_divisor: One in this many of the frames that are due is processed.
    """

    flow_share: float = 1.0
    rate_divisor: int = 1


FULL = Effort()


class BudgetState(NamedTuple):
    """Current state of the budget.

    Attributes:
        level: Steps below the full effort; 0 is full.
        effort: The effort of that level.
        median_ms: Median time of a frame at this level [ms]; NaN before the first one.
        high_ms: 90th percentile of that time [ms].
        budget_ms: Budget [ms]; None if the next frame is the only limit.
        due_ms: Time until the next frame is due at this level [ms]; None if unknown.
        holds: Whether both limits are met.
    """

    level: int
    effort: Effort
    median_ms: float
    high_ms: float
    budget_ms: float | None
    due_ms: float | None
    holds: bool


class _Cost(NamedTuple):
    """Time of a frame and the flow's part of it [ms]."""

    total: float
    flow: float


LEVELS = tuple(Effort(share, divisor) for divisor in RATE_DIVISORS for share in FLOW_SHARES)
"""The efforts in the order in which they are tried, the full one first."""


class LatencyBudget:
    """Chooses the effort from the times of the frames; uses no clock, no thread and no ROS.

    The cost of a level is predicted from the frames of another one. The flow's time there lies
    between its present time and one in proportion to its share. On the way down the lower of the
    two is used, so that no level that might do is skipped; on the way back the higher, so that
    under a constant load there is no return to a level that was left.

    Args:
        budget_ms: Longest time of a frame [ms]; None to require only that it ends before the next.
        longest_due_ms: The rate is never lowered so far that frames are due this far apart [ms].
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
        """The effort for the next frames."""
        return LEVELS[self._level]

    @property
    def state(self) -> BudgetState:
        """Current state of the budget."""
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
        """Take in the times of a frame processed with the present effort.

        Args:
            stages_ms: Stages of the pipeline [ms].
            beyond_ms: Time spent on the frame outside of the pipeline [ms].
            due_ms: Time between two frames that are due at the full rate [ms]; None if unknown.

        Returns:
            The state that led to another effort, if the effort changes from now on; None if not.
        """
        self._costs.append(_Cost(sum(stages_ms) + beyond_ms, stages_ms.flow))
        self._due_ms = due_ms
        self._reset_patience()
        if len(self._costs) < _ENOUGH:
            return None
        left = self.state
        changes = self._return() if self._suits(self._level) else self._lower()
        return left if changes else None

    def _lower(self) -> bool:
        """Go to the first lower level that may suit, else to the last; false if there is none."""
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

    def _reset_patience(self) -> None:
        """Forget that returns did not last, once one has lasted."""
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
        """Return whether a level is predicted to do all that can be done for both limits."""
        least = LEVELS[level].flow_share == FLOW_SHARES[-1]
        return self._keeps_up(level, margin) and (least or self._is_fast(level, margin))

    def _is_fast(self, level: int, margin: float = 1.0) -> bool:
        """Return whether a level is predicted to stay within the budget."""
        if self._budget_ms is None:
            return True
        return _rank(self._predicted_ms(level), _SHARE_BELOW) <= margin * self._budget_ms

    def _keeps_up(self, level: int, margin: float = 1.0) -> bool:
        """Return whether frames are predicted not to wait for each other at a level."""
        if self._due_ms is None:
            return True
        due_ms = self._due_ms * LEVELS[level].rate_divisor
        return _rank(self._predicted_ms(level), 0.5) <= margin * due_ms

    def _predicted_ms(self, level: int) -> list[float]:
        """Return how long the frames seen would have taken at a level [ms]."""
        ratio = LEVELS[level].flow_share / self.effort.flow_share
        ratio = min(ratio, 1.0) if level > self._level else max(ratio, 1.0)
        return [cost.total + (ratio - 1) * cost.flow for cost in self._costs]


def _rank(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the others lies below; outliers above do not count."""
    return sorted(values)[int(share * (len(values) - 1))]
