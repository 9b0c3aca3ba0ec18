# SPDX-License-Identifier: Apache-2.0
import numpy as np
import numpy.typing as npt
import pytest

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.frames import DepthImage, Region
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.pipeline.postprocess import LabelMap
from affordance_seg_ros.pipeline.regions import find_regions, shape_of

CAMERA = Camera(320, 240, 260, 262, 158, 121)
LABELS = LabelSet()


def render_plane(normal: npt.ArrayLike, point: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Depth [m] of an infinite plane through `point`."""
    columns, rows = np.meshgrid(np.arange(320), np.arange(240))
    rays = CAMERA.unproject(np.stack([columns, rows], -1), np.ones((240, 320)))
    return np.asarray((np.dot(normal, point) / (rays @ np.asarray(normal))), np.float32)


def find(
    labelled: LabelMap, depth: DepthImage, *, min_area_px: int = 1, limit: int = 99
) -> tuple[Region, ...]:
    return find_regions(labelled, depth, CAMERA, LABELS, min_area_px=min_area_px, limit=limit)


def label(*boxes: tuple[int, int, int, int, int]) -> LabelMap:
    mask = np.zeros((240, 320), np.uint8)
    for label_id, x, y, width, height in boxes:
        mask[y : y + height, x : x + width] = label_id
    return LabelMap(mask, np.full((240, 320), 0.9, np.float32))


def test_a_tilted_plane_has_its_normal_its_extents_and_its_centre() -> None:
    normal = np.array([0.0, -0.6, -0.8])
    depth = render_plane(normal, [0, 0, 1.0])
    labelled = label((3, 100, 80, 120, 40))
    (region,) = find(labelled, DepthImage(depth, 1))
    np.testing.assert_allclose(region.normal, normal, atol=1e-3)
    np.testing.assert_allclose(region.axes @ region.axes.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(region.axes) == pytest.approx(1)
    corners = CAMERA.unproject([[100, 99.5], [219, 99.5]], depth[[99, 99], [100, 219]])
    length = np.linalg.norm(corners[1] - corners[0])
    assert region.extents_m[0] == pytest.approx(0.96 * length, rel=0.03)  # percentiles 2 to 98
    assert region.extents_m[2] == pytest.approx(0, abs=1e-3)
    np.testing.assert_allclose(CAMERA.project(region.centroid_m), [159.5, 99.5], atol=2)
    assert region.box == (100, 80, 120, 40)
    assert region.area_px == 4800
    assert region.name == LABELS.name(3)
    assert region.depth_fraction == 1


def test_flying_pixels_and_holes_do_not_move_the_shape() -> None:
    depth = render_plane([0, 0, -1], [0, 0, 0.8])
    random = np.random.default_rng(0)
    broken = depth.copy()
    broken[random.random(depth.shape) < 0.3] = np.nan
    broken[random.random(depth.shape) < 0.1] = 3.0
    labelled = label((1, 60, 60, 80, 60))
    regions = [find(labelled, DepthImage(image, 1))[0] for image in (depth, broken)]
    np.testing.assert_allclose(regions[1].centroid_m, regions[0].centroid_m, atol=0.005)
    np.testing.assert_allclose(regions[1].extents_m, regions[0].extents_m, atol=0.005)
    assert regions[1].depth_fraction == pytest.approx(0.7 + 0.3 * 0.1, abs=0.05)


def test_parts_that_do_not_touch_are_regions_of_their_own_largest_first() -> None:
    depth = DepthImage(np.full((240, 320), 900, np.uint16), 1e-3)
    labelled = label((2, 10, 10, 20, 20), (2, 100, 100, 40, 30), (5, 200, 100, 30, 30))
    regions = find(labelled, depth)
    assert [(region.label_id, region.area_px) for region in regions] == [
        (2, 1200),
        (5, 900),
        (2, 400),
    ]
    assert find(labelled, depth, min_area_px=500)[-1].area_px == 900
    assert [region.area_px for region in find(labelled, depth, limit=1)] == [1200]


def test_a_region_without_depth_has_a_box_but_no_shape() -> None:
    depth = DepthImage(np.zeros((240, 320), np.uint16), 1e-3)
    (region,) = find(label((4, 5, 6, 50, 40)), depth)
    assert region.depth_fraction == 0
    assert region.box == (5, 6, 50, 40)
    for values in (region.centroid_m, region.normal, region.axes, region.extents_m):
        assert np.isnan(values).all()


def test_thinning_does_not_change_the_shape() -> None:
    random = np.random.default_rng(1)
    pixels = np.stack(np.meshgrid(np.arange(300), np.arange(200)), -1).reshape(-1, 2)
    depth_m = (1 + 0.002 * random.standard_normal(len(pixels))).astype(np.float32)
    whole = shape_of(pixels, depth_m, CAMERA)
    part = shape_of(pixels[::20], depth_m[::20], CAMERA)
    np.testing.assert_allclose(whole.extents_m, part.extents_m, rtol=0.05)


def test_the_normal_looks_at_the_camera() -> None:
    random = np.random.default_rng(2)
    for _ in range(20):
        normal = random.standard_normal(3) * (0.5, 0.5, 1)
        normal /= -np.sign(normal[2]) * np.linalg.norm(normal)
        depth = DepthImage(render_plane(normal, [0, 0, 1.0]), 1)
        (region,) = find(label((1, 140, 100, 40, 40)), depth)
        assert region.normal @ region.centroid_m < 0
