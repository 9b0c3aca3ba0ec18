# SPDX-License-Identifier: Apache-2.0
"""Image pyramids: brightness and depth down by factors of two, and fields back up."""

import math

import torch
from torch import Tensor
from torch.nn import functional

_COARSEST_SIDE_PX = 15
_SAME_SURFACE_M = 0.1
_BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def level_count(height: int, width: int) -> int:
    """Return how many levels bring the shorter side nearest to 15 pixels; at least one."""
    return 1 + max(0, round(math.log2(min(height, width) / _COARSEST_SIDE_PX)))


def downsample_brightness(image: Tensor) -> Tensor:
    """Return every second pixel of every second row of the smoothed image.

    Args:
        image: (H, W) float32.

    Returns:
        (ceil(H/2), ceil(W/2)) float32; the kernel is renormalised at the borders.
    """
    kernel = _kernel(image)
    smooth = (_taps(image) * kernel).sum(0)
    return smooth / (_taps(torch.ones_like(image)) * kernel).sum(0)


def downsample_depth(depth_m: Tensor) -> Tensor:
    """Return every second pixel of the depth, smoothed within surfaces but not across them.

    Args:
        depth_m: (H, W) float32 [m], 0 = no depth.

    Returns:
        (ceil(H/2), ceil(W/2)) float32 [m], 0 where the centre pixel has no depth.
    """
    taps = _taps(depth_m)  # (25, h, w)
    centre = depth_m[::2, ::2]
    weight = _SAME_SURFACE_M - (taps - centre).abs_()
    # Zero where the centre has no depth, so that a hole stays one whatever surrounds it.
    weight.clamp_(min=0).mul_(_kernel(depth_m)).mul_((taps > 0) & (centre > 0))
    total = weight.sum(0)
    smooth = weight.mul_(taps).sum(0) / total
    return smooth.where(total > 0, 0)


def upsample(coarse: Tensor, height: int, width: int) -> Tensor:
    """Return a field at twice the resolution: zeros inserted, then smoothed.

    Args:
        coarse: (..., ceil(height/2), ceil(width/2)) float32.
        height: Rows of the result [px].
        width: Columns of the result [px].

    Returns:
        (..., height, width) float32; the kernel is renormalised at the borders.
    """
    rows = _upsample_last(coarse.transpose(-1, -2), height).transpose(-1, -2)
    return _upsample_last(rows, width)


def _upsample_last(coarse: Tensor, size: int) -> Tensor:
    ones = torch.ones_like(coarse[(0,) * (coarse.ndim - 1)])
    return _interleaved(coarse)[..., :size] / _interleaved(ones)[:size]


def _interleaved(coarse: Tensor) -> Tensor:
    """The binomial kernel on zero-inserted samples: 1 6 1 falls on even pixels, 4 4 on odd."""
    padded = functional.pad(coarse, (1, 1))
    even = padded[..., :-2] + 6 * coarse + padded[..., 2:]
    odd = 4 * (coarse + padded[..., 2:])
    return torch.stack((even, odd), -1).flatten(-2)


def _taps(image: Tensor) -> Tensor:
    """The 5x5 neighbourhoods (25, ceil(H/2), ceil(W/2)) of every second pixel; zeros outside."""
    height, width = image.shape
    padded = functional.pad(image, (2, 2, 2, 2))
    return torch.stack(
        [padded[y : y + height : 2, x : x + width : 2] for y in range(5) for x in range(5)]
    )


def _kernel(image: Tensor) -> Tensor:
    line = image.new_tensor(_BINOMIAL)
    return (line[:, None] * line).view(25, 1, 1)
