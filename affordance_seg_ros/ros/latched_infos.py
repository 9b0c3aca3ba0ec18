# SPDX-License-Identifier: Apache-2.0
"""Calibrations that were sent once, before the node started, and that their sender keeps."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo

from affordance_seg_ros.ros.channels import Channel

_KEPT = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


class LatchedInfos:
    """Subscribes a second time where a calibration is kept.

    Only there: other senders would be warned about an incompatible subscription.

    Args:
        node: The node that subscribes.
        channels: The inputs; those that are not calibrations are ignored.
        receive: Called with a role and its calibration.
    """

    def __init__(
        self,
        node: Node,
        channels: Sequence[Channel],
        receive: Callable[[str, CameraInfo], None],
    ) -> None:
        self._node = node
        self._channels = [channel for channel in channels if channel.kind is CameraInfo]
        self._receive = receive
        self._subscriptions: dict[str, Subscription[Any]] = {}

    def look(self, known: Mapping[str, CameraInfo]) -> None:
        """Subscribe to the calibrations that are kept.

        This includes roles whose calibration is known: a restarted driver may keep another one.

        Args:
            known: The calibrations in force, by role; consulted at each message.
        """
        for channel in self._channels:
            if channel.role not in self._subscriptions:
                self._subscribe_if_kept(channel, known)

    def destroy(self) -> None:
        """Unsubscribe."""
        for subscription in self._subscriptions.values():
            self._node.destroy_subscription(subscription)

    def _subscribe_if_kept(self, channel: Channel, known: Mapping[str, CameraInfo]) -> None:
        topic = channel.name(self._node)
        found = self._node.get_publishers_info_by_topic(topic)
        if all(each.qos_profile.durability != _KEPT.durability for each in found):
            return

        def on_message(message: CameraInfo) -> None:
            before = known.get(channel.role)
            # The other subscription may deliver it too, and it must not be counted twice.
            if before is None or not _calibrate_alike(before, message):
                self._receive(channel.role, message)

        self._subscriptions[channel.role] = self._node.create_subscription(
            channel.kind, topic, on_message, _KEPT
        )


def _calibrate_alike(one: CameraInfo, other: CameraInfo) -> bool:
    """Return whether two calibrations differ at most in their headers."""
    fields = CameraInfo.get_fields_and_field_types().keys() - {"header"}
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in fields)
