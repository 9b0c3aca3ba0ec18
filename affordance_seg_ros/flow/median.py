# SPDX-License-Identifier: Apache-2.0
"""The weighted median at the end of a pyramid level."""

import torch
from torch import Tensor
from torch.nn import functional

# Sorts nine values in 25 exchanges of neighbours i < j, the fewest possible. On whole images it
# is several times faster than sorting every pixel's nine values.
_EXCHANGES = (
    (0, 3), (1, 7), (2, 5), (4, 8), (0, 7), (2, 4), (3, 8), (5, 6), (0, 2), (1, 3), (4, 5), (7, 8),
    (1, 4), (3, 6), (5, 7), (0, 1), (2, 4), (3, 5), (6, 8), (2, 3), (4, 5), (6, 7), (1, 2), (3, 4),
    (5, 6),
)  # fmt: skip

# A float64 that holds a float32 has 29 bits to spare. A weight in 28 of them is rounded away when
# the value becomes a float32 again.
_WEIGHT_UNITS = 2**28 - 1
_WEIGHT_BITS = 2**29 - 1
_LAST = 1e30
"""Replaces the value of a neighbour that has no weight."""


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
    around = _neighbours(torch.cat((depth_m[None], depth_difference_m[None], motion)))
    neighbour_m, misfit_m = around[:, 0], around[:, 1]
    weights = 1 / (1 + 5 * (neighbour_m - depth_m).square_() + 10 * misfit_m.square())
    weights *= neighbour_m > 0  # (9, H, W)
    median = weighted_median(around[:, 2:], weights[:, None])
    return torch.where(depth_m > 0, median, motion)


def weighted_median(values: Tensor, weights: Tensor) -> Tensor:
    """Return the value at half the cumulative weight, interpolated between two values.

    Each value stands at the middle of its own share of the weight; so with equal weights this is
    the ordinary median.

    Args:
        values: (9, ...) float32.
        weights: (9, ...) float32 in [0, 1], of a shape that broadcasts with values; at least one
            weight is above 0.

    Returns:
        (...) float32.
    """
    v, w = _sorted(values, weights)
    half = weights.sum(0) / 2
    middle = w[0] / 2
    median = v[0].clone()
    for k in range(8):
        # Towards the middle of the next value, as far as is left to half the weight.
        way = (w[k] + w[k + 1]).mul_(0.5)
        share = (half - middle).div_(way.clamp(min=1e-10)).clamp_(0, 1)
        gap = (v[k + 1] - v[k]).mul_(w[k + 1].sign())  # 0 beyond the last value with a weight
        median.addcmul_(gap, share)
        middle += way
    return median


def _sorted(values: Tensor, weights: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Return values and their weights sorted by value, those without weight last.

    A neighbour's value and weight are sorted as one number: the minimum and maximum of two numbers
    take a tenth of the time of a choice between two by a third one.
    """
    seen = weights > 0
    packed = torch.where(seen, values, _LAST).double()
    packed.view(torch.int64).bitwise_or_(weights.mul(_WEIGHT_UNITS).to(torch.int64))
    order = list(packed.unbind())
    spare = torch.empty_like(order[0])
    for i, j in _EXCHANGES:
        torch.minimum(order[i], order[j], out=spare)
        torch.maximum(order[i], order[j], out=order[j])
        order[i], spare = spare, order[i]
    unit = 1 / _WEIGHT_UNITS
    return (
        [number.float() for number in order],
        [number.view(torch.int64).bitwise_and(_WEIGHT_BITS).float().mul_(unit) for number in order],
    )


def _neighbours(images: Tensor) -> Tensor:
    """The 3x3 neighbourhoods (9, C, H, W) of (C, H, W); zeros beyond the border."""
    height, width = images.shape[-2:]
    padded = functional.pad(images, (1, 1, 1, 1))
    return torch.stack(
        [padded[:, y : y + height, x : x + width] for y in range(3) for x in range(3)]
    )
