# SPDX-License-Identifier: Apache-2.0
"""The weighted median that ends a pyramid level."""

import torch
from torch import Tensor
from torch.nn import functional

# Sorts nine values in 25 exchanges of neighbours i < j, the fewest possible. On whole images it
# is several times faster than a sort of every pixel's nine values.
_EXCHANGES = (
    (0, 3), (1, 7), (2, 5), (4, 8), (0, 7), (2, 4), (3, 8), (5, 6), (0, 2), (1, 3), (4, 5), (7, 8),
    (1, 4), (3, 6), (5, 7), (0, 1), (2, 4), (3, 5), (6, 8), (2, 3), (4, 5), (6, 7), (1, 2), (3, 4),
    (5, 6),
)  # fmt: skip


def filter_median(motion: Tensor, depth_m: Tensor, depth_difference_m: Tensor) -> Tensor:
    """Replace every unknown by the weighted median of its 3x3 neighbourhood.

    Neighbours at another depth, or whose depth did not fit, weigh less; those without depth or
    beyond the border weigh nothing.

    Args:
        motion: (C, H, W) float32.
        depth_m: (H, W) float32 depth of the older frame [m], 0 = no depth.
        depth_difference_m: (H, W) float32 depth residual [m].

    Returns:
        (C, H, W) float32; unchanged where there is no depth.
    """
    neighbour_m, misfit_m = _neighbours(torch.stack((depth_m, depth_difference_m))).unbind(1)
    weights = 1 / (1 + 5 * (neighbour_m - depth_m).square_() + 10 * misfit_m.square_())
    weights *= neighbour_m > 0  # (9, H, W)
    values = _neighbours(motion).masked_fill_((weights == 0)[:, None], torch.inf)  # sorted last
    weights = weights[:, None].expand_as(values)  # (9, C, H, W)
    return torch.where(depth_m > 0, weighted_median(values, weights), motion)


def weighted_median(values: Tensor, weights: Tensor) -> Tensor:
    """Return the value at half the cumulative weight, interpolated between two values.

    Each value stands at the middle of its own share of the weight; so with equal weights this is
    the ordinary median.

    Args:
        values: (9, ...) float32; inf where the weight is 0.
        weights: (9, ...) float32, not negative.

    Returns:
        (...) float32; inf where all weights are 0.
    """
    v, w = list(values.unbind()), list(weights.unbind())
    for i, j in _EXCHANGES:
        swap = v[i] > v[j]
        v[i], v[j] = v[i].minimum(v[j]), v[i].maximum(v[j])
        w[i], w[j] = w[j].where(swap, w[i]), w[i].where(swap, w[j])
    half = weights.sum(0) / 2
    middle = w[0] / 2
    median = v[0].clone()
    for k in range(8):
        # Up to the middle of the next value, by as much of the way as is left to half the weight.
        way = (w[k] + w[k + 1]) / 2
        share = ((half - middle) / way.clamp(min=1e-10)).clamp_(0, 1)
        median += (v[k + 1] - v[k]).where(w[k + 1] > 0, 0) * share
        middle += way
    return median


def _neighbours(images: Tensor) -> Tensor:
    """The 3x3 neighbourhoods (9, C, H, W) of (C, H, W); zeros beyond the border."""
    height, width = images.shape[-2:]
    padded = functional.pad(images, (1, 1, 1, 1))
    return torch.stack(
        [padded[:, y : y + height, x : x + width] for y in range(3) for x in range(3)]
    )
