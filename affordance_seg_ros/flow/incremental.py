# SPDX-License-Identifier: Apache-2.0
"""Primal-dual scene flow over a stream: coarse to fine at first, then from the last flow on."""

from typing import NamedTuple

import torch
from torch import Tensor

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.flow.exposure import Brightness, normalise
from affordance_seg_ros.flow.flow_input import FlowInput, check_input
from affordance_seg_ros.flow.level import DataTerms, Level, build_levels, linearise
from affordance_seg_ros.flow.median import filter_median
from affordance_seg_ros.flow.motion import no_motion, scene_flow
from affordance_seg_ros.flow.primal_dual import Solution, solve
from affordance_seg_ros.flow.pyramid import level_count, upsample
from affordance_seg_ros.flow.variation import PixelGrid
from affordance_seg_ros.frames import SceneFlow

_LARGEST_STEP_PX = 1.0


class Work(NamedTuple):
    """How the last pair was solved.

    Attributes:
        pixel_iterations: Pixels times iterations, over all levels.
        warm: Whether the last flow was the start.
        residual: Mean data term of the result, as in the energy.
    """

    pixel_iterations: int
    warm: bool
    residual: float


class _Frame(NamedTuple):
    input: FlowInput
    levels: list[Level]
    contrast: Tensor


def schedule(iterations: int, levels: int) -> list[int]:
    """Return the iterations of each level, finest first: 15 % fewer a level, at least a tenth."""
    return [max(1, round(iterations * max(0.1, 1 - 0.15 * k))) for k in range(levels)]


class PrimalDualFlow:
    """Scene flow by the primal-dual method; each frame is prepared once."""

    def __init__(self, config: FlowConfig, device: torch.device) -> None:
        self._config = config
        self._device = device
        self._older: _Frame | None = None
        self._solution: Solution | None = None
        self.work = Work(0, False, 0.0)

    def reset(self) -> None:
        self._older = None
        self._solution = None
        self.work = Work(0, False, 0.0)

    @torch.no_grad()
    def step(self, frame: FlowInput) -> SceneFlow:
        older = self._older
        check_input(frame, older.input if older else None)
        newer = self._prepare(frame)
        self._older = newer
        if older is None:
            return no_motion(newer.input)
        contrast = (older.contrast * newer.contrast).sqrt()
        solution, pixel_iterations, warm = None, 0, False
        if self._solution is not None and self._config.warm_iterations:
            n = self._config.warm_iterations
            solution, cost = self._level(older.levels[0], newer.levels[0], contrast, self._solution, n)
            pixel_iterations += cost
            warm = True
        if solution is None:
            solution, cost = self._cold(older, newer, contrast)
            pixel_iterations += cost
        self._solution = solution
        self.work = Work(pixel_iterations, warm, 0.0)
        return scene_flow(older.input, newer.input, solution.motion[:2], solution.motion[2])

    def _prepare(self, frame: FlowInput) -> _Frame:
        frame = frame._replace(
            gray=frame.gray.to(self._device, torch.float32), depth_m=frame.depth_m.to(self._device)
        )
        if self._config.normalize_exposure:
            brightness = normalise(frame.gray)
        else:
            brightness = Brightness(frame.gray, torch.ones((), device=self._device))
        levels = build_levels(
            brightness.relative, frame.depth_m, PixelGrid.of(frame.camera), level_count(*frame.gray.shape)
        )
        return _Frame(frame, levels, brightness.contrast)

    def _cold(self, older, newer, contrast):
        iterations = schedule(self._config.iterations, len(older.levels))
        solution = Solution.zero(*older.levels[-1].depth_m.shape, self._device)
        total = 0
        for k in reversed(range(len(older.levels))):
            level = older.levels[k]
            height, width = level.depth_m.shape
            if k < len(older.levels) - 1:
                solution = Solution(*(upsample(part, height, width) for part in solution))
                solution.motion[:2] *= 2
            solution, cost = self._level(level, newer.levels[k], contrast, solution, iterations[k])
            total += cost
        return solution, total

    def _level(self, older, newer, contrast, start, iterations):
        terms = linearise(older, newer, start.motion[:2], contrast)
        solution = solve(terms, older.weights, start, iterations)
        flow_px, change_m = solution.motion[:2], solution.motion[2:]
        step = (flow_px - start.motion[:2]).clamp_(-_LARGEST_STEP_PX, _LARGEST_STEP_PX)
        motion = torch.cat((start.motion[:2] + step, change_m * (older.depth_m > 0)))
        motion = filter_median(motion, older.depth_m, terms.depth_difference_m)
        return solution._replace(motion=motion), iterations * older.depth_m.numel()
