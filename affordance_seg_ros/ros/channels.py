# SPDX-License-Identifier: Apache-2.0
"""What the node subscribes to: role, topic and message type of each input, given the options."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from affordance_seg_ros.node_config import NodeConfig
from affordance_seg_ros.ros.waiting import PublisherView

TOPICS = {"colour": "color/image", "depth": "depth/image", "camera_info": "color/camera_info"}
"""Relative topic of each role that is always present."""

DEPTH_CAMERA_INFO = "depth camera_info"
"""Role of the depth camera's calibration, used with ``align_depth``."""

ALIGNMENT_TOPICS = {DEPTH_CAMERA_INFO: "depth/camera_info"}
"""Relative topic of each role that ``align_depth`` adds."""

_SUFFIXES: Mapping[str, str] = MappingProxyType(
    {"raw": "", "compressed": "/compressed", "compressed_depth": "/compressedDepth"}
)


class Channel(NamedTuple):
    """One input.

    Attributes:
        role: What it carries, for messages to the user.
        topic: Relative name, which remappings change.
        kind: Message class.
        transport: Transport of an image: raw, compressed, compressed_depth.
        option: Option that sets the transport; empty if the input is not an image.
    """

    role: str
    topic: str
    kind: type
    transport: str = "raw"
    option: str = ""

    def name(self, node: Node, transport: str = "") -> str:
        """Return the full topic name, on another transport if one is given.

        As in image_transport, the base topic is remapped and the transport's name is appended.
        """
        resolved: str = node.resolve_topic_name(self.topic)
        return resolved + _SUFFIXES[transport or self.transport]

    def publishers(self, node: Node) -> tuple[PublisherView, ...]:
        """Return the publishers on the topic."""
        return tuple(
            PublisherView(
                f"{info.node_namespace.rstrip('/')}/{info.node_name}",
                info.topic_type,
                info.qos_profile.reliability.name.lower(),
            )
            for info in node.get_publishers_info_by_topic(self.name(node))
        )

    def elsewhere(self, node: Node) -> str:
        """Return, in words, which other transports of it have a publisher; empty if none has."""
        if not self.option:
            return ""
        others = set(NodeConfig.infos()[self.option].choices) - {self.transport}
        return ", ".join(
            f"{self.name(node, transport)} has one ({self.option}: {transport})"
            for transport in sorted(others)
            if node.count_publishers(self.name(node, transport))
        )

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
