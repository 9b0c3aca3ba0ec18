# SPDX-License-Identifier: Apache-2.0
"""How badly a flow fits a pair of frames, patch by patch."""

from torch import Tensor
from torch.nn import functional

from affordance_seg_ros.flow.level import DataTerms, Level

PATCHES_ALONG = 16
_ROUNDING = 0.25
"""Misfit [grey levels] that rounding brightness to 8 bits causes anyway."""


def patch_misfit(terms: DataTerms, depth_change_m: Tensor, older: Level) -> Tensor:
    """Return the mean of the energy's data terms in patches of the picture.

    Args:
        terms: Data terms, linearised at the flow in question.
        depth_change_m: (H, W) float32 change of depth that goes with the flow [m].
        older: The level on whose grid the flow lives; pixels without depth count as zero.

    Returns:
        (rows, columns) float32 grey levels, 16 patches along the longer side.
    """
    depth_misfit = terms.depth_factor * (terms.depth_difference_m - depth_change_m).abs()
    misfit = (terms.difference.abs() + depth_misfit) * (older.depth_m > 0)
    side = max(1, max(misfit.shape) // PATCHES_ALONG)
    return functional.avg_pool2d(misfit[None], side, ceil_mode=True, count_include_pad=False)[0]


def rise(misfit: Tensor, reference: Tensor) -> float:
    """Return the largest ratio of any patch's misfit to the reference there.

    The mean over the picture says little: a hand that starts to move covers a few patches and
    raises the mean by a few per cent, but the patches themselves tenfold. So that noise in patches
    that fitted perfectly does not count as a rise, the reference is at least its own mean, and the
    mean at least what rounding causes.

    Args:
        misfit: (rows, columns) float32.
        reference: (rows, columns) float32, of an earlier pair.
    """
    floor = reference.mean().clamp(min=_ROUNDING)
    return float((misfit / reference.maximum(floor)).max())
