# SPDX-License-Identifier: Apache-2.0
"""Primal-dual scene flow of a stream: coarse to fine first, then starting from the last motion."""

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.flow.exposure import Brightness, common_contrast, measure_brightness
from affordance_seg_ros.flow.flow_input import FlowInput, check_input
from affordance_seg_ros.flow.iterations import Iterations
from affordance_seg_ros.flow.lazy_levels import LazyLevels
from affordance_seg_ros.flow.level import DataTerms, Level, linearise
from affordance_seg_ros.flow.median import filter_median
from affordance_seg_ros.flow.misfit import patch_misfit, rise
from affordance_seg_ros.flow.motion import no_motion, scene_flow
from affordance_seg_ros.flow.primal_dual import Solution, solve
from affordance_seg_ros.flow.pyramid import upsample
from affordance_seg_ros.flow.search import search
from affordance_seg_ros.flow.variation import PixelGrid
from affordance_seg_ros.flow.warp import sample, targets
from affordance_seg_ros.frames import SceneFlow

_LARGEST_STEP_PX = 1.0
"""The linearised brightness is trusted no further than this."""
_COARSE_WARPS = 3
"""How often a level of a quarter of the size, or less, is warped and solved: it costs little."""


class Work(NamedTuple):
    """How the last pair was solved.

    Attributes:
        pixel_iterations: Pixels times iterations, summed over all levels.
        warm: Whether the pair was solved starting from the last motion.
        rise: By how much the last motion, carried on, fitted some patch worse than it fitted the
            previous pair (a ratio, see `misfit.rise`); NaN when there was no last motion.
    """

    pixel_iterations: int
    warm: bool
    rise: float


class _Frame(NamedTuple):
    input: FlowInput
    brightness: Brightness
    levels: LazyLevels


class _Pair(NamedTuple):
    older: LazyLevels
    newer: LazyLevels
    contrast: Tensor


class _Memory(NamedTuple):
    """What the next pair needs from this one: the motion (3, H, W) and its misfit by patches."""

    motion: Tensor
    misfit: Tensor


def schedule(iterations: int, levels: int) -> list[int]:
    """Return the iterations of each level, finest first, falling by 15 % of the first at each.

    Args:
        iterations: Iterations of the finest level.
        levels: Number of levels.
    """
    return [max(1, round(iterations * max(0.1, 1 - 0.15 * k))) for k in range(levels)]


def warps(level: int) -> int:
    """Return how often a level is warped and solved; the finest is level 0."""
    return _COARSE_WARPS if level >= 2 else 1


