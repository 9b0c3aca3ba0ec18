# SPDX-License-Identifier: Apache-2.0
"""Reading images at positions between pixels."""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

# A shortfall below this in the four pixels' total weight of 1 is rounding.
_ROUNDING = 1e-3


def targets(flow_px: Tensor) -> Tensor:
    """Return where each pixel (x, y) goes: (2, H, W) float32 columns x + u and rows y + v."""
    height, width = flow_px.shape[-2:]
    return flow_px + _pixels(height, width, flow_px.device)


def inside(position_px: Tensor) -> Tensor:
    """Return (H, W) bool: whether positions (2, H, W) fall on a pixel of an equally large image."""
    height, width = position_px.shape[-2:]
    x, y = position_px.unbind()
    return (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)


def sample(images: Tensor, position_px: Tensor, *, mode: str = "bilinear") -> Tensor:
    """Read images at positions, which are clamped to the image.

    Args:
        images: (C, H, W) float32.
        position_px: (2, h, w) float32 columns and rows [px].
        mode: 'bilinear' or 'nearest'.

    Returns:
        (C, h, w) float32.
    """
    height, width = images.shape[-2:]
    x = position_px[0] * (2 / max(width - 1, 1)) - 1
    y = position_px[1] * (2 / max(height - 1, 1)) - 1
    grid = torch.stack((x, y), -1)[None]
    sampled: Tensor = functional.grid_sample(
        images[None], grid, mode, padding_mode="border", align_corners=True
    )
    return sampled[0]


def sample_depth(depth_m: Tensor, position_px: Tensor) -> Tensor:
    """Read depth at positions: bilinear where all four pixels around have depth, else the nearest.

    Args:
        depth_m: (H, W) float32 [m], 0 = no depth.
        position_px: (2, h, w) float32 columns and rows [px].

    Returns:
        (h, w) float32 [m], 0 = no depth.
    """
    smooth, seen = sample(torch.stack((depth_m, (depth_m > 0).float())), position_px)
    nearest = sample(depth_m[None], position_px, mode="nearest")[0]
    return torch.where(seen > 1 - _ROUNDING, smooth / seen.clamp(min=0.5), nearest)


@lru_cache(maxsize=32)
def _pixels(height: int, width: int, device: torch.device) -> Tensor:
    y, x = torch.meshgrid(
        torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij"
    )
    return torch.stack((x, y)).to(torch.float32)
