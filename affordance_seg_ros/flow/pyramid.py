# SPDX-License-Identifier: Apache-2.0
"""Image pyramids: brightness and depth by factors of two, and fields back up again."""

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
    smooth = (_taps(image) * kernel).sum((-2, -1))
    return smooth / (_taps(torch.ones_like(image)) * kernel).sum((-2, -1))


def downsample_depth(depth_m: Tensor) -> Tensor:
    """Return every second pixel of the depth, smoothed within surfaces but not across them.

    Args:
        depth_m: (H, W) float32 [m], 0 = no depth.

    Returns:
        (ceil(H/2), ceil(W/2)) float32 [m], 0 where the centre pixel has no depth.
    """
    taps = _taps(depth_m)  # (h, w, 5, 5)
    centre = depth_m[::2, ::2, None, None]
    closeness = (_SAME_SURFACE_M - (taps - centre).abs()).clamp_(min=0)
    # In the centre's own term, so that a hole (centre 0) stays one whatever surrounds it.
    weight = closeness * _kernel(depth_m) * ((taps > 0) & (centre > 0))
    total = weight.sum((-2, -1))
    smooth = (weight * taps).sum((-2, -1)) / total
    return torch.where(total > 0, smooth, torch.zeros_like(smooth))


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
    """A view (ceil(H/2), ceil(W/2), 5, 5) of the neighbourhoods of every second pixel."""
    return functional.pad(image, (2, 2, 2, 2)).unfold(0, 5, 2).unfold(1, 5, 2)


def _kernel(image: Tensor) -> Tensor:
    line = image.new_tensor(_BINOMIAL)
    return line[:, None] * line
