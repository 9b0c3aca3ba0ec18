# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from flow_scenes import CAMERA, plane

from affordance_seg_ros.flow.lazy_levels import LazyLevels
from affordance_seg_ros.flow.level import build_levels
from affordance_seg_ros.flow.pyramid import (
    downsample_brightness,
    downsample_depth,
    level_count,
    upsample,
)
from affordance_seg_ros.flow.variation import PixelGrid

SIZES = [(15, 20), (16, 21), (17, 18)]


@pytest.mark.parametrize(
    ("size", "levels"),
    [
        ((240, 320), 5),
        ((480, 640), 6),
        ((300, 300), 5),
        ((120, 160), 4),
        ((15, 20), 1),
        ((2, 2), 1),
    ],
)
def test_the_coarsest_level_is_about_fifteen_pixels_high(size, levels):
    assert level_count(*size) == levels


@pytest.mark.parametrize("size", SIZES)
def test_a_constant_image_stays_constant_down_and_up(size):
    image = torch.full(size, 3.5)
    coarse = downsample_brightness(image)
    assert coarse.shape == ((size[0] + 1) // 2, (size[1] + 1) // 2)
    torch.testing.assert_close(coarse, torch.full_like(coarse, 3.5))
    torch.testing.assert_close(upsample(coarse, *size), image)


@pytest.mark.parametrize("size", SIZES)
def test_a_linear_image_keeps_its_values_at_the_samples_off_the_borders(size):
    y, x = torch.meshgrid(*(torch.arange(float(n)) for n in size), indexing="ij")
    image = 2 * x - 3 * y
    coarse = downsample_brightness(image)
    torch.testing.assert_close(coarse[1:-1, 1:-1], image[::2, ::2][1:-1, 1:-1])
    fine = upsample(image[::2, ::2].clone(), *size)
    torch.testing.assert_close(fine[3:-3, 3:-3], image[3:-3, 3:-3])


def test_depth_is_smoothed_within_a_surface_but_not_across_a_jump():
    depth_m = torch.full((16, 16), 1.0) + 0.01 * torch.randn(16, 16, generator=torch.manual_seed(0))
    depth_m[:, 8:] += 1
    coarse = downsample_depth(depth_m)
    assert (coarse[:, :4] - 1).abs().max() < 0.03
    assert (coarse[:, 4:] - 2).abs().max() < 0.03
    assert coarse[:, :4].std() < 0.6 * depth_m[::2, :8:2].std()


def test_a_hole_stays_a_hole_and_is_not_averaged_into_its_surroundings():
    depth_m = torch.full((16, 16), 0.05)  # nearer to a hole's 0 than the smoothing reaches
    depth_m[4, 4] = 0
    coarse = downsample_depth(depth_m)
    assert coarse[2, 2] == 0
    coarse[2, 2] = 0.05
    torch.testing.assert_close(coarse, torch.full_like(coarse, 0.05))


def test_lazy_levels_are_those_built_at_once():
    grid = PixelGrid.of(CAMERA)
    frame = plane()
    expected = build_levels(frame.gray, frame.depth_m, grid, 4)
    for order in ((0, 3, 1, 2), (-1, 0, 1, 2)):
        lazy = LazyLevels(frame.gray, frame.depth_m, grid)
        assert len(lazy) == 4
        for index in order:
            for one, other in zip(lazy[index], expected[index], strict=True):
                assert torch.equal(one, other)
    with pytest.raises(IndexError):
        lazy[4]
