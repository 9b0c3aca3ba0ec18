# SPDX-License-Identifier: Apache-2.0
"""The latency budget, applied to the pipeline's flow and the input's pace, and put into words."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.frames import EVERYTHING, Prediction, RgbdFrame, StageTimes, Wanted
from affordance_seg_ros.node_config import NodeConfig
from affordance_seg_ros.pipeline.budget import FULL, BudgetState, Effort, LatencyBudget
from affordance_seg_ros.ros.pace import Pace

_LEAST_FLOW = 0.05
"""Smallest value that `flow.budget` accepts."""
_LONG = 0.5
"""When frames take this share of `max_gap_s`, one of them waiting is enough to cause a gap."""


class StreamingPipeline(Protocol):
    """The part of `pipeline.streaming.Pipeline` that the worker uses."""

    @property
    def device(self) -> object:
        """Device it runs on; str() gives its name."""

    def step(self, frame: RgbdFrame, wanted: Wanted = EVERYTHING) -> Prediction:
        """Process the next frame of the stream."""

    def reset(self) -> None:
        """Forget the past."""

    def configure(self, config: PipelineConfig) -> None:
        """Replace the options."""


@dataclass(frozen=True)
class EffortLog:
    """Writes warnings and notes to the log."""

    warn: Callable[[str], object]
    inform: Callable[[str], object]


class BudgetedPipeline:
    """A pipeline that is given less work when the machine cannot keep to the budget.

    On a GPU a frame may take `latency_budget_ms`; on a CPU, which cannot keep to what a GPU can, it
    may take until the next frame is due. Everything except `state` belongs to the worker's thread.

    Args:
        pipeline: The pipeline.
        pace: Decides which frames pass.
        log: Says once that the effort is reduced, and once that it is full again.
        config: Options of the node.
        pipeline_config: Options of the pipeline.

    Attributes:
        state: State of the budget; None while there is no budget.
    """

    def __init__(
        self,
        pipeline: StreamingPipeline,
        pace: Pace,
        log: EffortLog,
        config: NodeConfig,
        pipeline_config: PipelineConfig,
    ) -> None:
        self._pipeline = pipeline
        self._on_cpu = str(pipeline.device) == "cpu"
        self._pace = pace
        self._log = log
        self._latency_budget_ms = config.latency_budget_ms
        self._config = pipeline_config
        self._frame_s = 0.0
        self.state: BudgetState | None = None
        self._begin()

    def step(self, frame: RgbdFrame, wanted: Wanted) -> Prediction:
        """Process the next frame of the stream."""
        return self._pipeline.step(frame, wanted)

    def reset(self) -> None:
        """Forget the past of the stream, but keep the effort."""
        self._pipeline.reset()

    def configure(self, config: NodeConfig, pipeline_config: PipelineConfig) -> None:
        """Replace the options; if they change the budget or the pace, restart at full effort."""
        old = (self._latency_budget_ms, self._config.rate_hz, self._config.max_gap_s)
        self._latency_budget_ms = config.latency_budget_ms
        self._config = pipeline_config
        if old != (config.latency_budget_ms, pipeline_config.rate_hz, pipeline_config.max_gap_s):
            self._begin()
        self._apply()

    def observe(self, stages_ms: StageTimes, beyond_ms: float) -> None:
        """Take into account what a frame has cost.

        Args:
            stages_ms: Times of the pipeline's stages [ms].
            beyond_ms: Time for decoding and publishing [ms].
        """
        self._frame_s = 1e-3 * (sum(stages_ms) + beyond_ms)
        if self._budget is None:
            return
        left = self._budget.observe(stages_ms, beyond_ms=beyond_ms, due_ms=self._pace.due_ms)
        self.state = self._budget.state
        if left is not None:
            self._apply()
            if left.effort == FULL:
                self._log.warn(f"{_excess(left)}: from now on {in_words(self.state.effort)}")
            elif self.state.effort == FULL:
                self._given_up = False
                self._log.inform("fast enough again: full effort")
        elif not self.state.holds and not self._given_up:
            self._given_up = True
            # On a CPU the limit is the next frame, and the requested latency has no effect.
            other = "" if self._on_cpu else "raise latency_budget_ms, "
            self._log.warn(
                f"{_excess(self.state)}, and less effort would not help; {other}{_ADVICE}"
            )

    def explain(self, reset_reason: str) -> str:
        """Return why the past was forgotten, and what to do if slow frames caused it."""
        gap_s = self._config.max_gap_s
        if "max_gap_s" not in reset_reason or self._frame_s < _LONG * gap_s:
            return reset_reason
        return (
            f"{reset_reason}: a frame takes {self._frame_s:.2f} s here, so each one is treated as "
            "the first; raise max_gap_s to a multiple of that, or use smaller weights or a faster "
            "device"
        )

    def _begin(self) -> None:
        self._budget: LatencyBudget | None = None
        self._given_up = False
        if self._latency_budget_ms:
            self._budget = LatencyBudget(
                None if self._on_cpu else self._latency_budget_ms,
                longest_due_ms=1e3 * self._config.max_gap_s,
            )
        self.state = None if self._budget is None else self._budget.state

    def _apply(self) -> None:
        """Apply the budget's effort to the pipeline and the input."""
        effort = FULL if self._budget is None else self._budget.effort
        flow = self._config.flow
        share = max(_LEAST_FLOW, flow.budget * effort.flow_share)
        self._pipeline.configure(replace(self._config, flow=replace(flow, budget=share)))
        self._pace.divisor = effort.rate_divisor


_ADVICE = "lower rate_hz, or use smaller weights or a faster device"


def in_words(effort: Effort) -> str:
    """Return a description: ``full effort``, ``50% of the flow's work and one frame in 2``."""
    share, divisor = effort
    parts = []
    if share < 1:
        parts.append(f"{share:.0%} of the flow's work")
    if divisor > 1:
        parts.append(f"one frame in {divisor}")
    return " and ".join(parts) or "full effort"


def _excess(state: BudgetState) -> str:
    """Return which limit is exceeded, and by what."""
    if state.budget_ms is not None and state.high_ms > state.budget_ms:
        return f"a frame takes {state.high_ms:.0f} ms (p90), latency_budget_ms={state.budget_ms:g}"
    return (
        f"a frame takes {state.median_ms:.0f} ms (median), the next is due after "
        f"{state.due_ms:.0f} ms"
    )
