# SPDX-License-Identifier: Apache-2.0
import array

import numpy as np
import pytest
from double_pipeline import build_double
from scipy.spatial.transform import Rotation

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.frames import DepthImage, RgbdFrame
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.ros import encode
from affordance_seg_ros.sources.decode import (
    decode_camera_info,
    decode_color,
    decode_depth,
    stamp_ns,
)

RNG = np.random.default_rng(0)
HEAD = encode.header(1_234_567_890_123_456_789, "optical")


@pytest.fixture
def prediction():
    frame = RgbdFrame(
        stamp_ns=7,
        frame_id="optical",
        color=RNG.integers(0, 256, (6, 8, 3), np.uint8),
        depth=DepthImage(np.full((6, 8), 1000, np.uint16), 0.001),
        camera=Camera(8, 6, 8.0, 8.0, 3.5, 2.5),
    )
    return build_double("trained", "cpu", PipelineConfig()).step(frame)


@pytest.mark.parametrize("stamp", [0, 1, 999_999_999, 1_000_000_000, 1_234_567_890_123_456_789])
def test_a_stamp_survives_the_header_to_the_nanosecond(stamp):
    assert stamp_ns(encode.header(stamp, "")) == stamp


@pytest.mark.parametrize("sliced", [False, True])
def test_color_survives_the_message(sliced):
    picture = RNG.integers(0, 256, (12, 20, 3), np.uint8)
    picture = picture[::2, ::2] if sliced else picture
    message = encode.image(picture, "rgb8", HEAD)
    assert message.step == picture.shape[1] * 3
    np.testing.assert_array_equal(decode_color(message), picture)


def test_bgra_is_decoded_as_the_same_colours():
    picture = RNG.integers(0, 256, (4, 5, 4), np.uint8)
    decoded = decode_color(encode.image(picture, "bgra8", HEAD))
    np.testing.assert_array_equal(decoded, picture[..., 2::-1])


@pytest.mark.parametrize(("kind", "encoding"), [(np.uint16, "16UC1"), (np.float32, "32FC1")])
def test_depth_survives_the_message(kind, encoding):
    depth = RNG.integers(0, 5000, (4, 6)).astype(kind)
    decoded = decode_depth(encode.image(depth, encoding, HEAD))
    np.testing.assert_array_equal(decoded.raw, depth)
    assert decoded.metres_per_unit == (0.001 if kind is np.uint16 else 1)


def test_pixels_travel_as_an_array_which_alone_is_assigned_fast():
    message = encode.image(np.zeros((2, 3), np.uint8), "mono8", HEAD)
    assert isinstance(message.data, array.array)
    assert message.data.typecode == "B"


def test_pixels_that_do_not_fit_the_encoding_are_a_defect_of_ours():
    with pytest.raises(AssertionError, match="mono8"):
        encode.image(np.zeros((2, 3), np.uint16), "mono8", HEAD)
    with pytest.raises(AssertionError, match="rgb8"):
        encode.image(np.zeros((2, 3, 4), np.uint8), "rgb8", HEAD)


@pytest.mark.parametrize("count", [0, 5, 8])
def test_a_camera_survives_the_message(count):
    camera = Camera(64, 48, 60.5, 61.5, 31.25, 23.75, tuple(0.01 * (i + 1) for i in range(count)))
    message = encode.camera_info(camera, HEAD)
    assert decode_camera_info(message) == camera
    projection = np.reshape(message.p, (3, 4))
    np.testing.assert_array_equal(projection, np.column_stack([camera.matrix, np.zeros(3)]))


def test_label_info_names_and_colours_every_id():
    labels = LabelSet(("cut", "pour"), ("cut",))
    message = encode.label_info(labels, 0.75, "w", True, HEAD)
    assert list(message.ids) == [0, 1, 2]
    assert message.names == ["background", "cut", "pour"]
    assert (message.threshold, message.weights, message.trained) == (0.75, "w", True)
    rgb = [[round(255 * value) for value in (c.r, c.g, c.b)] for c in message.colors]
    np.testing.assert_array_equal(rgb, labels.colors_rgb[:3])


def test_action_and_regions_carry_all_fields(prediction):
    action = encode.action(prediction, LabelSet(), "w", True, HEAD)
    assert (action.id, action.name, len(action.names)) == (0, "cut", 9)
    np.testing.assert_array_equal(np.float32(action.scores), prediction.action.scores)
    (region,) = encode.regions(prediction.regions, "w", True, HEAD).regions
    (expected,) = prediction.regions
    assert (region.label_id, region.name, region.area_px) == (2, "grasp", 12)
    assert (region.box.x_offset, region.box.y_offset) == (expected.box.x, expected.box.y)
    assert (region.box.width, region.box.height) == (expected.box.width, expected.box.height)
    axes = [[axis.x, axis.y, axis.z] for axis in region.axes]
    np.testing.assert_array_equal(axes, expected.axes)
    assert [region.centroid.x, region.centroid.y, region.centroid.z] == [0.1, 0.2, 0.3]
    assert (region.track_id, region.track_frames) == (7, 1)
    assert region.area_m2 == pytest.approx(0.01)


def test_the_pose_of_a_region_turns_x_y_z_into_its_axes(prediction):
    (region,) = prediction.regions
    pose = encode.pose(region)
    assert [pose.position.x, pose.position.y, pose.position.z] == [0.4, 0.5, 0.6]
    turned = pose.orientation
    found = Rotation.from_quat([turned.x, turned.y, turned.z, turned.w]).as_matrix()
    np.testing.assert_allclose(found.T, region.axes, atol=1e-12)
