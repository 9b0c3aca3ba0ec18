# SPDX-License-Identifier: Apache-2.0
"""A pyramid whose coarser levels are built when they are first accessed."""

from collections.abc import Sequence
from typing import overload

from torch import Tensor

from affordance_seg_ros.flow.level import Level, build_levels
from affordance_seg_ros.flow.pyramid import (
    downsample_brightness,
    downsample_depth,
    level_count,
)
from affordance_seg_ros.flow.variation import PixelGrid


class LazyLevels(Sequence[Level]):
    """The levels of a frame, finest first, as `build_levels` returns them.

    A warm start needs only the finest one: at 320x240 the rest takes half of the pyramid's time.

    Args:
        brightness: (H, W) float32.
        depth_m: (H, W) float32 [m], 0 = no depth.
        grid: Intrinsics of the finest level.
    """

    def __init__(self, brightness: Tensor, depth_m: Tensor, grid: PixelGrid) -> None:
        self._finest = (brightness, depth_m, grid)
        self._count = level_count(*depth_m.shape)
        self._levels = build_levels(*self._finest, 1)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Level: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Level]: ...
    def __getitem__(self, index: int | slice) -> Level | Sequence[Level]:
        if index != 0 and len(self._levels) < self._count:
            brightness, depth_m, grid = self._finest
            self._levels += build_levels(
                downsample_brightness(brightness),
                downsample_depth(depth_m),
                grid.halved(),
                self._count - 1,
            )
        return self._levels[index]
