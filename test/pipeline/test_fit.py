# SPDX-License-Identifier: Apache-2.0
import itertools

import numpy as np
import pytest

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.config import InputConfig
from affordance_seg_ros.pipeline.fit import fit

SIZES = [(1280, 720), (640, 480), (640, 576), (320, 240), (300, 300), (160, 120), (99, 701)]
INPUTS = [(300, 300), (160, 120), (152, 300)]
CASES = list(itertools.product(SIZES, INPUTS, ["stretch", "letterbox", "center_crop"]))


@pytest.mark.parametrize(("size", "network", "how"), CASES)
def test_a_point_projects_to_the_place_its_pixel_is_moved_to(
    size: tuple[int, int], network: tuple[int, int], how: str
) -> None:
    camera = Camera(*size, 500, 510, size[0] / 2 + 3, size[1] / 2 - 5)
    placed = fit(*size, InputConfig(width=network[0], height=network[1], fit=how))
    pixel = np.array([placed.source.x + 7.0, placed.source.y + 11.0])
    scale = (
        placed.target.width / placed.source.width,
        placed.target.height / placed.source.height,
    )
    moved = (pixel + 0.5 - placed.source[:2]) * scale - 0.5 + placed.target[:2]
    point = camera.unproject(pixel, 1.7)
    np.testing.assert_allclose(placed.camera(camera).project(point), moved, atol=1e-6)


@pytest.mark.parametrize(("size", "network", "how"), CASES)
def test_windows_lie_inside(size: tuple[int, int], network: tuple[int, int], how: str) -> None:
    placed = fit(*size, InputConfig(width=network[0], height=network[1], fit=how))
    for box, (width, height) in ((placed.source, size), (placed.target, network)):
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= width
        assert box.y + box.height <= height


@pytest.mark.parametrize("size", SIZES)
def test_letterbox_shows_all_and_keeps_the_shape(size: tuple[int, int]) -> None:
    placed = fit(*size, InputConfig(width=160, height=120, fit="letterbox"))
    assert placed.source == (0, 0, *size)
    scale_x = placed.target.width / size[0]
    scale_y = placed.target.height / size[1]
    assert scale_x == pytest.approx(scale_y, abs=1 / min(size))


@pytest.mark.parametrize("size", SIZES)
def test_center_crop_fills_the_input_and_keeps_the_shape(size: tuple[int, int]) -> None:
    placed = fit(*size, InputConfig(width=300, height=300, fit="center_crop"))
    assert placed.target == (0, 0, 300, 300)
    assert placed.source.width == placed.source.height == min(size)
    assert not placed.is_padded
