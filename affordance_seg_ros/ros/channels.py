# SPDX-License-Identifier: Apache-2.0
"""What the node subscribes to: role, topic and message type of each input, by the options."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from affordance_seg_ros.node_config import NodeConfig

TOPICS = {"colour": "color/image", "depth": "depth/image", "camera_info": "color/camera_info"}
"""Relative topic of each role that is always there."""

DEPTH_CAMERA_INFO = "depth camera_info"
"""Role of the depth camera's calibration, with ``align_depth``."""

ALIGNMENT_TOPICS = {DEPTH_CAMERA_INFO: "depth/camera_info"}
"""Relative topic of each role that ``align_depth`` adds."""

_SUFFIXES: Mapping[str, str] = MappingProxyType(
    {"raw": "", "compressed": "/compressed", "compressed_depth": "/compressedDepth"}
)


class Channel(NamedTuple):
    """One input.

    Attributes:
        role: What comes on it, for messages.
        topic: Relative name, which remappings change.
        kind: Message class.
        transport: Transport of an image: raw, compressed, compressed_depth.
        option: Option that says the transport; empty for what is no image.
    """

    role: str
    topic: str
    kind: type
    transport: str = "raw"
    option: str = ""

    def name(self, node: Node, transport: str = "") -> str:
        """Return the full topic name, on another transport if one is given.

        As image_transport does it, the base topic is remapped, and the transport's name put behind.
        """
        resolved: str = node.resolve_topic_name(self.topic)
        return resolved + _SUFFIXES[transport or self.transport]

    def other_transports(self) -> tuple[str, ...]:
        """Return the transports that the option could be set to instead."""
        if not self.option:
            return ()
        choices = NodeConfig.infos()[self.option].choices
        return tuple(choice for choice in choices if choice != self.transport)

    @property
    def message_type(self) -> str:
        """Name of the message type."""
        return f"sensor_msgs/msg/{self.kind.__name__}"


def channels(config: NodeConfig) -> tuple[Channel, ...]:
    """Return the inputs that the options ask for, colour and depth first."""
    found = [
        _image("colour", config.color_transport, "color_transport"),
        _image("depth", config.depth_transport, "depth_transport"),
        Channel("camera_info", TOPICS["camera_info"], CameraInfo),
    ]
    if config.align_depth:
        found += [Channel(role, topic, CameraInfo) for role, topic in ALIGNMENT_TOPICS.items()]
    return tuple(found)


def _image(role: str, transport: str, option: str) -> Channel:
    kind = Image if transport == "raw" else CompressedImage
    return Channel(role, TOPICS[role], kind, transport, option)
