# SPDX-License-Identifier: Apache-2.0
import torch

from affordance_seg_ros.flow.warp import inside, sample, sample_depth, targets


def grid(flow_x, flow_y, size=(6, 8)):
    return targets(torch.stack((torch.full(size, flow_x), torch.full(size, flow_y))))


def test_sampling_between_pixels_interpolates_a_bilinear_image_exactly():
    y, x = torch.meshgrid(torch.arange(6.0), torch.arange(8.0), indexing="ij")
    image = 2 * x + 3 * y + x * y
    position = grid(0.25, 0.5)
    px, py = position
    expected = 2 * px + 3 * py + px * py
    torch.testing.assert_close(sample(image[None], position)[0, :-1, :-1], expected[:-1, :-1])


def test_positions_outside_are_clamped_to_the_image_and_not_inside():
    image = torch.rand(1, 6, 8)
    position = grid(100.0, 0.0)
    torch.testing.assert_close(sample(image, position)[0], image[0, :, -1:].expand(6, 8))
    assert not inside(position).any()
    assert inside(grid(0.0, 0.0)).all()


def test_depth_next_to_a_hole_is_the_nearest_and_never_a_mixture_with_it():
    depth_m = torch.full((6, 8), 2.0)
    depth_m[:, 4] = 0
    read_m = sample_depth(depth_m, grid(0.4, 0.0))
    assert set(read_m.unique().tolist()) <= {0.0, 2.0}
    assert (read_m[:, 4] == 0).all()
    assert (read_m[:, 3] == 2).all()
