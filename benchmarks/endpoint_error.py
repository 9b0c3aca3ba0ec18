# SPDX-License-Identifier: Apache-2.0
"""End-point errors of scene flow against the truth."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from torch import Tensor

from affordance_seg_ros.frames import SceneFlow


class EndpointError(NamedTuple):
    """Mean distances of estimated and true motion over some pixels of a pair.

    Attributes:
        epe2d_px: Mean error of the optical flow [px]; NaN without pixels.
        epe3d_mm: Mean error of the 3D motion, where the estimator calls it valid [mm].
        valid_fraction: Share of the pixels where it does.
        pixels: Number of pixels with truth.
    """

    epe2d_px: float
    epe3d_mm: float
    valid_fraction: float
    pixels: int


def endpoint_error(
    estimate: SceneFlow, truth: SceneFlow, mask: Tensor | None = None
) -> EndpointError:
    """Compare where the truth is valid.

    Args:
        estimate: Estimated flow.
        truth: True flow on the same grid.
        mask: (H, W) bool that limits the comparison, for example to moving pixels.
    """
    known = truth.valid if mask is None else truth.valid & mask
    both = known & estimate.valid
    distance_px = (estimate.flow_px - truth.flow_px).norm(dim=0)
    distance_m = (estimate.motion_m - truth.motion_m).norm(dim=0)
    return EndpointError(
        float(distance_px[known].mean()),
        1000 * float(distance_m[both].mean()),
        float(both.sum() / known.sum()),
        int(known.sum()),
    )


def mean_error(errors: Iterable[EndpointError]) -> EndpointError:
    """Return the mean over pairs, equally weighted, and the sum of their pixels."""
    table = np.array([tuple(error) for error in errors])
    return EndpointError(*(float(mean) for mean in table[:, :3].mean(0)), int(table[:, 3].sum()))
