# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from affordance_seg_ros.flow.variation import (
    PixelGrid,
    add_differences,
    divergence,
    project_to_unit_balls,
    surface_gradient,
    surface_weights,
)

GRID = PixelGrid(fx=100.0, fy=110.0, cx=9.0, cy=7.0)


@pytest.fixture
def depth_m():
    depth_m = 0.5 + torch.rand(15, 20, generator=torch.manual_seed(0))
    depth_m[3:6, 4:9] = 0
    return depth_m


def test_divergence_is_the_negative_adjoint_of_the_weighted_gradient(depth_m):
    weights = surface_weights(depth_m, GRID).double()
    field = torch.randn(3, 15, 20, dtype=torch.float64)
    dual = torch.randn(2, 3, 15, 20, dtype=torch.float64)
    gradient = torch.zeros_like(dual)
    add_differences(gradient, field, 1.0)
    gradient *= weights[:, None]
    torch.testing.assert_close((gradient * dual).sum(), -(field * divergence(dual, weights)).sum())


def test_projection_shortens_long_vectors_only_and_is_idempotent():
    dual = 2 * torch.randn(2, 3, 15, 20, generator=torch.manual_seed(1))
    projected = dual.clone()
    project_to_unit_balls(projected)
    length = dual.norm(dim=0)
    assert (projected.norm(dim=0) <= 1 + 1e-6).all()
    short = (length <= 1).expand_as(dual)
    assert torch.equal(projected[short], dual[short])
    torch.testing.assert_close(projected * length.clamp(min=1), dual)
    again = projected.clone()
    project_to_unit_balls(again)
    torch.testing.assert_close(again, projected)


def test_weights_are_two_over_the_distance_of_neighbouring_points():
    depth_m = torch.full((15, 20), 2.0)
    weights = surface_weights(depth_m, GRID)
    torch.testing.assert_close(weights[0, :, :-1], torch.full((15, 19), 2 / (2.0 / GRID.fx)))
    torch.testing.assert_close(weights[1, :-1], torch.full((14, 20), 2 / (2.0 / GRID.fy)))
    assert (weights[0, :, -1] == 0).all()
    assert (weights[1, -1] == 0).all()


def test_weights_decouple_the_two_sides_of_a_depth_jump_and_of_a_hole():
    depth_m = torch.full((15, 20), 1.0)
    depth_m[:, 10:] = 2.0
    depth_m[:8, 15:] = 0.0
    weights = surface_weights(depth_m, GRID)[0]
    assert weights[0, 5] > 50 * weights[0, 9]
    assert weights[0, 5] > 50 * weights[0, 14]


def test_the_flow_within_a_hole_is_as_smooth_as_on_a_surface():
    depth_m = torch.full((15, 20), 1.5)
    depth_m[:, 10:] = 0
    weights = surface_weights(depth_m, GRID)
    torch.testing.assert_close(weights[0, 0, 12], weights[0, 0, 4])
    assert torch.isfinite(surface_weights(torch.zeros(15, 20), GRID)).all()


def test_the_gradient_of_a_linear_image_is_exact_up_to_the_borders(depth_m):
    y, x = torch.meshgrid(torch.arange(15.0), torch.arange(20.0), indexing="ij")
    gradient = surface_gradient(3 * x - 2 * y, surface_weights(depth_m, GRID))
    torch.testing.assert_close(gradient[0], torch.full((15, 20), 3.0))
    torch.testing.assert_close(gradient[1], torch.full((15, 20), -2.0))


def test_the_gradient_takes_the_neighbour_on_the_same_surface():
    depth_m = torch.full((15, 20), 1.0)
    depth_m[:, 10:] = 2.0
    gradient = surface_gradient(depth_m, surface_weights(depth_m, GRID))
    assert gradient[0].abs().max() < 0.03  # a plain central difference gives 0.5
