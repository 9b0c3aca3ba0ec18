# SPDX-License-Identifier: Apache-2.0
"""The image subscriptions: messages are paired by their headers and handed to the worker."""

import time
from collections.abc import Callable
from functools import partial
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
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from affordance_seg_ros.node_config import NodeConfig
from affordance_seg_ros.ros.arrivals import Arrivals
from affordance_seg_ros.ros.channels import DEPTH_CAMERA_INFO, Channel, channels
from affordance_seg_ros.ros.depth_motion import MotionSource, motion_source
from affordance_seg_ros.ros.frame_log import is_of_this_clock
from affordance_seg_ros.ros.job import Job, ReceivedImage, UnalignedDepth
from affordance_seg_ros.ros.latched_infos import LatchedInfos
from affordance_seg_ros.ros.mailbox import Mailbox
from affordance_seg_ros.ros.pace import Pace
from affordance_seg_ros.ros.waiting import (
    TopicView,
    awaited,
    lost_images,
    other_frame,
    repeated_publishers,
    stuck_stamps,
    uncalibrated_pairs,
    unpaired_images,
)
from affordance_seg_ros.sources.decode import stamp_ns
from affordance_seg_ros.sources.pairing import Pair, PairingBuffer, PairingCounts
from affordance_seg_ros.sources.topics import is_rectified

_FRAME_THROTTLE_S = 60.0

ReceivedPair = Pair[ReceivedImage, ReceivedImage]


