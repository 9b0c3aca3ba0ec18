# SPDX-License-Identifier: Apache-2.0
"""Search for motion that is too large for gradients to find.

A hand moves tens of pixels from one frame to the next at ten frames a second. On the pyramid level
where that would be the pixel or two that gradients reach, the hand itself is gone. So on a level
where it is still there, every pixel looks around for a place where its neighbourhood fits clearly
better.
"""

import torch
from torch import Tensor
from torch.nn import functional

from affordance_seg_ros.flow.level import Level
from affordance_seg_ros.flow.warp import inside, sample, sample_depth, targets

SEARCH_RADIUS_PX = 5
NEIGHBOURHOOD_PX = 5
# A difference beyond these means another object, however large it is.
OTHER_BRIGHTNESS = 40.0
OTHER_SURFACE_M = 0.08
NOT_SEEN = 2.0
# Measured on posed recordings, where gradients reach everything: a lower price of distance and a
# smaller gain make repetitive textures jump (docs/scene_flow.md).
PRICE_OF_DISTANCE = 0.15
LARGEST_COST_SHARE = 0.8


def search(older: Level, newer: Level, flow_px: Tensor, contrast: Tensor) -> Tensor:
    """Move the flow of each pixel to where its neighbourhood fits clearly better, if anywhere.

    Args:
        older: The level on whose grid the flow lives.
        newer: The same level of the newer frame.
        flow_px: (2, H, W) float32 flow around which to look [px].
        contrast: () float32 factor that brings brightness to grey values of 0..255.

    Returns:
        (2, H, W) float32, whole pixels (at most 5 in each direction) away from the given flow.
    """
    shift_px = shifts(flow_px.device)
    candidate_px = flow_px + shift_px[:, :, None, None]  # (N, 2, H, W), the flow itself first
    cost = _cost(older, newer, candidate_px, contrast)
    price = PRICE_OF_DISTANCE * shift_px.norm(dim=1) / SEARCH_RADIUS_PX
    least, best = (cost + price[:, None, None]).min(0)
    found_px = candidate_px.gather(0, best.expand(1, 2, -1, -1))[0]
    return torch.where(least < LARGEST_COST_SHARE * cost[0], found_px, flow_px)


def _cost(older: Level, newer: Level, flow_px: Tensor, contrast: Tensor) -> Tensor:
    """How badly neighbourhoods fit: (N, H, W) in 0..2 for flows (N, 2, H, W)."""
    count, _, height, width = flow_px.shape
    position_px = torch.stack([targets(flow) for flow in flow_px], 1)  # (2, N, H, W)
    rows_px = position_px.view(2, count * height, width)
    brightness = sample(newer.brightness[None], rows_px).view(count, height, width)
    depth_m = sample_depth(newer.depth_m, rows_px).view(count, height, width)
    unlike = ((brightness - older.brightness) * contrast).abs().div_(OTHER_BRIGHTNESS)
    apart = (depth_m - older.depth_m).abs().div_(OTHER_SURFACE_M)
    seen = (depth_m > 0) & (older.depth_m > 0)
    # Where depth is missing, brightness speaks for both: a hole is no reason to look elsewhere.
    cost = unlike.clamp_(max=1) + apart.clamp_(max=1).where(seen, unlike)
    cost = cost.where(inside(position_px), NOT_SEEN)
    return functional.avg_pool2d(
        cost, NEIGHBOURHOOD_PX, 1, NEIGHBOURHOOD_PX // 2, count_include_pad=False
    )


def shifts(device: torch.device) -> Tensor:
    """Return all whole-pixel shifts within the radius (N, 2), the zero shift first."""
    line = torch.arange(-SEARCH_RADIUS_PX, SEARCH_RADIUS_PX + 1, device=device)
    shift_px = torch.cartesian_prod(line, line).float()
    return shift_px[shift_px.norm(dim=1).argsort(stable=True)]