class PrimalDualFlow:
    """Primal-dual scene flow that prepares each frame once and starts from the last motion.

    A first pair is solved from the coarsest level to the finest. Every later one starts, at the
    finest level only, from the last motion carried on, unless that fits some patch of the new pair
    much worse than it fitted the last pair there; such a pair is solved like a first one.

    Attributes:
        work: How the last pair was solved.
    """

    def __init__(self, config: FlowConfig, device: torch.device) -> None:
        self._config = config
        self._iterations = Iterations.of(config)
        self._device = device
        self.reset()

    def set_budget(self, budget: float) -> None:
        """Change the share of the iterations to run; see `FlowEstimator`."""
        self._config = replace(self._config, budget=budget)
        self._iterations = Iterations.of(self._config)

    def reset(self) -> None:
        """Forget the previous frame and its motion."""
        self._older: _Frame | None = None
        self._memory: _Memory | None = None
        self.work = Work(0, False, torch.nan)

    @torch.no_grad()
    def step(self, frame: FlowInput) -> SceneFlow:
        """Return the motion from the previous frame to this one; see `FlowEstimator`."""
        older = self._older
        check_input(frame, older.input if older else None)
        newer = self._prepare(frame.to(self._device))
        self._older = newer
        self.work = Work(0, False, torch.nan)
        if older is None:
            return no_motion(newer.input)

        contrast = common_contrast(older.brightness, newer.brightness)
        pair = _Pair(older.levels, newer.levels, contrast)
        motion = self._warm(pair)
        if motion is None:
            motion = self._coarse_to_fine(pair)
        if self._config.warm_iterations:
            self._memory = _Memory(motion, _misfit(pair, motion))
        # Clones: the motion is kept for the next pair, whatever the caller does with the flow.
        return scene_flow(older.input, newer.input, motion[:2].clone(), motion[2].clone())

    def _prepare(self, frame: FlowInput) -> _Frame:
        brightness = measure_brightness(frame.gray, normalize=self._config.normalize_exposure)
        levels = LazyLevels(brightness.relative, frame.depth_m, PixelGrid.of(frame.camera))
        return _Frame(frame, brightness, levels)

    def _warm(self, pair: _Pair) -> Tensor | None:
        """Solve from the last motion, or return None if there is none or it does not fit."""
        if self._memory is None:
            return None
        last = self._memory.motion
        motion = sample(last, targets(-last[:2]))  # carried on to where it led
        older = pair.older[0]
        terms = linearise(older, pair.newer[0], motion[:2], pair.contrast)
        ratio = rise(patch_misfit(terms, motion[2], older), self._memory.misfit)
        self.work = self.work._replace(rise=ratio)
        if not ratio <= self._config.warm_residual_ratio:  # NaN does not fit
            return None
        self.work = self.work._replace(warm=True)
        # The duals are not carried on: zeros, as measured, leave less error (docs/scene_flow.md).
        start = Solution.starting_at(motion)
        return self._solve(older, terms, start, self._iterations.warm).motion

    def _coarse_to_fine(self, pair: _Pair) -> Tensor:
        solution = Solution.starting_at(torch.zeros_like(pair.older[-1].weights[[0, 0, 0]]))
        iterations = schedule(self._iterations.cold, len(pair.older))
        for k in reversed(range(len(pair.older))):
            older = pair.older[k]
            if older.depth_m.shape != solution.depth_dual.shape:
                solution = _refined(solution, *older.depth_m.shape)
            if k == len(pair.older) - 2:
                solution = _searched(solution, older, pair.newer[k], pair.contrast)
            for warp in range(warps(k)):
                start = Solution.starting_at(solution.motion) if warp else solution
                terms = linearise(older, pair.newer[k], start.motion[:2], pair.contrast)
                solution = self._solve(older, terms, start, iterations[k])
        return solution.motion

    def _solve(self, older: Level, terms: DataTerms, start: Solution, iterations: int) -> Solution:
        """Solve one level, and clean up the result."""
        pixel_iterations = self.work.pixel_iterations + iterations * older.depth_m.numel()
        self.work = self.work._replace(pixel_iterations=pixel_iterations)
        solution = solve(terms, older.weights, start, iterations)
        step_px = (solution.motion[:2] - start.motion[:2]).clamp_(
            -_LARGEST_STEP_PX, _LARGEST_STEP_PX
        )
        change_m = solution.motion[2:] * (older.depth_m > 0)
        motion = torch.cat((start.motion[:2] + step_px, change_m))
        return solution._replace(
            motion=filter_median(motion, older.depth_m, terms.depth_difference_m)
        )


def _refined(solution: Solution, height: int, width: int) -> Solution:
    """Return the unknowns and duals of a level at the size of the next finer one."""
    finer = Solution(*(upsample(part, height, width) for part in solution))
    finer.motion[:2] *= 2  # pixels are half as large there
    return finer


def _searched(solution: Solution, older: Level, newer: Level, contrast: Tensor) -> Solution:
    """Return the unknowns moved to where they fit clearly better; the duals restart at zero."""
    flow_px = search(older, newer, solution.motion[:2], contrast)
    return Solution.starting_at(torch.cat((flow_px, solution.motion[2:])))


def _misfit(pair: _Pair, motion: Tensor) -> Tensor:
    terms = linearise(pair.older[0], pair.newer[0], motion[:2], pair.contrast)
    return patch_misfit(terms, motion[2], pair.older[0])
