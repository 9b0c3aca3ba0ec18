# SPDX-License-Identifier: Apache-2.0
"""Reassembles predictions from the topics of a running affordance node."""

import signal
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import rclpy
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from affordance_seg_ros.frames import Action, Prediction, StageTimes
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.msg import ActionClass, LabelInfo
from affordance_seg_ros.ros.spinning import start_rclpy
from affordance_seg_ros.sources.decode import stamp_ns

_PARTS = {"mask": Image, "confidence": Image, "flow": Image, "action": ActionClass}
_WAITING = 100
"""Number of incomplete predictions kept; older ones are given up and counted."""
_WAKE_S = 0.1
_QUIET_S = 0.5
"""After this long without a message, nothing is on its way any more."""
_LONGEST_DRAIN_S = 30.0
_UNKNOWN_MS = float("nan")


@dataclass(frozen=True)
class Announcement:
    """What the node says about itself in label_info and action: labels and weights."""

    labels: LabelSet
    weights: str
    trained: bool


@dataclass
class Received:
    """How many messages arrived on each topic, and how many predictions stayed incomplete."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_PARTS, 0))
    incomplete: int = 0


class PredictionCollector(Node):
    """Subscribes to mask, confidence, flow and action, and hands over complete predictions.

    All messages of a frame carry the same stamp; a prediction is complete when all four have
    arrived. Regions and the node's stage times are not collected: they are empty and NaN.

    Args:
        on_prediction: Called with each complete prediction and the node's announcement.
        namespace: Namespace in which the node publishes.
    """

    def __init__(
        self,
        on_prediction: Callable[[Prediction, Announcement], None],
        *,
        namespace: str = "/affordance",
    ) -> None:
        super().__init__("affordance_collector")
        self._namespace = namespace
        self._on_prediction = on_prediction
        self._waiting: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._label_info: LabelInfo | None = None
        self.received = Received()
        # Nothing may be lost here: reliable and deep, unlike a robot's own subscribers.
        qos = QoSProfile(depth=200, reliability=ReliabilityPolicy.RELIABLE)
        latched = QoSProfile(
            depth=1,
            reliability=ReliabilityPolicy.RELIABLE,
            durability=DurabilityPolicy.TRANSIENT_LOCAL,
        )
        for name, kind in _PARTS.items():
            self.create_subscription(kind, f"{namespace}/{name}", self._receiver(name), qos)
        self.create_subscription(LabelInfo, f"{namespace}/label_info", self._on_label_info, latched)

    def is_connected(self) -> bool:
        """Return whether each topic has a publisher and the node has said what its labels mean."""
        topics = [f"{self._namespace}/{name}" for name in _PARTS]
        return self._label_info is not None and all(map(self.count_publishers, topics))

    def _receiver(self, name: str) -> Callable[[Any], None]:
        def receive(message: Any) -> None:
            self.received.counts[name] += 1
            stamp = stamp_ns(message.header)
            parts = self._waiting.setdefault(stamp, {})
            parts[name] = message
            self._hand_over()

        return receive

    def _on_label_info(self, message: LabelInfo) -> None:
        self._label_info = message
        self._hand_over()

    def _hand_over(self) -> None:
        """Hand over what is complete, in order of arrival; give up what is too old."""
        if self._label_info is not None:
            self._hand_over_complete(self._label_info)
        while len(self._waiting) > _WAITING:
            self._waiting.popitem(last=False)
            self.received.incomplete += 1

    def give_up(self) -> None:
        """Count what is still waiting as incomplete: nothing more will come."""
        self.received.incomplete += len(self._waiting)
        self._waiting.clear()

    def _hand_over_complete(self, info: LabelInfo) -> None:
        complete = [stamp for stamp, parts in self._waiting.items() if len(parts) == len(_PARTS)]
        for stamp in complete:
            parts = self._waiting.pop(stamp)
            labels = LabelSet(tuple(info.names[1:]), tuple(parts["action"].names))
            announcement = Announcement(labels, info.weights, info.trained)
            self._on_prediction(_rebuild(stamp, parts), announcement)


def collect(
    on_prediction: Callable[[Prediction, Announcement], None],
    *,
    namespace: str,
    on_connected: Callable[[], None],
) -> Received:
    """Collect predictions until SIGINT or SIGTERM, drain the queues, and return what was received.

    A second signal ends the draining early.

    Args:
        on_prediction: Called with each complete prediction and the node's announcement.
        namespace: Namespace in which the node publishes.
        on_connected: Called once the node is found; nothing played from then on is missed.
    """
    with _Signals() as signals:
        start_rclpy([])
        try:
            collector = PredictionCollector(on_prediction, namespace=namespace)
            collector.get_logger().info(f"waiting for a node that publishes in {namespace}")
            while not signals.count and not collector.is_connected():
                rclpy.spin_once(collector, timeout_sec=_WAKE_S)
            if not signals.count:
                on_connected()
            while not signals.count:
                rclpy.spin_once(collector, timeout_sec=_WAKE_S)
            _drain(collector, signals)
        finally:
            rclpy.try_shutdown()
    collector.give_up()
    return collector.received


class _Signals:
    """Counts SIGINT and SIGTERM instead of obeying them; a context manager.

    Attributes:
        count: Number of signals received.
    """

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> "_Signals":
        numbers = (signal.SIGINT, signal.SIGTERM)
        self._before = {number: signal.signal(number, self._on_signal) for number in numbers}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: object) -> None:
        self.count += 1


def _drain(collector: PredictionCollector, signals: _Signals) -> None:
    """Receive what is waiting in the queues until nothing more comes, or a second signal does."""
    end = time.monotonic() + _LONGEST_DRAIN_S
    before, now = -1, 0
    while before != now and signals.count < 2 and time.monotonic() < end:
        before = now
        quiet = time.monotonic() + _QUIET_S
        while (left_s := quiet - time.monotonic()) > 0:
            rclpy.spin_once(collector, timeout_sec=left_s)
        now = sum(collector.received.counts.values())


def _rebuild(stamp: int, parts: dict[str, Any]) -> Prediction:
    action = parts["action"]
    return Prediction(
        stamp_ns=stamp,
        frame_id=parts["mask"].header.frame_id,
        mask=_array(parts["mask"], np.uint8),
        confidence=_array(parts["confidence"], np.float32),
        action=Action(action.id, action.name, action.score, np.array(action.scores, np.float32)),
        regions=(),
        flow_color=_array(parts["flow"], np.uint8),
        stages_ms=StageTimes(*[_UNKNOWN_MS] * len(StageTimes._fields)),
        reset_reason="",
    )


def _array(message: Image, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return the pixels of an image that the node published: packed rows, machine byte order."""
    pixels = np.frombuffer(message.data, dtype)
    return pixels.reshape(message.height, message.width, -1).squeeze()
