# SPDX-License-Identifier: Apache-2.0
"""The work of primal-dual scene flow for one pair of frames."""

from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import torch

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.evaluation.bench.work import Operation, Work, WorkCounter
from affordance_seg_ros.flow.flow_input import FlowInput
from affordance_seg_ros.flow.incremental import PrimalDualFlow
from affordance_seg_ros.flow.motion import rays

_READ_BY_ITERATION = 3 + 3 + 1 + 6 + 7 + 2
"""Motion and its extrapolation, both duals, data terms, surface weights; what a pixel reads from
its neighbours comes from the cache."""
_WRITTEN_BY_ITERATION = 3 + 3 + 1 + 6
"""Motion and its extrapolation, both duals."""

VALUES_PER_PIXEL_ITERATION = _READ_BY_ITERATION + _WRITTEN_BY_ITERATION
"""Floats that an iteration reads and writes for a pixel (`flow.kernels.iteration.iterate`)."""

_SMALL = (48, 64)
"""Height and width that suffice to count an iteration, which does the same for every pixel."""
_NEVER_COLD = 1000.0
"""Ratio of residuals at which noise never ends a warm start."""


class FlowWork(NamedTuple):
    """Work of one pair of frames.

    Attributes:
        warm: Starting from the last motion, at the finest level only.
        cold: Coarse to fine, as for a first pair.
    """

    warm: Work
    cold: Work


def flow_work(config: FlowConfig, height: int, width: int) -> FlowWork:
    """Count the work of `PrimalDualFlow.step`.

    The arithmetic is that of PyTorch's operations. The traffic of an iteration is that of the fused
    kernel, one per iteration; all other traffic is as counted.

    Args:
        config: Iterations.
        height: Height of the pictures [px].
        width: Width of the pictures [px].
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the operations are too short for more
    try:
        asked, once = _pairs(config, height, width), _count_once(1, height, width)
        flop = _flop_per_pixel_iteration()
    finally:
        torch.set_num_threads(threads)
    cold = _extended(once.cold, asked.cold.pixel_iterations, flop)
    if not config.warm_iterations:
        return FlowWork(cold, cold)
    return FlowWork(_extended(once.warm, asked.warm.pixel_iterations, flop), cold)


class _Counted(NamedTuple):
    """Work of a pair, and its pixels times iterations."""

    work: Work
    pixel_iterations: int


class _Pairs(NamedTuple):
    warm: _Counted
    cold: _Counted


def _pairs(
    config: FlowConfig, height: int, width: int, counter: WorkCounter | None = None
) -> _Pairs:
    """Return the work of a cold and a warm pair of a still scene; only pixels without a counter."""
    config = replace(config, warm_residual_ratio=_NEVER_COLD)
    estimator = PrimalDualFlow(config, torch.device("cpu"))
    camera = Camera(width, height, width, width, (width - 1) / 2, (height - 1) / 2)
    rays(camera, torch.device("cpu"))  # cached after a camera's first pair: not part of the work
    random = torch.Generator().manual_seed(0)
    gray = 255 * torch.rand(height, width, generator=random)
    found = []
    for _ in range(3):
        noise = torch.rand(height, width, generator=random)
        frame = FlowInput(gray + noise, 1 + 0.01 * noise, camera)
        before = len(counter.work.operations) if counter else 0
        with counter or nullcontext():
            estimator.step(frame)
        operations = counter.work.operations[before:] if counter else ()
        found.append(_Counted(Work(operations), estimator.work.pixel_iterations))
    assert estimator.work.warm == (config.warm_iterations > 0)
    return _Pairs(warm=found[2], cold=found[1])


def _count_once(iterations: int, height: int, width: int) -> _Pairs:
    config = FlowConfig(iterations=iterations, warm_iterations=iterations)
    return _pairs(config, height, width, WorkCounter())


@cache
def _flop_per_pixel_iteration() -> float:
    """Return the arithmetic of one iteration for one pixel: what a second iteration adds."""
    once, twice = (_count_once(n, *_SMALL).warm for n in (1, 2))
    return 1e9 * (twice.work.gflop - once.work.gflop) / (_SMALL[0] * _SMALL[1])


def _extended(once: _Counted, pixel_iterations: int, flop: float) -> Work:
    """Return the work of a pair with this many pixel iterations, `flop` each."""
    left = pixel_iterations - once.pixel_iterations
    values = left * VALUES_PER_PIXEL_ITERATION
    iterations = Operation("iterations", left * flop, values, fusible=False)
    return Work((*once.work.operations, iterations))
