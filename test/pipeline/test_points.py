# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.frames import DepthImage, RgbdFrame
from affordance_seg_ros.node_config import NodeConfig
from affordance_seg_ros.pipeline.points import LAYOUTS, labelled_points
from affordance_seg_ros.pipeline.rigid_transform import RigidTransform

CAMERA = Camera(40, 30, 35.0, 36.0, 19.5, 14.5)
LENS = Camera(40, 30, 35.0, 36.0, 19.5, 14.5, (0.08, -0.03, 0.001, 0.002, 0.0))
RANDOM = np.random.default_rng(0)
MASK = RANDOM.integers(0, 4, (30, 40)).astype(np.uint8)
CONFIDENCE = RANDOM.random((30, 40)).astype(np.float32)
RAW = RANDOM.integers(500, 2000, (30, 40)).astype(np.uint16)
RAW[RANDOM.random(RAW.shape) < 0.2] = 0


def frame(camera: Camera = CAMERA) -> RgbdFrame:
    color = np.random.default_rng(1).integers(0, 256, (30, 40, 3), np.uint8)
    return RgbdFrame(7, "optical", color, DepthImage(RAW, 0.001), camera)


def places(points: np.ndarray) -> np.ndarray:
    return np.stack([points["x"], points["y"], points["z"]], -1)


@pytest.mark.parametrize("camera", [CAMERA, LENS])
def test_each_point_projects_back_onto_the_pixel_it_came_from(camera: Camera) -> None:
    points = labelled_points(frame(camera), MASK, CONFIDENCE, layout="organised")
    rows, columns = np.nonzero(RAW)
    pixels = camera.project(places(points)[rows, columns])
    np.testing.assert_allclose(pixels, np.stack([columns, rows], -1), atol=1e-3)
    np.testing.assert_allclose(points["z"][rows, columns], RAW[rows, columns] / 1000, rtol=1e-6)


def test_organised_points_are_nan_where_there_is_no_depth_and_nowhere_else() -> None:
    points = labelled_points(frame(), MASK, CONFIDENCE, layout="organised")
    assert points.shape == MASK.shape
    for axis in "xyz":
        np.testing.assert_array_equal(np.isnan(points[axis]), RAW == 0)
    np.testing.assert_array_equal(points["label"], MASK)
    np.testing.assert_array_equal(points["confidence"], CONFIDENCE)


def test_labelled_points_are_the_organised_ones_with_an_affordance_and_depth() -> None:
    organised = labelled_points(frame(), MASK, CONFIDENCE, layout="organised")
    labelled = labelled_points(frame(), MASK, CONFIDENCE, layout="labelled")
    np.testing.assert_array_equal(labelled, organised[(MASK > 0) & (RAW > 0)])
    assert np.isfinite(places(labelled)).all()


def test_the_colour_is_in_the_bits_of_a_float() -> None:
    points = labelled_points(frame(), MASK, CONFIDENCE, layout="organised")
    bits = points["rgb"].copy().view(np.uint32)
    red, green, blue = np.moveaxis(frame().color.astype(np.uint32), -1, 0)
    np.testing.assert_array_equal(bits, red << 16 | green << 8 | blue)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_points_move_with_the_frame_and_keep_the_rest(layout: str) -> None:
    moved = RigidTransform.from_quaternion([0.5, -0.5, 0.5, -0.5], [1.0, 2.0, 3.0])
    before = labelled_points(frame(), MASK, CONFIDENCE, layout=layout)
    after = labelled_points(frame(), MASK, CONFIDENCE, layout=layout, moved=moved)
    np.testing.assert_allclose(places(after), moved.points(places(before)), atol=1e-6)
    for name in ("rgb", "label", "confidence"):
        assert after[name].tobytes() == before[name].tobytes()


def test_the_layouts_are_those_of_the_parameter() -> None:
    assert NodeConfig.infos()["points_layout"].choices == LAYOUTS


def test_a_mask_without_affordances_has_no_labelled_points() -> None:
    points = labelled_points(frame(), np.zeros_like(MASK), CONFIDENCE, layout="labelled")
    assert points.shape == (0,)
