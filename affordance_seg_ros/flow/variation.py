# SPDX-License-Identifier: Apache-2.0
"""Total variation on the observed surface: its weights, differences, and their adjoint.

Differences are divided by the distance between neighbouring points in space. It is large across
a depth jump or the rim of a hole, so the weight is small there and the motions on both sides are
free to differ.

Source:
    Jaimez, Souiai, Gonzalez-Jimenez, Cremers, "A primal-dual framework for real-time dense RGB-D
    scene flow", ICRA 2015, section III.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from affordance_seg_ros.camera import Camera


class PixelGrid(NamedTuple):
    """Pinhole intrinsics of one pyramid level [px]."""

    fx: float
    fy: float
    cx: float
    cy: float

    @classmethod
    def of(cls, camera: Camera) -> "PixelGrid":
        """Return the grid of a camera; lens distortion is too slight to matter for weights."""
        return cls(camera.fx, camera.fy, camera.cx, camera.cy)

    def halved(self) -> "PixelGrid":
        """Return the grid of every second pixel, the first one included."""
        return PixelGrid(self.fx / 2, self.fy / 2, self.cx / 2, self.cy / 2)


def surface_weights(depth_m: Tensor, grid: PixelGrid) -> Tensor:
    """Return the weights r = 2 / distance of the differences to the next column and row.

    Args:
        depth_m: (H, W) float32 [m], 0 = no depth.
        grid: Intrinsics of these pixels.

    Returns:
        (2, H, W) float32 [1/m]: 0 on the last column (row), which has no next one, so that no
        operator here needs to treat the borders separately. Between two pixels without depth, that
        of a facing surface at the mean depth: the published weight of 1 there, hundreds of times
        less than elsewhere, leaves the flow in holes to the noise of single pixels.
    """
    height, width = depth_m.shape
    x = (torch.arange(width, device=depth_m.device) - grid.cx) / grid.fx
    y = (torch.arange(height, device=depth_m.device) - grid.cy) / grid.fy
    mean_depth_m = depth_m.sum() / (depth_m > 0).sum().clamp(min=1)
    mean_depth_m = torch.where(mean_depth_m > 0, mean_depth_m, torch.ones_like(mean_depth_m))
    weights = torch.zeros(2, height, width, device=depth_m.device)
    for axis, dim, across, focal_px in ((0, 1, x, grid.fx), (1, 0, y[:, None], grid.fy)):
        distance = torch.hypot((across * depth_m).diff(dim=dim), depth_m.diff(dim=dim))
        distance = torch.where(distance > 0, distance, mean_depth_m / focal_px)
        weights[axis].narrow(dim, 0, distance.shape[dim]).copy_(2 / distance)
    return weights


def surface_gradient(image: Tensor, weights: Tensor) -> Tensor:
    """Return an image's derivatives by pixel position, within the surface each pixel belongs to.

    The weighted mean of the differences to both neighbours uses the neighbour on the same
    surface and ignores the one across a depth jump.

    Args:
        image: (H, W) float32.
        weights: (2, H, W) from `surface_weights`.

    Returns:
        (2, H, W) float32 derivatives along rows and columns; one-sided at the borders.
    """
    gradient = torch.zeros_like(weights)
    for axis, dim in ((0, 1), (1, 0)):
        weight = weights[axis].narrow(dim, 0, image.shape[dim] - 1)
        weighted = weight * image.diff(dim=dim)
        total = torch.zeros_like(image)
        for start in (0, 1):
            gradient[axis].narrow(dim, start, weight.shape[dim]).add_(weighted)
            total.narrow(dim, start, weight.shape[dim]).add_(weight)
        gradient[axis] /= total.clamp_(min=1e-10)
    return gradient


def add_differences(dual: Tensor, field: Tensor, step: float) -> None:
    """Add step times the differences of a field to the next column and row, in place.

    Args:
        dual: (2, ..., H, W) float32; its last column (first part) and row (second part) stay as is.
        field: (..., H, W) float32.
        step: The factor.
    """
    columns, rows = dual[0][..., :-1], dual[1][..., :-1, :]
    columns.add_(field[..., 1:], alpha=step).sub_(field[..., :-1], alpha=step)
    rows.add_(field[..., 1:, :], alpha=step).sub_(field[..., :-1, :], alpha=step)


def divergence(dual: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted divergence, the negative adjoint of the weighted differences.

    Args:
        dual: (2, C, H, W) float32.
        weights: (2, H, W) from `surface_weights`.

    Returns:
        (C, H, W) float32.
    """
    weighted = dual * weights[:, None]
    total = weighted[0] + weighted[1]
    total[..., 1:] -= weighted[0, ..., :-1]
    total[..., 1:, :] -= weighted[1, ..., :-1, :]
    return total


def project_to_unit_balls(dual: Tensor) -> None:
    """Shorten every vector dual[:, c, y, x] that is longer than 1 to length 1, in place."""
    scale = dual[0].square().addcmul_(dual[1], dual[1]).clamp_(min=1).rsqrt_()
    dual.mul_(scale)
