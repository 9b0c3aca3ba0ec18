# SPDX-License-Identifier: Apache-2.0
"""The weighted median that ends a pyramid level."""

import torch
from torch import Tensor
from torch.nn import functional


def filter_median(motion: Tensor, depth_m: Tensor, depth_difference_m: Tensor) -> Tensor:
    """Replace every unknown by the weighted median of its 3x3 neighbourhood.

    Neighbours at another depth, or whose depth did not fit, weigh less; those without depth or
    beyond the border weigh nothing. Between two values the median is interpolated at half the
    cumulative weight.

    Args:
        motion: (C, H, W) float32.
        depth_m: (H, W) float32 depth of the older frame [m], 0 = no depth.
        depth_difference_m: (H, W) float32 depth residual [m].

    Returns:
        (C, H, W) float32; unchanged where there is no depth.
    """
    neighbour_m, misfit_m = _neighbours(torch.stack((depth_m, depth_difference_m)))
    weight = 1 / (1 + 5 * (neighbour_m - depth_m[..., None]) ** 2 + 10 * misfit_m**2)
    weight *= neighbour_m > 0  # (H, W, 9)
    values = _neighbours(motion).masked_fill(weight == 0, torch.inf)  # these are sorted last
    values, order = values.sort(dim=-1)  # (C, H, W, 9)
    weight = weight.expand_as(values).gather(-1, order)

    # Each value stands at the middle of its share of the cumulative weight.
    cumulative = weight.cumsum(-1)
    middle = cumulative - weight / 2
    half = cumulative[..., -1:] / 2
    upper = (middle <= half).sum(-1, keepdim=True).clamp_(1, 8)
    low, high = values.gather(-1, upper - 1), values.gather(-1, upper)
    low_at, high_at = middle.gather(-1, upper - 1), middle.gather(-1, upper)
    between = low + (high - low) * (half - low_at) / (high_at - low_at)
    median = torch.where(high.isfinite(), between, low)[..., 0]
    return torch.where(depth_m > 0, median, motion)


def _neighbours(images: Tensor) -> Tensor:
    """The 3x3 neighbourhoods (C, H, W, 9); zeros beyond the border."""
    return functional.pad(images, (1, 1, 1, 1)).unfold(1, 3, 1).unfold(2, 3, 1).flatten(-2)
