# SPDX-License-Identifier: Apache-2.0
"""Pose of the depth camera: given, from /tf_static, or from a driver's own topic."""

import importlib
from collections.abc import Callable
from typing import Any, Protocol

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from affordance_seg_ros.errors import AffordanceError, ConfigError
from affordance_seg_ros.rigid_motion import FloatArray, parse_motion
from affordance_seg_ros.sources.extrinsics import EXTRINSICS_TYPES, decode_extrinsics
from affordance_seg_ros.sources.static_transforms import StaticTransforms

MOTION_TOPIC = "depth/to_color"
"""Relative topic of a driver's extrinsics message."""

# Several nodes publish on /tf_static, and each keeps its own last message.
_LATCHED = QoSProfile(
    depth=100,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
_OTHERWISE = "or give seven numbers as depth_to_color"


class MotionSource(Protocol):
    """Knows T_color_depth, or will learn it."""

    def find(self, color_frame: str, depth_frame: str) -> FloatArray | None:
        """Return (4, 4) T_color_depth between two optical frames; None while it is unknown."""

    def awaited(self, color_frame: str, depth_frame: str) -> str:
        """Return a sentence on what is being waited for."""

    def destroy(self) -> None:
        """Unsubscribe."""


def motion_source(node: Node, source: str, on_change: Callable[[], None]) -> MotionSource:
    """Return the source that option ``depth_to_color`` names.

    Args:
        node: The node that subscribes.
        source: ``tf``, a name of `EXTRINSICS_TYPES`, or seven numbers.
        on_change: Called when a message has arrived.

    Raises:
        ConfigError: The required messages are not installed.
        CalibrationError: The numbers are not a rigid motion.
    """
    if source == "tf":
        return _TfMotion(node, on_change)
    if source in EXTRINSICS_TYPES:
        return _TopicMotion(node, source, on_change)
    return _GivenMotion(parse_motion(source))


class _GivenMotion:
    def __init__(self, T_color_depth: FloatArray) -> None:
        self._T_color_depth = T_color_depth

    def find(self, color_frame: str, depth_frame: str) -> FloatArray | None:
        return self._T_color_depth

    def awaited(self, color_frame: str, depth_frame: str) -> str:
        return ""

    def destroy(self) -> None:
        pass


class _TfMotion:
    def __init__(self, node: Node, on_change: Callable[[], None]) -> None:
        self._node = node
        self._on_change = on_change
        self._known = StaticTransforms()
        kind = _message_class("tf2_msgs", "TFMessage", "tf")
        self._subscription = node.create_subscription(kind, "/tf_static", self._on_tf, _LATCHED)

    def find(self, color_frame: str, depth_frame: str) -> FloatArray | None:
        return self._known.find(color_frame, depth_frame)

    def awaited(self, color_frame: str, depth_frame: str) -> str:
        frames = ", ".join(self._known.frames) or "no frames"
        return (
            f"no transform from '{depth_frame}' to '{color_frame}' on /tf_static, which has "
            f"{frames}; let the driver publish it, {_OTHERWISE}"
        )

    def destroy(self) -> None:
        self._node.destroy_subscription(self._subscription)

    def _on_tf(self, message: Any) -> None:
        try:
            self._known.add(message)
        except AffordanceError as error:
            self._node.get_logger().warning(f"/tf_static: {error}")
        self._on_change()


class _TopicMotion:
    def __init__(self, node: Node, source: str, on_change: Callable[[], None]) -> None:
        self._node = node
        self._on_change = on_change
        self._kind = EXTRINSICS_TYPES[source]
        self._T_color_depth: FloatArray | None = None
        kind = _message_class(self._kind.package, "Extrinsics", source)
        self._subscription = node.create_subscription(
            kind, MOTION_TOPIC, self._on_extrinsics, _LATCHED
        )

    def find(self, color_frame: str, depth_frame: str) -> FloatArray | None:
        return self._T_color_depth

    def awaited(self, color_frame: str, depth_frame: str) -> str:
        topic = self._node.resolve_topic_name(MOTION_TOPIC)
        count = self._node.count_publishers(topic)
        return (
            f"no {self._kind.message_type} on {topic}, which has {count} publishers; let the "
            f"driver publish it, {_OTHERWISE}"
        )

    def destroy(self) -> None:
        self._node.destroy_subscription(self._subscription)

    def _on_extrinsics(self, message: Any) -> None:
        try:
            self._T_color_depth = decode_extrinsics(message, self._kind)
        except AffordanceError as error:
            self._node.get_logger().warning(f"{MOTION_TOPIC}: {error}")
        self._on_change()


def _message_class(package: str, name: str, source: str) -> Any:
    try:
        return getattr(importlib.import_module(f"{package}.msg"), name)
    except ImportError as error:
        raise ConfigError(
            f"depth_to_color={source} needs the messages of {package} ({error}); install "
            f"ros-$ROS_DISTRO-{package.replace('_', '-')}, {_OTHERWISE}"
        ) from None
