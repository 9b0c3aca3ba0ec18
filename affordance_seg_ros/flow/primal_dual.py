# SPDX-License-Identifier: Apache-2.0
"""The primal-dual iteration that finds the scene flow of one pyramid level.

It minimises, over flow u, v [px] and change of depth w [m] on the older frame's grid,

    Σ |I_t + I_x u + I_y v| + μ |Z_t + Z_x u + Z_y v - w|
      + λ_I (‖∇_r u‖ + ‖∇_r v‖) + λ_D ‖∇_r w‖,

with both data terms linearised around the flow of the coarser level.

Source:
    Jaimez, Souiai, Gonzalez-Jimenez, Cremers, "A primal-dual framework for real-time dense RGB-D
    scene flow", ICRA 2015; Pock, Chambolle, "Diagonal preconditioning for first order primal-dual
    algorithms in convex optimization", ICCV 2011.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from affordance_seg_ros.flow.level import DataTerms
from affordance_seg_ros.flow.variation import (
    add_differences,
    divergence,
    project_to_unit_balls,
)

SMOOTHNESS_FLOW = 0.04
"""λ_I, with grey values of 0..255."""
SMOOTHNESS_DEPTH = 0.35
"""λ_D."""
_EPSILON = 1e-10


class Solution(NamedTuple):
    """Unknowns and dual variables of a level.

    Attributes:
        motion: (3, H, W) float32 u, v [px] and w [m].
        depth_dual: (H, W) float32 in [-1, 1], dual of the depth residual.
        smooth_dual: (2, 3, H, W) float32, dual of the differences of u, v, w to the next column
            and row; vectors along the first dimension have length 1 at most.
    """

    motion: Tensor
    depth_dual: Tensor
    smooth_dual: Tensor

    @classmethod
    def starting_at(cls, motion: Tensor) -> "Solution":
        """Return the given unknowns (3, H, W) with zero duals."""
        return cls(motion, torch.zeros_like(motion[0]), torch.zeros_like(motion).repeat(2, 1, 1, 1))


class StepSizes(NamedTuple):
    """Diagonal preconditioning: one step for every pixel and unknown.

    Attributes:
        depth_dual: (H, W) step of the depth dual.
        primal: (3, H, W) steps τ of u, v, w.
    """

    depth_dual: Tensor
    primal: Tensor

    @classmethod
    def of(cls, terms: DataTerms, weights: Tensor) -> "StepSizes":
        """Return the inverse sums of the absolute coefficients of each row and column."""
        slope = terms.depth_gradient_m.abs()
        around = weights.sum(0)  # of the four differences a pixel takes part in
        around[:, 1:] += weights[0, :, :-1]
        around[1:, :] += weights[1, :-1, :]
        column = terms.depth_factor * torch.cat((slope, torch.ones_like(slope[:1])))
        column += _smoothness(weights) * around
        return cls(1 / (1 + slope.sum(0)), 1 / (column + _EPSILON))


def solve(terms: DataTerms, weights: Tensor, start: Solution, iterations: int) -> Solution:
    """Run the iteration of Chambolle and Pock on one level.

    Args:
        terms: The data terms.
        weights: (2, H, W) surface weights of the older frame.
        start: Where to start; not changed.
        iterations: Number of iterations.

    Returns:
        Unknowns and duals after the last iteration.
    """
    sizes = StepSizes.of(terms, weights)
    # Constant factors of the iteration: of the depth dual and of the divergence in the primal
    # step, and of the brightness residual in its proximal step.
    pull = terms.depth_factor * torch.cat(
        (-terms.depth_gradient_m, torch.ones_like(terms.depth_gradient_m[:1]))
    )
    pull *= sizes.primal
    spread = sizes.primal * _smoothness(weights)
    descent = sizes.primal[:2] * terms.brightness_gradient
    reach = (descent * terms.brightness_gradient).sum(0).add_(_EPSILON)

    motion, depth_dual, smooth_dual = (part.clone() for part in start)
    ahead = motion.clone()
    for _ in range(iterations):
        residual = terms.depth_m - ahead[2]
        residual.addcmul_(terms.depth_gradient_m[0], ahead[0])
        residual.addcmul_(terms.depth_gradient_m[1], ahead[1])
        depth_dual.addcmul_(residual, sizes.depth_dual).clamp_(-1, 1)

        add_differences(smooth_dual, ahead, 0.5)
        project_to_unit_balls(smooth_dual)

        before = motion
        motion = torch.addcmul(before, pull, depth_dual)
        motion.addcmul_(spread, divergence(smooth_dual, weights))
        step_brightness(motion, terms, descent, reach)
        ahead = torch.lerp(before, motion, 2)
    return Solution(motion, depth_dual, smooth_dual)


def step_brightness(motion: Tensor, terms: DataTerms, descent: Tensor, reach: Tensor) -> None:
    """Apply the exact proximal step of the brightness term to u and v, in place.

    Args:
        motion: (3, H, W) float32 u, v, w.
        terms: The data terms.
        descent: (2, H, W) float32 τ I_x and τ I_y.
        reach: (H, W) float32 τ_u I_x² + τ_v I_y², positive: by how much the step can change the
            residual.
    """
    share = torch.addcmul(terms.brightness, terms.brightness_gradient[0], motion[0])
    share.addcmul_(terms.brightness_gradient[1], motion[1]).div_(reach).clamp_(-1, 1)
    motion[:2].addcmul_(descent, share, value=-1)


def _smoothness(weights: Tensor) -> Tensor:
    values = (SMOOTHNESS_FLOW, SMOOTHNESS_FLOW, SMOOTHNESS_DEPTH)
    return weights.new_tensor(values)[:, None, None]
