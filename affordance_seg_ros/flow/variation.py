# SPDX-License-Identifier: Apache-2.0
"""Total variation on the observed surface: its weights, differences, and their adjoint.

Differences are divided by the distance of neighbouring points in space. A depth jump or the rim
of a hole is far across, so its weight is small and the motions on both sides are free to differ.

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
        (2, H, W) float32 [1/m]: 1 between two holes, and 0 on the last column (row), which has no
        next one. So no operator here needs to treat the borders apart.
    """
    height, width = depth_m.shape
    x = (torch.arange(width, device=depth_m.device) - grid.cx) / grid.fx
    y = (torch.arange(height, device=depth_m.device) - grid.cy) / grid.fy
    weights = torch.zeros(2, height, width, device=depth_m.device)
    weights[0, :, :-1] = _inverse_distance((x * depth_m).diff(dim=1), depth_m.diff(dim=1))
    weights[1, :-1, :] = _inverse_distance((y[:, None] * depth_m).diff(dim=0), depth_m.diff(dim=0))
    return weights


def surface_gradient(image: Tensor, weights: Tensor) -> Tensor:
    """Return the derivatives of an image by pixel, of the surface that each pixel belongs to.

    The weighted mean of the differences to both neighbours takes the neighbour on the same
    surface and leaves the one across a depth jump.

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
        dual: (2, ..., H, W) float32; its last column (first part) and row (second part) stay.
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


def _inverse_distance(first: Tensor, second: Tensor) -> Tensor:
    distance = torch.hypot(first, second)
    return torch.where(distance > 0, 2 / distance, torch.ones_like(distance))
