# SPDX-License-Identifier: Apache-2.0
"""The order in which the kernels of a frame and of a pair run."""

from typing import Any

import triton
from torch import Tensor
from triton.runtime.interpreter import InterpretedFunction

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.flow.exposure import measure_brightness
from affordance_seg_ros.flow.incremental import schedule, warps
from affordance_seg_ros.flow.iterations import Iterations
from affordance_seg_ros.flow.kernels.buffers import Buffers, LevelBuffers
from affordance_seg_ros.flow.kernels.frame import describe_surface, halve, sum_depth
from affordance_seg_ros.flow.kernels.iteration import begin, iterate
from affordance_seg_ros.flow.kernels.level_end import filter_median, refine
from affordance_seg_ros.flow.kernels.pair import (
    back_project,
    carry,
    choose_start,
    linearise,
    measure_misfit,
)
from affordance_seg_ros.flow.kernels.search import fit_shifts, jump
from affordance_seg_ros.flow.primal_dual import SMOOTHNESS_DEPTH, SMOOTHNESS_FLOW
from affordance_seg_ros.flow.search import (
    LARGEST_COST_SHARE,
    NEIGHBOURHOOD_PX,
    NOT_SEEN,
    OTHER_BRIGHTNESS,
    OTHER_SURFACE_M,
)

INTERPRETED = isinstance(iterate, InterpretedFunction)
"""Whether Triton interprets the kernels on the CPU (TRITON_INTERPRET=1) instead of compiling."""

_BLOCK = 128
# Every operation of an interpreted program costs the same, whatever its size.
_INTERPRETED_BLOCK = 8192


