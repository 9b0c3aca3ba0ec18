# SPDX-License-Identifier: Apache-2.0
"""Bags of both ROS generations, written message by message."""

import numpy as np
from rosbags.rosbag1 import Writer as Bag1Writer
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from affordance_seg_ros.camera import Camera

FRAME_NS = 33_333_333
START_NS = 1_700_000_000_000_000_000
CAMERA = Camera(32, 24, 40.0, 41.0, 15.5, 11.5, (0.1, -0.2, 0.001, 0.002, 0.05))
K1, K2 = get_typestore(Stores.ROS1_NOETIC), get_typestore(Stores.ROS2_HUMBLE)
NAMES = {"color": "/rgb/image_raw", "depth": "/depth_to_rgb/image_raw", "info": "/rgb/camera_info"}


def assert_same(read, written):
    assert len(read) == len(written)
    for ours, theirs in zip(read, written, strict=True):
        assert ours.stamp_ns == theirs.stamp_ns
        assert ours.frame_id == theirs.frame_id
        assert ours.camera == theirs.camera
        np.testing.assert_array_equal(ours.color, theirs.color)
        np.testing.assert_array_equal(ours.depth.to_metres(), theirs.depth.to_metres())


class Messages:
    """Makes messages of one ROS generation."""

    def __init__(self, store):
        self.store = store
        self.is_ros1 = store is K1

    def make(self, kind, **fields):
        return self.store.types[kind](**fields)

    def header(self, stamp_ns, frame_id="rgb_camera_link"):
        sec, nanosec = divmod(stamp_ns, 1_000_000_000)
        stamp = self.make("builtin_interfaces/msg/Time", sec=sec, nanosec=nanosec)
        extra = {"seq": 0} if self.is_ros1 else {}
        return self.make("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id, **extra)

    def image(self, stamp_ns, pixels, encoding):
        rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(pixels.shape[0], -1)
        return self.make(
            "sensor_msgs/msg/Image",
            header=self.header(stamp_ns), height=pixels.shape[0], width=pixels.shape[1],
            encoding=encoding, is_bigendian=0, step=rows.shape[1], data=rows.reshape(-1),
        )  # fmt: skip

    def compressed(self, stamp_ns, data, image_format):
        return self.make(
            "sensor_msgs/msg/CompressedImage",
            header=self.header(stamp_ns), format=image_format, data=np.frombuffer(data, np.uint8),
        )  # fmt: skip

    def info(self, stamp_ns, k=None):
        roi = self.make(
            "sensor_msgs/msg/RegionOfInterest",
            x_offset=0, y_offset=0, height=0, width=0, do_rectify=False,
        )  # fmt: skip
        k = CAMERA.matrix.reshape(-1) if k is None else k
        p = np.hstack([CAMERA.matrix + 1, np.zeros((3, 1))]).reshape(-1)
        names = "DKRP" if self.is_ros1 else "dkrp"
        matrices = dict(
            zip(names, (np.array(CAMERA.distortion), k, np.eye(3).reshape(-1), p), strict=True)
        )
        return self.make(
            "sensor_msgs/msg/CameraInfo",
            header=self.header(stamp_ns), height=24, width=32, distortion_model="plumb_bob",
            binning_x=0, binning_y=0, roi=roi, **matrices,
        )  # fmt: skip


M1, M2 = Messages(K1), Messages(K2)


def record(path, events, store=K2, plugin=StoragePlugin.MCAP):
    """Write (topic, log time, message or raw bytes with its type) events as a bag."""
    if store is K1:
        writer, serialize = Bag1Writer(path), K1.serialize_ros1
    else:
        writer = Writer(path, version=9, storage_plugin=plugin)
        serialize = K2.serialize_cdr
    with writer:
        connections = {}
        for topic, stamp_ns, message in events:
            if isinstance(message, tuple):
                kind, data = message
            else:
                kind, data = message.__msgtype__, serialize(message, message.__msgtype__)
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=store)
            writer.write(connections[topic], stamp_ns, data)
    return path


def camera_events(messages, frames, *, skew_ns=0, names=NAMES):
    for frame in frames:
        stamp = frame.stamp_ns
        yield names["info"], stamp, messages.info(stamp)
        yield names["color"], stamp, messages.image(stamp, frame.color[..., ::-1], "bgr8")
        depth = messages.image(stamp + skew_ns, frame.depth.raw, "16UC1")
        yield names["depth"], stamp + abs(skew_ns), depth
