# SPDX-License-Identifier: Apache-2.0
import numpy as np
import numpy.typing as npt
import pytest

from affordance_seg_ros.camera import Camera, known_pixels
from affordance_seg_ros.frames import DepthImage, Region
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.pipeline.postprocess import LabelMap
from affordance_seg_ros.pipeline.regions import find_regions
from affordance_seg_ros.pipeline.shape import shape_of

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


@pytest.mark.parametrize(("left", "top"), [(100, 100), (270, 20)])
def test_a_thin_part_keeps_its_normal_where_depth_is_noisier_than_it_is_wide(
    left: int, top: int
) -> None:
    normal = np.array([0.0, -0.3, -0.954])
    random = np.random.default_rng(0)
    cosines, sides = [], []
    for _ in range(20):
        depth = render_plane(normal, [0, 0, 1.0])
        depth += random.normal(0, 0.012, depth.shape).astype(np.float32)
        (region,) = find(label((3, left, top, 45, 3)), DepthImage(depth, 1))  # 17 by 1.1 cm
        cosines.append(region.normal @ normal)
        sides.append(abs(region.axes[0][0]))
    assert np.degrees(np.arccos(np.median(cosines))) < 20
    assert min(cosines) > 0.5
    assert min(sides) > 0.95


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


def test_parts_that_touch_at_a_corner_are_one_region() -> None:
    depth = DepthImage(np.full((240, 320), 900, np.uint16), 1e-3)
    (region,) = find(label((2, 10, 10, 20, 20), (2, 30, 30, 20, 20)), depth)
    assert region.area_px == 800
    assert region.box == (10, 10, 40, 40)


def test_the_score_is_the_mean_confidence_of_the_region_s_own_pixels() -> None:
    depth = DepthImage(np.full((240, 320), 900, np.uint16), 1e-3)
    # An L, and in its box another part of the same label.
    mask = label((2, 100, 80, 20, 60), (2, 100, 140, 80, 20), (2, 140, 90, 20, 20)).mask
    confidence = np.random.default_rng(0).random((240, 320), np.float32)
    large, small = find(LabelMap(mask, confidence), depth)
    inside = np.concatenate([confidence[80:140, 100:120], confidence[140:160, 100:180]], None)
    assert large.score == pytest.approx(inside.mean())
    assert small.score == pytest.approx(confidence[90:110, 140:160].mean())


def test_a_region_without_depth_has_a_box_but_no_shape() -> None:
    depth = DepthImage(np.zeros((240, 320), np.uint16), 1e-3)
    (region,) = find(label((4, 5, 6, 50, 40)), depth)
    assert region.depth_fraction == 0
    assert region.box == (5, 6, 50, 40)
    for values in region[6:12]:
        assert np.isnan(values).all()


@pytest.mark.parametrize(("seen_px", "has_shape"), [(15, False), (16, True)])
def test_a_shape_asks_for_sixteen_pixels_with_depth(seen_px: int, has_shape: bool) -> None:
    raw = np.zeros((240, 320), np.uint16)
    rows, columns = np.divmod(np.arange(seen_px), 4)
    raw[20 + rows, 30 + columns] = 900
    (region,) = find(label((4, 5, 6, 50, 40)), DepthImage(raw, 1e-3))
    assert region.depth_fraction == pytest.approx(seen_px / 2000)
    for values in region[6:12]:
        assert np.isfinite(values).all() == has_shape


def test_pixels_of_which_the_lens_model_says_nothing_have_no_part_in_a_shape() -> None:
    # Turns back at a tangent of 1.05: the corners look nowhere.
    folds = Camera(320, 240, 250.0, 250.0, 159.5, 119.5, (-0.3, 0.0, 0.0, 0.0))
    depth = DepthImage(np.full((240, 320), 1000, np.uint16), 0.001)
    known = known_pixels(folds)
    mask = np.zeros((240, 320), np.uint8)
    mask[~known] = 1
    mask[100:140, 100:140] = 2
    labelled = LabelMap(mask, np.ones((240, 320), np.float32))
    regions = find_regions(labelled, depth, folds, LabelSet(), min_area_px=20, limit=9)
    for region in regions:
        assert np.isfinite(region.centroid_m).all() == (region.label_id == 2)
        assert region.depth_fraction == (region.label_id == 2)
    assert {region.label_id for region in regions} == {1, 2}


def test_thinning_does_not_change_the_shape() -> None:
    random = np.random.default_rng(1)
    pixels = np.stack(np.meshgrid(np.arange(300), np.arange(200)), -1).reshape(-1, 2)
    depth_m = (1 + 0.002 * random.standard_normal(len(pixels))).astype(np.float32)
    whole = shape_of(pixels, depth_m, CAMERA, len(pixels))
    part = shape_of(pixels[::20], depth_m[::20], CAMERA, len(pixels))
    np.testing.assert_allclose(whole.extents_m, part.extents_m, rtol=0.05)
    assert whole.area_m2 == pytest.approx(part.area_m2, rel=0.02)