class RgbdInput:
    """Subscribes to colour, depth and camera_info, and puts pairs into a mailbox.

    The callbacks only read headers. Everything runs in the executor's thread.

    Args:
        node: The node that subscribes.
        config: Options of the node.
        rate_hz: Rate at which pairs are handed on [Hz]; 0 for all.
        mailbox: Where the pairs go.

    Raises:
        ConfigError: The messages that ``depth_to_color`` needs are not installed.
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
        self._channels = {channel.role: channel for channel in channels(config)}
        self._depth_rectified = is_rectified(self._channels["depth"].name(node))
        self._infos: dict[str, CameraInfo] = {}
        self._waiting: ReceivedPair | None = None
        self.uncalibrated = 0
        self._stamps_ns = {"colour": 0, "depth": 0}
        self._frame_ids = ("", "")
        self._incompatible = dict.fromkeys(self._channels, "")
        self.enabled = True
        now_ns = time.monotonic_ns()
        self.arrivals = {role: Arrivals(now_ns) for role in self._channels}
        self.pairs = Arrivals(now_ns)
        self._counts_at_pair = self.counts
        self._start_ns = now_ns
        self._motion: MotionSource | None = None
        if config.align_depth:
            self._motion = motion_source(node, config.depth_to_color, self._hand_on_waiting)
        callbacks = {"colour": self._on_color, "depth": self._on_depth}
        self._subscriptions = [
            self._subscribe(channel, callbacks.get(role, partial(self._on_info, role)))
            for role, channel in self._channels.items()
        ]
        self._kept = LatchedInfos(node, tuple(self._channels.values()), self._on_info)

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
        self._waiting = None

    def destroy(self) -> None:
        """Unsubscribe."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._kept.destroy()
        if self._motion is not None:
            self._motion.destroy()

    def enable(self, enabled: bool) -> None:
        """Accept pairs, or ignore them along with one that is waiting for its calibration."""
        self.enabled = enabled
        if not enabled:
            self._waiting = None

    def find_latched(self) -> None:
        """Subscribe to calibrations that were sent once, before the node started."""
        self._kept.look(self._infos)

    def awaited(self) -> list[str]:
        """Return a sentence on each input that has been missing for too long."""
        limit_s = self._config.wait_warning_s
        now_ns = time.monotonic_ns()
        found = [
            awaited(self._view(channel, now_ns), limit_s) for channel in self._channels.values()
        ]
        is_late = now_ns - self._start_ns >= 1e9 * limit_s
        # A clock that follows /clock reads 0 until a message has arrived there.
        if is_late and self._node.get_clock().now().nanoseconds == 0:
            found.append("no time on /clock, although use_sim_time is set")
        if is_late and self._waiting is not None and self._motion is not None:
            known = self._motion.find(*self._frame_ids) is not None
            found.append("" if known else self._motion.awaited(*self._frame_ids))
        if "camera_info" not in self._infos:
            waited_s = 1e-9 * (now_ns - self._start_ns)
            found.append(uncalibrated_pairs(self.uncalibrated, waited_s, limit_s))
        if not any(found):
            found = self._standing_stamps(now_ns, limit_s)
        if not any(found):
            found = [
                unpaired_images(
                    self._stamps_ns["colour"],
                    self._stamps_ns["depth"],
                    self.pairs.silence_s(now_ns),
                    limit_s,
                    self._pairing.skew_limit_ns,
                )
            ]
        return [sentence for sentence in found if sentence]

    def doubtful(self) -> list[str]:
        """Return a sentence on each thing that is wrong with images that do arrive."""
        now_ns = time.monotonic_ns()
        images = [channel for channel in self._channels.values() if channel.kind is not CameraInfo]
        views = [self._view(channel, now_ns) for channel in images]
        found = [repeated_publishers(view) for view in views]
        pairs_hz = self.pairs.rate_hz(now_ns)
        images_hz = sum(self.arrivals[channel.role].rate_hz(now_ns) for channel in images)
        found.append(lost_images(images_hz - 2 * pairs_hz, pairs_hz, views))
        topic = self._channels["colour"].name(self._node)
        if is_rectified(topic) and not self._config.rectified:
            found.append(f"the name of {topic} says that it is rectified; expected rectified: true")
        return [sentence for sentence in found if sentence]

    def _standing_stamps(self, now_ns: int, limit_s: float) -> list[str]:
        silence_s = self.pairs.silence_s(now_ns)
        counts, before = self.counts, self._counts_at_pair
        repeated = {
            "colour": counts.duplicate_color - before.duplicate_color,
            "depth": counts.duplicate_depth - before.duplicate_depth,
        }
        return [
            stuck_stamps(role, self._stamps_ns[role], silence_s, limit_s, count)
            for role, count in repeated.items()
        ]

    def _subscribe(self, channel: Channel, callback: Callable[[Any], None]) -> "Subscription[Any]":
        def on_incompatible_qos(event: QoSRequestedIncompatibleQoSInfo) -> None:
            policy = qos_policy_name_from_kind(event.last_policy_kind).lower()
            self._incompatible[channel.role] = policy

        profile = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=self._config.queue_depth,
            reliability=ReliabilityPolicy[self._config.reliability.upper()],
        )
        events = SubscriptionEventCallbacks(incompatible_qos=on_incompatible_qos)
        return self._node.create_subscription(
            channel.kind, channel.name(self._node), callback, profile, event_callbacks=events
        )

    def _on_color(self, message: Image | CompressedImage) -> None:
        received = self._receive("colour", message)
        self._hand_on(self._pairing.add_color(self._stamps_ns["colour"], received))

    def _on_depth(self, message: Image | CompressedImage) -> None:
        received = self._receive("depth", message)
        self._hand_on(self._pairing.add_depth(self._stamps_ns["depth"], received))

    def _on_info(self, role: str, message: CameraInfo) -> None:
        self.arrivals[role].add(time.monotonic_ns())
        self._incompatible[role] = ""
        self._infos[role] = message
        self._hand_on_waiting()

    def _receive(self, role: str, message: Image | CompressedImage) -> ReceivedImage:
        now_ns = time.monotonic_ns()
        self.arrivals[role].add(now_ns)
        self._incompatible[role] = ""
        message_ns = stamp_ns(message.header)
        self._stamps_ns[role] = message_ns
        clock_ns = self._node.get_clock().now().nanoseconds
        return ReceivedImage(message, now_ns, is_of_this_clock(message_ns, clock_ns))

    def _hand_on(self, pairs: tuple[ReceivedPair, ...]) -> None:
        for pair in pairs:
            now_ns = time.monotonic_ns()
            self.pairs.add(now_ns)
            self._counts_at_pair = self.counts
            self._compare_frames(pair)
            if not self.enabled or not self.pace.passes(pair.stamp_ns, now_ns):
                continue
            # A pair is not lost to a late calibration, and never handed on after a newer one.
            if self._put(pair):
                self._waiting = None
            else:
                self.uncalibrated += self._waiting is not None
                self._waiting = pair

    def _hand_on_waiting(self) -> None:
        if self._waiting is not None and self._put(self._waiting):
            self._waiting = None

    def _put(self, pair: ReceivedPair) -> bool:
        """Hand a pair to the worker; return false while a calibration is missing."""
        camera_info = self._infos.get("camera_info")
        unaligned = None if self._motion is None else self._unaligned(self._motion)
        if camera_info is None or (unaligned is None and self._motion is not None):
            return False
        job = Job(pair.color, pair.depth, camera_info, time.monotonic_ns(), unaligned)
        self._mailbox.put(job)
        return True

    def _unaligned(self, motion: MotionSource) -> UnalignedDepth | None:
        camera_info = self._infos.get(DEPTH_CAMERA_INFO)
        T_color_depth = motion.find(*self._frame_ids)
        if camera_info is None or T_color_depth is None:
            return None
        return UnalignedDepth(camera_info, self._depth_rectified, T_color_depth)

    def _compare_frames(self, pair: ReceivedPair) -> None:
        """Note the optical frames; warn about depth that looks unaligned."""
        found = (pair.color.message.header.frame_id, pair.depth.message.header.frame_id)
        if found == self._frame_ids:
            return
        self._frame_ids = found
        if self._motion is None and found[0] != found[1]:
            self._node.get_logger().warning(
                other_frame(*found), throttle_duration_sec=_FRAME_THROTTLE_S
            )

    def _view(self, channel: Channel, now_ns: int) -> TopicView:
        node, role = self._node, channel.role
        return TopicView(
            role=role,
            topic=channel.name(node),
            message_type=channel.message_type,
            reliability=self._config.reliability,
            publishers=channel.publishers(node),
            incompatible_policy=self._incompatible[role],
            silence_s=self.arrivals[role].silence_s(now_ns),
            message_count=self.arrivals[role].count,
            elsewhere=channel.elsewhere(node),
            once=channel.kind is CameraInfo,
        )
