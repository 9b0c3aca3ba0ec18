# SPDX-License-Identifier: Apache-2.0
"""The real pipeline with a stage that is slowed down artificially, on a clock that it turns."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.config import FlowConfig, PipelineConfig
from affordance_seg_ros.flow.estimator import build_estimator
from affordance_seg_ros.frames import EVERYTHING, DepthImage, RgbdFrame
from affordance_seg_ros.model.checkpoint import Checkpoint, untrained
from affordance_seg_ros.model.initialisation import xavier_initialise
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.node_config import NodeConfig
from affordance_seg_ros.pipeline import stage_clock, streaming
from affordance_seg_ros.pipeline.budget import FLOW_SHARES
from affordance_seg_ros.ros.effort import BudgetedPipeline, EffortLog
from affordance_seg_ros.ros.pace import Pace

STEP_NS = 100_000_000
CPU = torch.device("cpu")


class SlowFlow:
    """An estimator whose pairs take `flow_ms` at full work, on a clock of its own."""

    def __init__(self, config):
        self._estimator = build_estimator(config, CPU)
        self._share = config.budget
        self.flow_ms = 0.0
        self.now_s = 0.0

    def set_budget(self, budget):
        self._share = budget
        self._estimator.set_budget(budget)

    def step(self, frame):
        self.now_s += 1e-3 * self.flow_ms * self._share
        return self._estimator.step(frame)

    def reset(self):
        self._estimator.reset()


class Bench:
    """The pipeline under a budget, fed at 10 frames/s; its device is called what it is told."""

    def __init__(self, monkeypatch, device="cuda", **node):
        full = untrained("compact")
        network_config = replace(full.network_config, width=4)
        network = AffordanceNetwork(network_config)
        xavier_initialise(network, torch.Generator().manual_seed(0))
        input_config = replace(full.input_config, height=32, width=48)
        checkpoint = Checkpoint(network.eval(), network_config, input_config, full.card)
        self.config = PipelineConfig(
            min_confidence=0.0, flow=FlowConfig(estimator="primal_dual", iterations=4)
        )
        self.slow = SlowFlow(self.config.flow)
        clock = SimpleNamespace(perf_counter=lambda: self.slow.now_s)
        monkeypatch.setattr(stage_clock, "time", clock)
        pipeline = streaming.Pipeline(checkpoint, self.slow, self.config, CPU)
        monkeypatch.setattr(type(pipeline), "device", device)
        self.real = pipeline
        self.pace = Pace(10.0)
        self.warnings, self.notes = [], []
        self.node = NodeConfig(**node)
        log = EffortLog(self.warnings.append, self.notes.append)
        self.budgeted = BudgetedPipeline(pipeline, self.pace, log, self.node, self.config)
        self._index = 0

    def frame(self):
        self._index += 1
        rng = np.random.default_rng(self._index)
        color = rng.integers(0, 256, (32, 48, 3), np.uint8)
        depth = DepthImage(np.full((32, 48), 1000, np.uint16), 1e-3)
        camera = Camera(48, 32, 48.0, 48.0, 24.0, 16.0)
        return RgbdFrame(self._index * STEP_NS, "camera", color, depth, camera)

    def run(self, count, flow_ms):
        """Feed frames that are due; return the masks of those that pass."""
        self.slow.flow_ms = flow_ms
        masks = []
        for _ in range(count):
            frame = self.frame()
            if self.pace.passes(frame.stamp_ns, frame.stamp_ns):
                prediction = self.budgeted.step(frame, EVERYTHING)
                self.budgeted.observe(prediction.stages_ms, 0.0)
                masks.append(prediction.mask)
        return masks


@pytest.fixture
def bench(monkeypatch):
    return Bench(monkeypatch)


def test_a_slow_flow_gets_less_work_says_so_once_and_all_of_it_when_it_is_fast_again(bench):
    bench.run(40, flow_ms=10.0)
    assert (bench.budgeted.state.level, bench.warnings) == (0, [])
    bench.run(100, flow_ms=40.0)
    assert bench.budgeted.state.effort == (0.5, 1)
    assert bench.budgeted.state.holds
    assert bench.real.config.flow.budget == 0.5
    bench.run(200, flow_ms=40.0)
    assert bench.warnings == [
        "a frame takes 40 ms (p90), latency_budget_ms=22: from now on 50% of the flow's work"
    ]
    assert bench.notes == []
    bench.run(100, flow_ms=10.0)
    assert bench.budgeted.state.level == 0
    assert bench.real.config.flow.budget == 1.0
    assert (len(bench.warnings), bench.notes) == (1, ["fast enough again: full effort"])


def test_a_flow_that_stays_slow_takes_the_rate_with_it_and_ends_with_advice(bench):
    bench.run(400, flow_ms=1000.0)
    state = bench.budgeted.state
    assert state.effort == (FLOW_SHARES[-1], 3)
    assert bench.pace.divisor == 3
    assert not state.holds
    first, last = bench.warnings
    assert first.endswith("from now on 25% of the flow's work and one frame in 3")
    assert last.startswith("a frame takes 250 ms (p90), latency_budget_ms=22, and less effort")
    bench.run(400, flow_ms=10.0)
    assert bench.pace.divisor == 1
    assert bench.notes == ["fast enough again: full effort"]


def test_on_a_cpu_a_frame_may_take_until_the_next_is_due(monkeypatch):
    bench = Bench(monkeypatch, device="cpu")
    bench.run(60, flow_ms=90.0)
    assert (bench.budgeted.state.level, bench.warnings) == (0, [])
    bench.run(100, flow_ms=130.0)
    assert bench.budgeted.state.effort == (0.7, 1)
    (warning,) = bench.warnings
    assert warning.startswith("a frame takes 130 ms (median), the next is due after 100 ms:")


def test_while_the_budget_is_held_masks_are_those_of_the_pipeline_alone(monkeypatch):
    live = Bench(monkeypatch).run(30, flow_ms=15.0)
    alone = Bench(monkeypatch)
    assert len(live) == 30
    for mask in live:
        np.testing.assert_array_equal(mask, alone.real.step(alone.frame()).mask)


def test_without_a_budget_nothing_is_lowered(monkeypatch):
    bench = Bench(monkeypatch, latency_budget_ms=0.0)
    assert len(bench.run(100, flow_ms=5000.0)) == 100
    assert bench.budgeted.state is None
    assert bench.real.config.flow.budget == 1.0


def test_a_reset_after_a_gap_is_explained_where_the_frames_themselves_take_so_long(bench):
    gap = "gap of 1.200 s, longer than max_gap_s=1"
    assert bench.budgeted.explain(gap) == gap
    bench.run(2, flow_ms=800.0)
    text = bench.budgeted.explain(gap)
    assert text.startswith(
        f"{gap}: a frame takes 0.80 s here, so each one is treated as the first;"
    )
    assert "raise max_gap_s" in text
    assert bench.budgeted.explain("time jumped back by 2 s") == "time jumped back by 2 s"


def test_another_budget_or_rate_begins_at_full_effort(bench):
    bench.run(100, flow_ms=40.0)
    assert bench.budgeted.state.level
    bench.budgeted.configure(replace(bench.node, latency_budget_ms=50.0), bench.config)
    assert bench.real.config.flow.budget == 1.0
    bench.run(100, flow_ms=40.0)
    assert bench.budgeted.state.level == 0


def test_other_options_change_without_touching_the_effort(bench):
    bench.run(100, flow_ms=40.0)
    bench.budgeted.configure(bench.node, replace(bench.config, min_confidence=0.5))
    assert bench.real.config.min_confidence == 0.5
    assert bench.real.config.flow.budget == 0.5
    assert bench.budgeted.state.effort == (0.5, 1)


def test_the_share_of_the_effort_is_one_of_what_the_user_allows(bench):
    flow = replace(bench.config.flow, budget=0.1)
    bench.budgeted.configure(bench.node, replace(bench.config, flow=flow))
    bench.run(100, flow_ms=1000.0)
    assert bench.budgeted.state.effort.flow_share == FLOW_SHARES[-1]
    assert bench.real.config.flow.budget == 0.05