def test_the_normal_looks_at_the_camera() -> None:
    random = np.random.default_rng(2)
    for _ in range(20):
        normal = random.standard_normal(3) * (0.5, 0.5, 1)
        normal /= -np.sign(normal[2]) * np.linalg.norm(normal)
        depth = DepthImage(render_plane(normal, [0, 0, 1.0]), 1)
        (region,) = find(label((1, 140, 100, 40, 40)), depth)
        assert region.normal @ region.centroid_m < 0


def test_the_axes_are_a_right_handed_frame_that_ends_in_the_normal() -> None:
    random = np.random.default_rng(3)
    for _ in range(20):
        normal = random.standard_normal(3) * (0.5, 0.5, 1)
        depth = DepthImage(render_plane(normal, [0, 0, 1.0]), 1)
        (region,) = find(label((1, 140, 100, 60, 30)), depth)
        np.testing.assert_allclose(region.axes @ region.axes.T, np.eye(3), atol=1e-9)
        assert np.linalg.det(region.axes) == pytest.approx(1)
        np.testing.assert_array_equal(region.axes[2], region.normal)
        assert (np.diff(region.extents_m) <= 0).all()


def tilted(degrees: float) -> npt.NDArray[np.float64]:
    """Normal of a plane turned about the column axis, towards the camera."""
    angle = np.radians(degrees)
    return np.array([np.sin(angle), 0, -np.cos(angle)])


@pytest.mark.parametrize("degrees", [0, 30, 60])
def test_the_area_is_that_of_the_surface_however_it_is_tilted(degrees: float) -> None:
    normal = tilted(degrees)
    depth = render_plane(normal, [0, 0, 0.8])
    corners = np.array([[119.5, 89.5], [199.5, 89.5], [199.5, 139.5], [119.5, 139.5]])
    rays = CAMERA.unproject(corners, np.ones(4))
    points = rays * (np.dot(normal, [0, 0, 0.8]) / (rays @ normal))[:, None]
    first, second = points[1] - points[0], points[2] - points[0]
    third = points[3] - points[0]
    area = 0.5 * (np.linalg.norm(np.cross(first, second)) + np.linalg.norm(np.cross(second, third)))
    (region,) = find(label((1, 120, 90, 80, 50)), DepthImage(depth, 1))
    assert region.area_m2 == pytest.approx(area, rel=0.01)
    depth[100:120, 150:170] = np.nan  # in the middle, where pixels are of mean size
    (holed,) = find(label((1, 120, 90, 80, 50)), DepthImage(depth, 1))
    assert holed.area_m2 == pytest.approx(area, rel=0.03)


@pytest.mark.parametrize("degrees", [0, 40, 60])
def test_a_mask_that_leaks_onto_the_wall_behind_leaves_the_shape_as_it_was(degrees: float) -> None:
    normal = tilted(degrees)
    depth = render_plane(normal, [0, 0, 0.8])
    labelled = label((1, 120, 90, 80, 50))
    (clean,) = find(labelled, DepthImage(depth, 1))
    leaking = depth.copy()
    leaking[90:140, 190:200] = 2.0  # an eighth of the region
    (region,) = find(labelled, DepthImage(leaking, 1))
    assert region.normal @ clean.normal > np.cos(np.radians(1))
    # What the leak covers is missing: so the centroid moves along the surface, if little.
    assert np.linalg.norm(region.centroid_m - clean.centroid_m) < 0.1 * clean.extents_m[0]
    assert region.extents_m[2] < 0.01


@pytest.mark.parametrize("degrees", [0, 40])
def test_flying_pixels_along_the_border_do_not_tilt_the_shape(degrees: float) -> None:
    """Between object and background sensors invent depth in between."""
    depth = render_plane(tilted(degrees), [0, 0, 0.8])
    mask = np.zeros((240, 320), bool)
    mask[90:140, 120:200] = True
    border = mask.copy()
    border[92:138, 122:198] = False
    random = np.random.default_rng(4)
    flying = depth.copy()
    flying[border] += random.uniform(0, 1.2, border.sum())
    labelled = label((1, 120, 90, 80, 50))
    clean, found = (find(labelled, DepthImage(image, 1))[0] for image in (depth, flying))
    assert found.normal @ clean.normal > np.cos(np.radians(1))
    np.testing.assert_allclose(found.centroid_m, clean.centroid_m, atol=0.005)
    inner = (76 / 80, 46 / 50, 1)  # without the border of two pixels
    np.testing.assert_allclose(found.extents_m, clean.extents_m * inner, atol=0.006)


def test_the_oriented_box_holds_the_points_about_its_centre() -> None:
    normal = tilted(45)
    depth = render_plane(normal, [0, 0, 1.0])
    (region,) = find(label((1, 60, 60, 150, 40)), DepthImage(depth, 1))
    columns, rows = np.meshgrid(np.arange(60, 210), np.arange(60, 100))
    points = CAMERA.unproject(np.stack([columns, rows], -1), depth[60:100, 60:210]).reshape(-1, 3)
    inside = np.abs((points - region.center_m) @ region.axes.T) <= 0.5 * region.extents_m + 1e-3
    np.testing.assert_allclose(inside.mean(axis=0), [0.96, 0.96, 1], atol=0.02)
