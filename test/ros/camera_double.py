# SPDX-License-Identifier: Apache-2.0
"""A camera driver for tests: colour, depth and camera_info on the topics of the node."""

import array
from collections.abc import Callable

import numpy as np
from harness import Client
from lifecycle_msgs.srv import GetState
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.ros import encode

WIDTH, HEIGHT = 64, 48
CAMERA = Camera(WIDTH, HEIGHT, 60.0, 60.0, 31.5, 23.5)
# Deep: nothing that a test publishes may be lost on a busy machine.
RELIABLE = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
_SETTLE_S = 0.3
"""Publishers count a subscription before it knows them all: what they send until then is lost."""


def color_picture(index: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    picture = np.random.default_rng(index).integers(0, 256, (height, width, 4), np.uint8)
    picture[0, 0] = index % 256
    return picture


def color_message(stamp_ns: int, index: int = 0, frame_id: str = "optical") -> Image:
    return encode.image(color_picture(index), "bgra8", encode.header(stamp_ns, frame_id))


def depth_message(stamp_ns: int, depth_mm: int = 1000) -> Image:
    depth = np.full((HEIGHT, WIDTH), depth_mm, np.uint16)
    return encode.image(depth, "16UC1", encode.header(stamp_ns, "optical"))


def info_message(stamp_ns: int) -> CameraInfo:
    return encode.camera_info(CAMERA, encode.header(stamp_ns, "optical"))


def truncated(message: Image) -> Image:
    message.data = array.array("B", message.data[: len(message.data) // 2])
    return message


class TestCamera:
    """Publishes what it is told to."""

    __test__ = False

    def __init__(self, client: Client, qos: QoSProfile = RELIABLE, prefix: str = "") -> None:
        node = client.node
        self._client = client
        self.color = node.create_publisher(Image, f"{prefix}color/image", qos)
        self.depth = node.create_publisher(Image, f"{prefix}depth/image", qos)
        self.info = node.create_publisher(CameraInfo, f"{prefix}color/camera_info", qos)

    def wait_for_subscriber(self) -> None:
        for publisher in (self.color, self.depth, self.info):
            self._client.wait(publisher.get_subscription_count, publisher.topic_name)
        self._client.spin(_SETTLE_S)

    def wait_until_taken(self) -> None:
        """Wait until the node has taken what was published, one message per topic.

        They reach it before a request that is sent later, and its executor takes them first.
        """
        self._client.call(GetState, "/affordance/get_state")

    def now_ns(self) -> int:
        return self._client.node.get_clock().now().nanoseconds

    def publish_pair(self, stamp_ns: int) -> None:
        """Publish colour and depth without their calibration."""
        self.color.publish(color_message(stamp_ns))
        self.depth.publish(depth_message(stamp_ns))

    def publish_until(
        self,
        condition: Callable[[], object],
        what: str = "condition",
        *,
        calibrated: bool = True,
        period_s: float = 0.1,
    ) -> None:
        """Publish repeatedly until a condition holds, without calibration if told so."""

        def met() -> object:
            (self.publish if calibrated else self.publish_pair)(self.now_ns())
            self._client.spin(period_s)
            return condition()

        self._client.wait(met, what)

    def publish(self, stamp_ns: int, index: int = 0, frame_id: str = "optical") -> None:
        self.info.publish(info_message(stamp_ns))
        self.color.publish(color_message(stamp_ns, index, frame_id))
        self.depth.publish(depth_message(stamp_ns))
