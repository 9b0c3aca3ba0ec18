# SPDX-License-Identifier: Apache-2.0
import array

import numpy as np
import pytest
from sensor_msgs.msg import PointField

from affordance_seg_ros.pipeline.points import POINT
from affordance_seg_ros.ros.encode import header
from affordance_seg_ros.ros.point_cloud import packed_cloud, point_cloud

HEAD = header(1_234_567_890, "optical")


def random_points(*shape: int) -> np.ndarray:
    points = np.zeros(shape, POINT)
    random = np.random.default_rng(0)
    for name in ("x", "y", "z", "confidence"):
        points[name] = random.random(shape)
    points["label"] = random.integers(0, 10, shape)
    return points


def test_the_bytes_are_those_of_the_points_field_by_field():
    points = random_points(5)
    message = point_cloud(points, HEAD)
    for field in message.fields:
        kind = {PointField.FLOAT32: "<f4", PointField.UINT32: "<u4"}[field.datatype]
        view = np.dtype({"names": ["value"], "formats": [kind], "offsets": [field.offset],
                         "itemsize": message.point_step})  # fmt: skip
        found = np.frombuffer(message.data, view)["value"]
        np.testing.assert_array_equal(found, points[field.name])
    assert [field.name for field in message.fields] == list(POINT.names)
    assert (message.height, message.width, message.row_step) == (1, 5, 5 * 24)
    assert isinstance(message.data, array.array)
    assert message.header == HEAD


def test_an_organised_cloud_has_the_rows_and_columns_of_the_picture():
    message = point_cloud(random_points(3, 7), HEAD)
    assert (message.height, message.width) == (3, 7)
    assert (message.point_step, message.row_step) == (24, 7 * 24)
    assert len(message.data) == message.height * message.row_step


def test_a_cloud_is_dense_unless_a_point_is_nan():
    points = random_points(3, 7)
    assert point_cloud(points, HEAD).is_dense
    points["z"][1, 2] = np.nan
    assert not point_cloud(points, HEAD).is_dense


def test_an_empty_cloud_is_a_message_too():
    message = point_cloud(random_points(0), HEAD)
    assert (message.height, message.width, len(message.data)) == (1, 0, 0)
    assert message.is_dense


def test_points_that_are_not_contiguous_are_sent_whole():
    points = random_points(6, 8)
    assert point_cloud(points[::2, ::2], HEAD) == point_cloud(points[::2, ::2].copy(), HEAD)


@pytest.mark.parametrize("shape", [(5,), (3, 7)])
def test_sensor_msgs_py_makes_the_same_bytes_and_reads_them(shape):
    library = pytest.importorskip("sensor_msgs_py.point_cloud2")
    points = random_points(*shape)
    message = point_cloud(points, HEAD)
    ours = packed_cloud(HEAD, message.fields, points)
    theirs = library.create_cloud(HEAD, message.fields, points)
    assert ours.data == theirs.data == message.data
    for name in ("header", "fields", "point_step", "is_bigendian"):
        assert getattr(ours, name) == getattr(theirs, name) == getattr(message, name)
    read = library.read_points(message, reshape_organized_cloud=True)
    for name in POINT.names:
        np.testing.assert_array_equal(np.asarray(read[name]).reshape(shape), points[name])