class FusedSolver:
    """Runs the kernels over static buffers, without ever asking the device for a result.

    A warm start's kernels and a cold start's are both launched; those of the start that was not
    chosen return at once. So the host need not know the choice, and both can be in one graph.

    Args:
        buffers: The stream's memory.
        config: Options; the iterations are given with each pair.
    """

    def __init__(self, buffers: Buffers, config: FlowConfig) -> None:
        self._buffers = buffers
        self._config = config

    def prepare(self) -> None:
        """Fill the newer frame's levels from `Buffers.gray` and the finest level's depth."""
        buffers = self._buffers
        brightness = measure_brightness(buffers.gray, normalize=self._config.normalize_exposure)
        buffers.contrasts[1].copy_(brightness.contrast)
        buffers.levels[0].newer[0].copy_(brightness.relative)
        for k, level in enumerate(buffers.levels):
            if k:
                finer = buffers.levels[k - 1]
                _launch(halve, level.size, finer.newer, level.newer, *finer.size, *level.size)
            programs = _launch(sum_depth, level.size, level.newer, buffers.sums, *level.size)
            _launch(
                describe_surface, level.size, level.newer, buffers.sums, buffers.cameras[k],
                *level.size, SUMS=triton.next_power_of_2(programs),
            )  # fmt: skip

    def solve(self, iterations: Iterations) -> None:
        """Write the scene flow of the pair, and what the next pair needs from it."""
        self._choose_start()
        cold, warm = self._buffers.runs
        finest = self._buffers.levels[0]
        if self._config.warm_iterations:
            self._begin(finest, finest.start, warm)
            self._solve_level(finest, warm, iterations.warm)
        self._coarse_to_fine(cold, schedule(iterations.cold, len(self._buffers.levels)))
        self._finish()

    def advance(self) -> None:
        """Make the newer frame the older one."""
        buffers = self._buffers
        buffers.older.copy_(buffers.newer)
        buffers.contrasts[0].copy_(buffers.contrasts[1])

    def _choose_start(self) -> None:
        buffers, finest = self._buffers, self._buffers.levels[0]
        _launch(carry, finest.size, finest.motion, finest.start, *finest.size)
        self._linearise(finest, finest.start, buffers.always)
        self._measure_misfit(finest.start, buffers.misfit)
        count = buffers.patches.total
        choose_start[(1,)](
            buffers.misfit, buffers.reference, buffers.first, self._config.warm_residual_ratio,
            buffers.runs, buffers.rise, count, BLOCK=triton.next_power_of_2(count),
        )  # fmt: skip

    def _coarse_to_fine(self, run: Tensor, iterations: list[int]) -> None:
        levels = self._buffers.levels
        for k in reversed(range(len(levels))):
            level = levels[k]
            if k == len(levels) - 1:
                self._begin(level, level.start, run, zero=True)
            else:
                coarser = levels[k + 1]
                _launch(
                    refine, level.size, coarser.motion, coarser.states[iterations[k + 1] % 2],
                    level.start, level.states[0], run, *coarser.size, *level.size, planes=10,
                )  # fmt: skip
            if k == len(levels) - 2:
                self._search(level, run)
            for warp in range(warps(k)):
                if warp:
                    self._begin(level, level.motion, run)
                self._linearise(level, level.start, run)
                self._solve_level(level, run, iterations[k])

    def _begin(
        self, level: LevelBuffers, motion: Tensor, run: Tensor, *, zero: bool = False
    ) -> None:
        _launch(
            begin, level.size, motion, level.start, level.states[0], run, *level.size,
            ZERO=int(zero),
        )  # fmt: skip

    def _search(self, level: LevelBuffers, run: Tensor) -> None:
        """Move the level's start to where it fits clearly better; the duals restart at zero."""
        buffers = self._buffers
        count = len(buffers.shifts)
        _launch(
            fit_shifts, (count * level.size[0], level.size[1]), level.older, level.newer,
            level.start, buffers.contrasts, buffers.shifts, buffers.costs, run, count,
            *level.size, OTHER_BRIGHTNESS=OTHER_BRIGHTNESS, OTHER_SURFACE_M=OTHER_SURFACE_M,
            NOT_SEEN=NOT_SEEN,
        )  # fmt: skip
        together = 1024 if INTERPRETED else 4
        jump[(triton.cdiv(level.size[0] * level.size[1], together),)](
            buffers.costs, buffers.shifts, buffers.prices, level.start, run, count, *level.size,
            REACH=NEIGHBOURHOOD_PX // 2, LARGEST_SHARE=LARGEST_COST_SHARE,
            SHIFTS=triton.next_power_of_2(count), PIXELS=together,
        )  # fmt: skip
        self._begin(level, level.start, run)

    def _solve_level(self, level: LevelBuffers, run: Tensor, iterations: int) -> None:
        """Iterate from the level's first state, and clean up the result."""
        for k in range(iterations):
            _launch(
                iterate, level.size, level.states[k % 2], level.states[1 - k % 2], level.terms,
                level.older[2:4], run, *level.size,
                SMOOTHNESS_FLOW=SMOOTHNESS_FLOW, SMOOTHNESS_DEPTH=SMOOTHNESS_DEPTH,
            )  # fmt: skip
        _launch(
            filter_median, level.size, level.states[iterations % 2], level.start, level.older,
            level.terms, level.motion, run, *level.size, planes=3,
        )  # fmt: skip

    def _finish(self) -> None:
        buffers, finest = self._buffers, self._buffers.levels[0]
        if self._config.warm_iterations:
            self._linearise(finest, finest.motion, buffers.always)
            self._measure_misfit(finest.motion, buffers.reference)
            buffers.first.zero_()
        _launch(
            back_project, finest.size, finest.motion, finest.older, finest.newer,
            buffers.older_rays, buffers.newer_rays, buffers.flow, buffers.valid, *finest.size,
        )  # fmt: skip

    def _linearise(self, level: LevelBuffers, motion: Tensor, run: Tensor) -> None:
        _launch(
            linearise, level.size, level.older, level.newer, motion, self._buffers.contrasts,
            level.terms, run, *level.size,
        )  # fmt: skip

    def _measure_misfit(self, motion: Tensor, misfit: Tensor) -> None:
        patches, finest = self._buffers.patches, self._buffers.levels[0]
        together = triton.next_power_of_2(patches.total) if INTERPRETED else 1
        measure_misfit[(triton.cdiv(patches.total, together),)](
            finest.terms, motion, finest.older, misfit, *finest.size, patches.side,
            patches.columns, patches.total, PATCHES=together,
            BLOCK=triton.next_power_of_2(patches.side**2),
        )  # fmt: skip


def _launch(
    kernel: Any, size: tuple[int, int], *arguments: Any, planes: int = 1, **constants: Any
) -> int:
    """Launch a kernel over the pixels of a level; return the number of programs per plane."""
    pixels = size[0] * size[1]
    block = min(triton.next_power_of_2(pixels), _INTERPRETED_BLOCK) if INTERPRETED else _BLOCK
    programs = int(triton.cdiv(pixels, block))
    kernel[(programs, planes)](*arguments, BLOCK=block, **constants)
    return programs
