# SPDX-License-Identifier: Apache-2.0
"""The image subscriptions: messages are paired by their headers and handed to the worker."""

import time
from collections.abc import Callable
from typing import Any

from rclpy.event_handler import QoSRequestedIncompatibleQoSInfo, SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import (
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
    qos_policy_name_from_kind,
)
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, Image

from affordance_seg_ros.config import NodeConfig
from affordance_seg_ros.ros.arrivals import Arrivals
from affordance_seg_ros.ros.frame_log import is_of_this_clock
from affordance_seg_ros.ros.job import Job, ReceivedImage
from affordance_seg_ros.ros.mailbox import Mailbox
from affordance_seg_ros.ros.pace import Pace
from affordance_seg_ros.ros.waiting import (
    PublisherView,
    TopicView,
    awaited,
    uncalibrated_pairs,
    unpaired_images,
)
from affordance_seg_ros.sources.decode import stamp_ns
from affordance_seg_ros.sources.pairing import Pair, PairingBuffer, PairingCounts

TOPICS = {"colour": "color/image", "depth": "depth/image", "camera_info": "color/camera_info"}
"""Relative topic of each role."""

_TYPES: dict[str, type] = {"colour": Image, "depth": Image, "camera_info": CameraInfo}


class RgbdInput:
    """Subscribes to colour, depth and camera_info, and puts pairs into a mailbox.

    The callbacks only read headers. All of it runs in the executor's thread.

    Args:
        node: The node that subscribes.
        config: Options of the node.
        rate_hz: Rate at which pairs are handed on [Hz]; 0 for all.
        mailbox: Where they go.
    """

    def __init__(
        self, node: Node, config: NodeConfig, rate_hz: float, mailbox: Mailbox[Job]
    ) -> None:
        self._node = node
        self._config = config
        self._mailbox = mailbox
        self.pace = Pace(rate_hz)
        self._pairing: PairingBuffer[ReceivedImage, ReceivedImage] = PairingBuffer(
            round(1e9 * config.max_skew_s) or None
        )
        self._camera_info: CameraInfo | None = None
        self._without_camera: Pair[ReceivedImage, ReceivedImage] | None = None
        self.uncalibrated = 0
        self._stamps_ns = {"colour": 0, "depth": 0}
        self._incompatible = dict.fromkeys(TOPICS, "")
        self.enabled = True
        now_ns = time.monotonic_ns()
        self.arrivals = {role: Arrivals(now_ns) for role in TOPICS}
        self.pairs = Arrivals(now_ns)
        self._start_ns = now_ns
        self._subscriptions = {
            "colour": self._subscribe("colour", self._on_color),
            "depth": self._subscribe("depth", self._on_depth),
            "camera_info": self._subscribe("camera_info", self._on_camera_info),
        }

    @property
    def counts(self) -> PairingCounts:
        """What became of the images."""
        return self._pairing.counts

    def set_rate(self, rate_hz: float) -> None:
        """Change the rate at which pairs are handed on [Hz]."""
        self.pace.set_rate(rate_hz)

    def reset(self) -> None:
        """Forget images that wait for their partner, and the learned skew."""
        self._pairing.reset()
        self._without_camera = None

    def destroy(self) -> None:
        """Unsubscribe."""
        for subscription in self._subscriptions.values():
            self._node.destroy_subscription(subscription)

    def awaited(self) -> list[str]:
        """Return a sentence on each input that has been missing for too long."""
        limit_s = self._config.wait_warning_s
        now_ns = time.monotonic_ns()
        found = [awaited(self._view(role, now_ns), limit_s) for role in TOPICS]
        # A clock that follows /clock stands at 0 until that has come.
        if (
            self._node.get_clock().now().nanoseconds == 0
            and now_ns - self._start_ns >= 1e9 * limit_s
        ):
            found.append("no time on /clock, although use_sim_time is set")
        if self._without_camera is not None:
            waited_s = 1e-9 * (now_ns - self._start_ns)
            found.append(uncalibrated_pairs(self.uncalibrated, waited_s, limit_s))
        if not any(found):
            found = [
                unpaired_images(
                    self._stamps_ns["colour"],
                    self._stamps_ns["depth"],
                    self.pairs.silence_s(now_ns),
                    limit_s,
                    self._config.max_skew_s,
                )
            ]
        return [sentence for sentence in found if sentence]

    def _subscribe(self, role: str, callback: Callable[[Any], None]) -> "Subscription[Any]":
        def on_incompatible_qos(event: QoSRequestedIncompatibleQoSInfo) -> None:
            self._incompatible[role] = qos_policy_name_from_kind(event.last_policy_kind).lower()

        profile = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=self._config.queue_depth,
            reliability=ReliabilityPolicy[self._config.reliability.upper()],
        )
        events = SubscriptionEventCallbacks(incompatible_qos=on_incompatible_qos)
        return self._node.create_subscription(
            _TYPES[role], TOPICS[role], callback, profile, event_callbacks=events
        )

    def _on_color(self, message: Image) -> None:
        received = self._receive("colour", message)
        self._hand_on(self._pairing.add_color(self._stamps_ns["colour"], received))

    def _on_depth(self, message: Image) -> None:
        received = self._receive("depth", message)
        self._hand_on(self._pairing.add_depth(self._stamps_ns["depth"], received))

    def _on_camera_info(self, message: CameraInfo) -> None:
        self.arrivals["camera_info"].add(time.monotonic_ns())
        self._camera_info = message
        waiting, self._without_camera = self._without_camera, None
        if waiting is not None:
            self._put(waiting, message)

    def _receive(self, role: str, message: Image) -> ReceivedImage:
        now_ns = time.monotonic_ns()
        self.arrivals[role].add(now_ns)
        message_ns = stamp_ns(message.header)
        self._stamps_ns[role] = message_ns
        clock_ns = self._node.get_clock().now().nanoseconds
        return ReceivedImage(message, now_ns, is_of_this_clock(message_ns, clock_ns))

    def _hand_on(self, pairs: tuple[Pair[ReceivedImage, ReceivedImage], ...]) -> None:
        for pair in pairs:
            now_ns = time.monotonic_ns()
            self.pairs.add(now_ns)
            if not self.enabled or not self.pace.passes(pair.stamp_ns, now_ns):
                continue
            if self._camera_info is None:
                self.uncalibrated += self._without_camera is not None
                self._without_camera = pair  # the first one is not lost for a late camera_info
            else:
                self._put(pair, self._camera_info)

    def _put(self, pair: Pair[ReceivedImage, ReceivedImage], camera_info: CameraInfo) -> None:
        self._mailbox.put(Job(pair.color, pair.depth, camera_info, time.monotonic_ns()))

    def _view(self, role: str, now_ns: int) -> TopicView:
        topic = self._node.resolve_topic_name(TOPICS[role])
        publishers = [
            PublisherView(
                f"{info.node_namespace.rstrip('/')}/{info.node_name}",
                info.topic_type,
                info.qos_profile.reliability.name.lower(),
            )
            for info in self._node.get_publishers_info_by_topic(topic)
        ]
        kind = "Image" if _TYPES[role] is Image else "CameraInfo"
        return TopicView(
            role=role,
            topic=topic,
            message_type=f"sensor_msgs/msg/{kind}",
            reliability=self._config.reliability,
            publishers=publishers,
            incompatible_policy=self._incompatible[role],
            silence_s=self.arrivals[role].silence_s(now_ns),
            message_count=self.arrivals[role].count,
        )
