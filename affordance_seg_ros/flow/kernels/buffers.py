# SPDX-License-Identifier: Apache-2.0
"""The static tensors that the kernels of one stream read and write."""

from typing import NamedTuple

import torch
from torch import Tensor

from affordance_seg_ros.flow.misfit import PATCHES_ALONG
from affordance_seg_ros.flow.pyramid import level_count
from affordance_seg_ros.flow.search import PRICE_OF_DISTANCE, SEARCH_RADIUS_PX, shifts

_FRAME_PLANES = 8


class LevelBuffers(NamedTuple):
    """One pyramid level of size (H, W).

    Attributes:
        older: (8, H, W) float32 level of the older frame, see `kernels.frame`.
        newer: (8, H, W) float32 level of the newer frame.
        terms: (9, H, W) float32 data terms, see `kernels.pair`.
        start: (3, H, W) float32 motion at which the level starts.
        states: Two of (13, H, W) float32, see `kernels.iteration`.
        motion: (3, H, W) float32 motion at which the level ends.
    """

    older: Tensor
    newer: Tensor
    terms: Tensor
    start: Tensor
    states: tuple[Tensor, Tensor]
    motion: Tensor

    @property
    def size(self) -> tuple[int, int]:
        """Height and width [px]."""
        return self.motion.shape[1], self.motion.shape[2]


class Patches(NamedTuple):
    """The patches in which the misfit is measured: side [px], number of rows and of columns."""

    side: int
    rows: int
    columns: int

    @classmethod
    def of(cls, height: int, width: int) -> "Patches":
        """Return the patches of a picture, as `flow.misfit` cuts it."""
        side = max(1, max(height, width) // PATCHES_ALONG)
        return cls(side, -(-height // side), -(-width // side))

    @property
    def total(self) -> int:
        """Number of patches."""
        return self.rows * self.columns


class Buffers:
    """All memory for a stream of frames of one size; nothing else is allocated for its frames.

    Attributes:
        gray: (H, W) float32 brightness of the newest frame.
        older: Flat float32, the older frame at all levels.
        newer: Flat float32, the newer frame.
        levels: The levels, finest first; their frames are views into the two above.
        cameras: (levels, 4) float32 fx, fy, cx, cy of the newest frame [px].
        contrasts: (2,) float32 contrasts of the older and the newer frame.
        older_rays: (3, H, W) float32 points at depth 1 of the older frame's camera.
        newer_rays: (3, H, W) float32 the same for the newer frame's camera.
        sums: Scratch for sums over a level.
        shifts: (N, 2) float32 shifts of the search [px].
        prices: (N,) float32 added to the cost of each shift.
        costs: Scratch for the search, (N, h, w) float32 at the level that it looks at.
        misfit: (patches,) float32 misfit of the motion carried on.
        reference: (patches,) float32 misfit of the last result.
        first: () int32, 1 where there is no last result.
        runs: (2,) int32: whether the pair starts cold, whether it starts warm.
        always: () int32, 1.
        rise: () float32, see `flow.misfit.rise`.
        flow: (6, H, W) float32 result: u, v [px], w [m], motion [m].
        valid: (H, W) uint8 result.
    """

    def __init__(self, height: int, width: int, device: torch.device) -> None:
        def zeros(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.zeros(shape, dtype=dtype, device=device)

        sizes = [(height, width)]
        for _ in range(level_count(height, width) - 1):
            sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
        values = sum(_FRAME_PLANES * h * w for h, w in sizes)
        self.gray = zeros(height, width)
        self.older = zeros(values)
        self.newer = zeros(values)
        self.levels: list[LevelBuffers] = []
        offset = 0
        for h, w in sizes:
            end = offset + _FRAME_PLANES * h * w
            self.levels.append(
                LevelBuffers(
                    older=self.older[offset:end].view(_FRAME_PLANES, h, w),
                    newer=self.newer[offset:end].view(_FRAME_PLANES, h, w),
                    terms=zeros(9, h, w),
                    start=zeros(3, h, w),
                    states=(zeros(13, h, w), zeros(13, h, w)),
                    motion=zeros(3, h, w),
                )
            )
            offset = end
        self.cameras = zeros(len(sizes), 4)
        self.contrasts = torch.ones(2, device=device)
        self.older_rays = zeros(3, height, width)
        self.newer_rays = zeros(3, height, width)
        self.sums = zeros(2 * height * width)
        self.shifts = shifts(device)
        distance_px = self.shifts.norm(dim=1)
        self.prices = PRICE_OF_DISTANCE * distance_px / SEARCH_RADIUS_PX
        searched = sizes[max(0, len(sizes) - 2)]
        self.costs = zeros(len(self.shifts), *searched)
        self.patches = Patches.of(height, width)
        self.misfit = zeros(self.patches.total)
        self.reference = zeros(self.patches.total)
        self.first = torch.ones((), dtype=torch.int32, device=device)
        self.runs = zeros(2, dtype=torch.int32)
        self.always = torch.ones((), dtype=torch.int32, device=device)
        self.rise = zeros()
        self.flow = zeros(6, height, width)
        self.valid = zeros(height, width, dtype=torch.uint8)
