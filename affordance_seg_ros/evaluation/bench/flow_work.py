# SPDX-License-Identifier: Apache-2.0
"""The work of primal-dual scene flow for one pair of frames."""

from typing import NamedTuple

import torch

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.evaluation.bench.work import Operation, Work, WorkCounter
from affordance_seg_ros.flow.flow_input import FlowInput
from affordance_seg_ros.flow.incremental import PrimalDualFlow
from affordance_seg_ros.flow.motion import rays

_READ_BY_DUAL_STEP = 3 + 1 + 6 + 1 + 2 + 1
"""Extrapolated motion, depth dual, smooth dual; constant, gradient and step of the depth term."""
_WRITTEN_BY_DUAL_STEP = 1 + 6
_READ_BY_PRIMAL_STEP = 3 + 1 + 6 + 2 + 3 + 3 + 1 + 2 + 2 + 1
"""Motion and both duals; surface weights, pull, spread; constant, gradient, descent and reach of
the brightness term."""
_WRITTEN_BY_PRIMAL_STEP = 3 + 3
"""Motion, and its extrapolation."""

VALUES_A_PIXEL_ITERATION = (
    _READ_BY_DUAL_STEP + _WRITTEN_BY_DUAL_STEP + _READ_BY_PRIMAL_STEP + _WRITTEN_BY_PRIMAL_STEP
)
"""Floats that an iteration of two fused kernels reads and writes for a pixel (see `solve`)."""


class FlowWork(NamedTuple):
    """Work of one pair of frames.

    Attributes:
        warm: From the last motion on, at the finest level only.
        cold: Coarse to fine, as a first pair.
    """

    warm: Work
    cold: Work


def flow_work(config: FlowConfig, height: int, width: int) -> FlowWork:
    """Count the work of `PrimalDualFlow.step`.

    The arithmetic is that of PyTorch's operations. The traffic of an iteration is that of two
    kernels, one for the dual and one for the primal step; that of all else is as counted.

    Args:
        config: Iterations.
        height: Height of the pictures [px].
        width: Width of them [px].
    """
    once, twice = (
        _count_pairs(FlowConfig(iterations=n, warm_iterations=n), height, width) for n in (1, 2)
    )
    asked = _count_pairs(config, height, width)
    cold = _extended(once.cold, twice.cold, asked.cold.pixel_iterations)
    if not config.warm_iterations:
        return FlowWork(cold, cold)
    return FlowWork(_extended(once.warm, twice.warm, asked.warm.pixel_iterations), cold)


class _Counted(NamedTuple):
    """Work of a pair that was counted, and its pixels times iterations."""

    work: Work
    pixel_iterations: int


class _Pairs(NamedTuple):
    warm: _Counted
    cold: _Counted


def _count_pairs(config: FlowConfig, height: int, width: int) -> _Pairs:
    """Count a cold and a warm pair of a still scene."""
    estimator = PrimalDualFlow(config, torch.device("cpu"))
    camera = Camera(width, height, width, width, (width - 1) / 2, (height - 1) / 2)
    rays(camera, torch.device("cpu"))  # kept from a camera's first pair on: no work of a pair
    random = torch.Generator().manual_seed(0)
    gray = 255 * torch.rand(height, width, generator=random)
    counted = []
    for _ in range(3):
        noise = torch.rand(height, width, generator=random)
        with WorkCounter() as counter:
            estimator.step(FlowInput(gray + noise, 1 + 0.01 * noise, camera))
        counted.append(_Counted(counter.work, estimator.work.pixel_iterations))
    assert estimator.work.warm == (config.warm_iterations > 0)
    return _Pairs(warm=counted[2], cold=counted[1])


def _extended(once: _Counted, twice: _Counted, total: int) -> Work:
    """Return the work of a pair with `total` pixel iterations, by what a second one adds."""
    more = twice.pixel_iterations - once.pixel_iterations
    flop = 1e9 * (twice.work.gflop - once.work.gflop) / more
    left = total - once.pixel_iterations
    iterations = Operation("iterations", left * flop, left * VALUES_A_PIXEL_ITERATION, False)
    return Work((*once.work.operations, iterations))
