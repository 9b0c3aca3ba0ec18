# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from affordance_seg_ros.frames import StageTimes
from affordance_seg_ros.pipeline.budget import (
    FLOW_SHARES,
    FULL,
    LEVELS,
    Effort,
    LatencyBudget,
)

DUE_MS = 100.0
LEAST = FLOW_SHARES[-1]


def order(effort: Effort) -> tuple[int, float]:
    """Sorts efforts from the full one to the least: the rate counts for more than the flow."""
    return effort.rate_divisor, -effort.flow_share


class Load(NamedTuple):
    """A machine: the flow's time at full work, a part of it that iterations do not change, rest."""

    flow: float
    rest: float
    fixed_flow: float = 0.0

    def stages(self, effort: Effort, noise: float = 1.0) -> StageTimes:
        flow = self.fixed_flow + (self.flow - self.fixed_flow) * effort.flow_share
        return StageTimes(0.0, noise * flow, noise * self.rest, 0.0)


def run(
    budget: LatencyBudget,
    load: Load,
    frames: int,
    *,
    noise: Callable[[], float] = lambda: 1.0,
    due_ms: float | None = DUE_MS,
) -> list[Effort]:
    """Return the efforts after each change."""
    changes = []
    for _ in range(frames):
        if budget.observe(load.stages(budget.effort, noise()), due_ms=due_ms):
            changes.append(budget.effort)
    return changes


def jitter(seed: int) -> Callable[[], float]:
    rng = np.random.default_rng(seed)
    return lambda: float(rng.lognormal(0.0, 0.05))


def test_levels_spare_the_flow_first_and_then_the_rate() -> None:
    assert LEVELS[0] == FULL
    assert len(set(LEVELS)) == len(LEVELS)
    assert list(LEVELS) == sorted(LEVELS, key=order)


def test_a_machine_that_holds_the_budget_always_does_all_the_work() -> None:
    budget = LatencyBudget(22.0)
    assert run(budget, Load(10.0, 8.0), 500, noise=jitter(0)) == []
    assert budget.state.holds
    assert budget.state.level == 0


def test_the_flow_is_shortened_no_further_than_the_budget_asks_for() -> None:
    budget = LatencyBudget(22.0)
    assert run(budget, Load(20.0, 10.0), 300) == [Effort(0.5)]
    assert budget.state.holds
    assert budget.state.high_ms == 20.0


def test_the_rate_falls_only_when_frames_wait_for_each_other() -> None:
    slow = LatencyBudget(22.0)
    run(slow, Load(10.0, 60.0), 300)
    assert slow.effort == Effort(LEAST, 1)
    assert not slow.state.holds
    slower = LatencyBudget(22.0)
    run(slower, Load(10.0, 250.0), 300)
    assert slower.effort == Effort(LEAST, 3)
    assert slower.state.due_ms == 3 * DUE_MS


def test_without_a_budget_only_the_next_frame_is_the_limit() -> None:
    budget = LatencyBudget(None)
    assert run(budget, Load(20.0, 70.0), 300) == []
    assert run(budget, Load(20.0, 90.0), 300) == [Effort(0.5, 1)]
    assert run(budget, Load(20.0, 110.0), 300) == [Effort(1.0, 2)]
    assert budget.state.holds


def test_an_unknown_pace_leaves_the_rate_alone() -> None:
    budget = LatencyBudget(None)
    assert run(budget, Load(20.0, 900.0), 300, due_ms=None) == []


def test_the_rate_does_not_fall_to_where_the_past_is_forgotten() -> None:
    budget = LatencyBudget(None, longest_due_ms=400.0)
    run(budget, Load(20.0, 5000.0), 300)
    assert budget.effort.rate_divisor == 3
    assert not budget.state.holds


@pytest.mark.parametrize("outlier_ms", [100.0, 1e6])
def test_a_single_outlier_changes_nothing(outlier_ms: float) -> None:
    budget = LatencyBudget(22.0)
    for position in range(0, 400, 40):
        for index in range(40):
            late = outlier_ms if index == position % 37 else 0.0
            stages = Load(10.0, 8.0).stages(budget.effort)
            assert not budget.observe(stages, beyond_ms=late, due_ms=DUE_MS)


def test_a_level_is_judged_by_its_fifteenth_frame() -> None:
    budget = LatencyBudget(None)
    slow = Load(0.0, 450.0)
    assert run(budget, slow, 14) == []
    assert run(budget, slow, 1) == [Effort(1.0, 6)]
    slower = Load(0.0, 750.0)
    assert run(budget, slower, 14) == []
    assert run(budget, slower, 1) == [Effort(1.0, 8)]


def test_time_beyond_the_pipeline_counts() -> None:
    budget = LatencyBudget(22.0)
    changed = [budget.observe(StageTimes(0, 10.0, 10.0, 0), beyond_ms=3.0) for _ in range(20)]
    assert any(changed)


@pytest.mark.parametrize("seed", range(20))
def test_a_constant_load_is_never_returned_to(seed: int) -> None:
    """Whatever the load is, and however its flow scales: down to a level, and no way back."""
    rng = np.random.default_rng(seed)
    flow, rest = rng.uniform(1, 400), rng.uniform(1, 400)
    load = Load(flow, rest, fixed_flow=rng.uniform(0, 1) * flow)
    budget_ms = rng.uniform(10, 200) if seed % 2 else None
    changes = run(LatencyBudget(budget_ms), load, 3000, noise=jitter(seed))
    assert changes == sorted(set(changes), key=order)


@pytest.mark.parametrize("seed", range(5))
def test_the_full_work_comes_back_when_the_load_goes(seed: int) -> None:
    budget = LatencyBudget(22.0)
    run(budget, Load(10.0, 450.0), 200, noise=jitter(seed))
    assert budget.effort == Effort(LEAST, 6)
    changes = run(budget, Load(10.0, 5.0), 200, noise=jitter(seed))
    assert changes == [FULL]
    assert budget.state.holds


def test_the_rate_comes_back_although_the_budget_cannot_be_held() -> None:
    budget = LatencyBudget(22.0)
    run(budget, Load(10.0, 250.0), 200)
    assert budget.effort.rate_divisor > 1
    run(budget, Load(10.0, 60.0), 200)
    assert budget.effort == Effort(LEAST, 1)
    assert not budget.state.holds


def test_returns_that_do_not_last_become_rare() -> None:
    """A load that answers to the rate: the machine is slow only while it works at full rate."""
    budget = LatencyBudget(None)
    returns, previous = [], FULL
    for frame in range(8000):
        full = budget.effort == FULL
        budget.observe(StageTimes(0, 0, 120.0 if full else 50.0, 0), due_ms=DUE_MS)
        if budget.effort == FULL and previous != FULL:
            returns.append(frame)
        previous = budget.effort
    pauses = np.diff(returns)
    assert list(pauses) == sorted(pauses)
    assert pauses[-1] > 10 * pauses[0]
    # The longest patience, and the frames by which each of the two levels is judged.
    assert 960 <= pauses[-1] <= 960 + 2 * 15


def test_a_return_that_lasted_makes_the_next_one_quick_again() -> None:
    budget = LatencyBudget(None)
    waits = []
    for _ in range(3):
        run(budget, Load(0.0, 150.0), 50)
        assert budget.effort.rate_divisor == 2
        wait = 0
        while budget.effort != FULL:
            run(budget, Load(0.0, 50.0), 1)
            wait += 1
        waits.append(wait)
        run(budget, Load(0.0, 50.0), 200)
    assert len(set(waits)) == 1
