# SPDX-License-Identifier: Apache-2.0
"""One pyramid level of a frame, and the data terms between the levels of two frames."""

from typing import NamedTuple

import torch
from torch import Tensor

from affordance_seg_ros.flow.pyramid import downsample_brightness, downsample_depth
from affordance_seg_ros.flow.variation import PixelGrid, surface_gradient, surface_weights
from affordance_seg_ros.flow.warp import sample, sample_depth, targets


class Level(NamedTuple):
    """All that a frame contributes at one resolution, first as the newer, then as the older frame.

    Attributes:
        brightness: (H, W) float32.
        depth_m: (H, W) float32 [m], 0 = no depth.
        weights: (2, H, W) float32 [1/m], see `surface_weights`.
        brightness_gradient: (2, H, W) float32 [1/px].
        depth_gradient_m: (2, H, W) float32 [m/px], 0 where there is no depth.
    """

    brightness: Tensor
    depth_m: Tensor
    weights: Tensor
    brightness_gradient: Tensor
    depth_gradient_m: Tensor


class DataTerms(NamedTuple):
    """Coefficients of brightness and depth constancy, linearised around a flow.

    For a flow (u, v) and a change of depth w the residuals are
    brightness_t + brightness_x u + brightness_y v and depth_t + depth_x u + depth_y v - w.

    Attributes:
        brightness: (H, W) float32 constant of the brightness residual.
        brightness_gradient: (2, H, W) float32 [1/px].
        depth_m: (H, W) float32 constant of the depth residual [m].
        depth_gradient_m: (2, H, W) float32 [m/px].
        depth_factor: (H, W) float32 weight μ of the depth residual [1/m].
        difference: (H, W) float32 brightness residual at the flow of linearisation.
        depth_difference_m: (H, W) float32 depth residual there, without w [m].
    """

    brightness: Tensor
    brightness_gradient: Tensor
    depth_m: Tensor
    depth_gradient_m: Tensor
    depth_factor: Tensor
    difference: Tensor
    depth_difference_m: Tensor


def build_levels(brightness: Tensor, depth_m: Tensor, grid: PixelGrid, count: int) -> list[Level]:
    """Return the pyramid of a frame, finest level first.

    Args:
        brightness: (H, W) float32.
        depth_m: (H, W) float32 [m], 0 = no depth.
        grid: Intrinsics of the finest level.
        count: Number of levels.
    """
    levels = []
    for k in range(count):
        if k:
            brightness, depth_m = downsample_brightness(brightness), downsample_depth(depth_m)
            grid = grid.halved()
        weights = surface_weights(depth_m, grid)
        depth_gradient_m = surface_gradient(depth_m, weights) * (depth_m > 0)
        levels.append(
            Level(
                brightness, depth_m, weights, surface_gradient(brightness, weights),
                depth_gradient_m,
            )
        )  # fmt: skip
    return levels


def linearise(older: Level, newer: Level, flow_px: Tensor, contrast: Tensor) -> DataTerms:
    """Warp the newer level to the older one by a flow and linearise the data terms there.

    Args:
        older: The level on whose grid the flow lives.
        newer: The same level of the newer frame.
        flow_px: (2, H, W) float32 flow around which to linearise [px].
        contrast: () float32 factor that brings brightness to grey values of 0..255.
    """
    position_px = targets(flow_px)
    planes = torch.cat((newer.brightness[None], newer.brightness_gradient, newer.depth_gradient_m))
    warped = sample(planes, position_px)
    depth_m = sample_depth(newer.depth_m, position_px)
    brightness_gradient = warped[1:3] * contrast
    depth_gradient_m = warped[3:]
    difference = (warped[0] - older.brightness) * contrast
    depth_difference_m = (depth_m - older.depth_m) * (depth_m > 0)
    change = torch.cat((depth_gradient_m, depth_difference_m[None])).square_().sum(0)
    return DataTerms(
        difference - (brightness_gradient * flow_px).sum(0),
        brightness_gradient,
        depth_difference_m - (depth_gradient_m * flow_px).sum(0),
        depth_gradient_m,
        75 / (1 + 1000 * change),
        difference,
        depth_difference_m,
    )
