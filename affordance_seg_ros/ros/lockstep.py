# SPDX-License-Identifier: Apache-2.0
"""Plays as fast as the node can and no faster: each frame waits for the answer to the last."""

import time
from typing import Any, cast

from rcl_interfaces.msg import ParameterType
from rcl_interfaces.srv import GetParameters
from rclpy.client import Client
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.task import Future

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.msg import ActionClass
from affordance_seg_ros.pipeline.rate import RateGate
from affordance_seg_ros.sources.decode import stamp_ns

_POLL_S = 0.1
_SETTLE_S = 0.5
"""The node discovers its subscribers at about the time they discover it, not always before."""


class Lockstep:
    """Waits for the answer to each frame that the node takes.

    Which frames it takes follows from their stamps and its `rate_hz`, which is queried once.

    Args:
        node: The node that plays; spun while this waits.
        namespace: Namespace in which the affordance node publishes; also its name.
        timeout_s: Time after which to stop waiting for an answer: some frames cannot be used.

    Attributes:
        unanswered: Stamps of the frames for which no answer came in time [ns].
    """

    def __init__(self, node: Node, namespace: str, timeout_s: float) -> None:
        self._node = node
        self._namespace = node.resolve_topic_name(namespace)
        self._timeout_s = timeout_s
        self._gate = RateGate(0.0)
        self._answered_ns = -1
        self.unanswered: list[int] = []
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(node)
        # The smallest message that comes for every frame.
        self._topic = f"{self._namespace}/action"
        qos = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
        node.create_subscription(ActionClass, self._topic, self._on_action, qos)

    def connect(self, timeout_s: float) -> None:
        """Wait for the affordance node, and ask for its rate.

        Raises:
            SourceError: The node does not appear in time.
        """
        deadline = time.monotonic() + timeout_s
        name = f"{self._namespace}/get_parameters"
        client: Client[Any, Any] = self._node.create_client(GetParameters, name)
        request = GetParameters.Request(names=["rate_hz"])
        future: Future[Any] | None = None
        while time.monotonic() < deadline:
            self._executor.spin_once(timeout_sec=_POLL_S)
            if future is None and client.service_is_ready():
                future = client.call_async(request)
            if future is not None and future.done() and self._node.count_publishers(self._topic):
                (value,) = cast(Any, future.result()).values
                if value.type != ParameterType.PARAMETER_DOUBLE:
                    break
                self._gate = RateGate(value.double_value)
                settled = time.monotonic() + _SETTLE_S
                while time.monotonic() < settled:
                    self._executor.spin_once(timeout_sec=_POLL_S)
                return
        raise SourceError(
            f"no affordance node at {self._namespace} within {timeout_s:g} s; expected one that "
            "publishes actions and has the parameter rate_hz"
        )

    def wait(self, stamp: int) -> None:
        """Wait until a frame is answered, if the node takes it."""
        if not self._gate.accepts(stamp):
            return
        deadline = time.monotonic() + self._timeout_s
        while self._answered_ns != stamp:
            if time.monotonic() > deadline:
                self.unanswered.append(stamp)
                self._node.get_logger().warning(
                    f"no answer to the frame stamped {1e-9 * stamp:.3f} s within "
                    f"{self._timeout_s:g} s"
                )
                return
            self._executor.spin_once(timeout_sec=_POLL_S)

    def close(self) -> None:
        """Stop spinning the node."""
        self._executor.shutdown()

    def _on_action(self, message: ActionClass) -> None:
        self._answered_ns = stamp_ns(message.header)
