# SPDX-License-Identifier: Apache-2.0
"""Compressed pictures on image_transport's topics, good and bad, live."""

import struct

import cv2
import numpy as np
import pytest
from camera_double import (
    HEIGHT,
    RELIABLE,
    WIDTH,
    color_message,
    color_picture,
    depth_message,
    info_message,
)
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from double_pipeline import label_of
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from affordance_seg_ros.ros.encode import header
from affordance_seg_ros.sources.decode import decode_color, decode_depth, stamp_ns

DEPTH_MM = np.full((HEIGHT, WIDTH), 1000, np.uint16)
DEPTH_MM[:4] = 0


def compressed(stamp, data, image_format):
    return CompressedImage(header=header(stamp, "optical"), format=image_format, data=bytes(data))


def png_color(stamp, index):
    data = cv2.imencode(".png", color_picture(index)[..., :3])[1]
    return compressed(stamp, data, "bgr8; png compressed bgr8")


def png_depth(stamp):
    data = struct.pack("<iff", 0, 0, 0) + cv2.imencode(".png", DEPTH_MM)[1].tobytes()
    return compressed(stamp, data, "16UC1; compressedDepth png")


class CompressedCamera:
    """Publishes on the transports' topics."""

    def __init__(self, client):
        self._client, node = client, client.node
        self.color = node.create_publisher(CompressedImage, "color/image/compressed", RELIABLE)
        self.depth = node.create_publisher(CompressedImage, "depth/image/compressedDepth", RELIABLE)
        self.info = node.create_publisher(CameraInfo, "color/camera_info", RELIABLE)

    def wait_for_subscriber(self):
        for publisher in (self.color, self.depth, self.info):
            self._client.wait(publisher.get_subscription_count, publisher.topic_name)

    def now_ns(self):
        return self._client.node.get_clock().now().nanoseconds


@pytest.fixture
def node(start):
    return start(
        rate_hz=0,
        weights="depth",
        color_transport="compressed",
        depth_transport="compressed_depth",
    )


def test_compressed_pictures_give_the_masks_and_depth_of_raw_ones(client, node):
    camera = CompressedCamera(client)
    masks = client.collect(Image, "/affordance/mask")
    depths = client.collect(Image, "/affordance/confidence")
    camera.wait_for_subscriber()
    node.wait_for(
        "active: colour on /color/image/compressed, depth on /depth/image/compressedDepth"
    )

    def published():
        stamp = camera.now_ns()
        camera.info.publish(info_message(stamp))
        camera.color.publish(png_color(stamp, 3))
        camera.depth.publish(png_depth(stamp))
        client.spin(0.1)
        return masks and depths

    client.wait(published)
    expected = label_of(color_picture(3)[..., [2, 1, 0]])
    np.testing.assert_array_equal(decode_color(masks[0])[..., 0], expected)
    np.testing.assert_array_equal(
        np.nan_to_num(decode_depth(depths[0]).raw), (DEPTH_MM / 1000).astype(np.float32)
    )


BAD = {
    "cut off jpeg": (
        {"color": lambda s: compressed(s, b"\xff\xd8\xffxx", "bgr8; jpeg compressed bgr8")},
        "5 bytes of format 'bgr8; jpeg compressed bgr8' are not a readable picture",
    ),
    "depth as colour": (
        {"color": lambda s: png_depth(s)},
        "format '16UC1; compressedDepth png' is depth; expected a colour picture",
    ),
    "unknown depth": (
        {"depth": lambda s: compressed(s, b"x" * 40, "h264")},
        "compressed depth format 'h264'; expected PNG or RVL of one of 16UC1",
    ),
    "scrambled rvl": (
        {"depth": lambda s: compressed(s, struct.pack("<iffIII", 0, 0, 0, 64, 48, 0),
                                       "16UC1; compressedDepth rvl")},
        "RVL of 64x48 pixels is damaged",
    ),
    "empty": ({"depth": lambda s: compressed(s, b"", "16UC1; compressedDepth png")}, "0 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_compressed_picture_is_dropped_counted_and_told(client, node, name):
    makers, reason = BAD[name]
    camera = CompressedCamera(client)
    masks = client.collect(Image, "/affordance/mask")
    diagnostics = client.collect(DiagnosticArray, "/diagnostics")
    camera.wait_for_subscriber()
    stamp = camera.now_ns()
    camera.info.publish(info_message(stamp))
    client.spin(0.2)
    camera.color.publish(makers.get("color", lambda s: png_color(s, 1))(stamp))
    camera.depth.publish(makers.get("depth", png_depth)(stamp))
    node.wait_for(f"frame dropped: {reason}")
    client.wait(
        lambda: any(
            reason in status.message and status.level == DiagnosticStatus.ERROR
            for message in diagnostics
            for status in message.status
        )
    )
    assert not masks
    stamp = camera.now_ns()
    camera.color.publish(png_color(stamp, 1))
    camera.depth.publish(png_depth(stamp))
    client.wait(lambda: masks)
    assert stamp_ns(masks[0].header) == stamp


def test_images_on_another_transport_are_pointed_at(client, start):
    process = start(wait_warning_s=0.5, depth_transport="compressed")
    node = client.node
    node.create_publisher(CompressedImage, "color/image/compressed", RELIABLE)
    node.create_publisher(Image, "depth/image", RELIABLE)
    process.wait_for(
        "no publisher on /color/image, but /color/image/compressed has one "
        "(color_transport: compressed)"
    )
    process.wait_for(
        "no publisher on /depth/image/compressed, but /depth/image has one (depth_transport: raw)"
    )


def test_raw_messages_are_what_a_raw_transport_takes(client, start):
    process = start(rate_hz=0, wait_warning_s=0.5)
    publisher = client.node.create_publisher(CompressedImage, "color/image", RELIABLE)
    process.wait_for("of type sensor_msgs/msg/CompressedImage; expected sensor_msgs/msg/Image")
    client.node.destroy_publisher(publisher)
    color = client.node.create_publisher(Image, "color/image", RELIABLE)
    depth = client.node.create_publisher(Image, "depth/image", RELIABLE)
    info = client.node.create_publisher(CameraInfo, "color/camera_info", RELIABLE)
    masks = client.collect(Image, "/affordance/mask")

    def published():
        stamp = client.node.get_clock().now().nanoseconds
        info.publish(info_message(stamp))
        color.publish(color_message(stamp))
        depth.publish(depth_message(stamp))
        client.spin(0.1)
        return masks

    client.wait(published)
