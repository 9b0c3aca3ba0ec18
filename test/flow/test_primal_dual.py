# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from flow_scenes import CAMERA, plane

from affordance_seg_ros.flow.level import build_levels, linearise
from affordance_seg_ros.flow.primal_dual import (
    SMOOTHNESS_DEPTH,
    SMOOTHNESS_FLOW,
    Solution,
    StepSizes,
    solve,
    step_brightness,
)
from affordance_seg_ros.flow.variation import PixelGrid, add_differences


@pytest.fixture
def problem():
    older, newer = plane(), plane((0.004, 0.002, 0.01))
    levels = [
        build_levels(frame.gray, frame.depth_m, PixelGrid.of(CAMERA), 2)[1]
        for frame in (older, newer)
    ]
    zero = torch.zeros(3, *levels[0].depth_m.shape)
    return linearise(*levels, zero[:2], torch.ones(())), levels[0].weights, zero


def energy(motion, terms, weights):
    brightness = terms.brightness + (terms.brightness_gradient * motion[:2]).sum(0)
    depth = terms.depth_m + (terms.depth_gradient_m * motion[:2]).sum(0) - motion[2]
    gradient = torch.zeros(2, *motion.shape)
    add_differences(gradient, motion, 1.0)
    variation = (gradient * weights[:, None]).norm(dim=0).sum((1, 2))
    smooth = SMOOTHNESS_FLOW * (variation[0] + variation[1]) + SMOOTHNESS_DEPTH * variation[2]
    return brightness.abs().sum() + (terms.depth_factor * depth.abs()).sum() + smooth


def test_the_energy_falls_towards_a_minimum_that_small_changes_do_not_better(problem):
    terms, weights, zero = problem
    start = Solution.starting_at(zero)
    energies = [
        energy(solve(terms, weights, start, n).motion, terms, weights) for n in (0, 30, 300, 2000)
    ]
    assert energies[0] > energies[1] > energies[2] >= 0.999 * energies[3]
    best = solve(terms, weights, start, 2000).motion
    generator = torch.manual_seed(0)
    for size in (0.3, 0.03, 0.003):
        for _ in range(5):
            change = size * torch.randn(3, 1, 1, generator=generator)
            assert energy(best + change, terms, weights) > energies[3]


def test_the_brightness_step_is_the_minimum_of_its_proximal_problem(problem):
    terms, weights, zero = problem
    tau = StepSizes.of(terms, weights).primal[:2]
    descent = tau * terms.brightness_gradient
    reach = (descent * terms.brightness_gradient).sum(0) + 1e-10
    generator = torch.manual_seed(0)
    before = torch.randn(3, *zero.shape[1:], generator=generator)

    def objective(flow):
        residual = terms.brightness + (terms.brightness_gradient * flow).sum(0)
        return residual.abs() + ((flow - before[:2]) ** 2 / (2 * tau)).sum(0)

    after = before.clone()
    step_brightness(after, terms, descent, reach)
    assert torch.equal(after[2], before[2])
    least = objective(after[:2])
    for _ in range(50):
        trial = after[:2] + 0.01 * torch.randn(2, *zero.shape[1:], generator=generator)
        assert (objective(trial) >= least - 1e-4 * (1 + least)).all()


def test_the_start_is_left_as_it_is(problem):
    terms, weights, zero = problem
    start = Solution.starting_at(zero)
    solve(terms, weights, start, 3)
    assert all((part == 0).all() for part in start)


def test_duals_stay_in_their_unit_balls(problem):
    terms, weights, zero = problem
    solution = solve(terms, weights, Solution.starting_at(zero), 20)
    assert (solution.depth_dual.abs() <= 1).all()
    assert (solution.smooth_dual.norm(dim=0) <= 1 + 1e-6).all()
