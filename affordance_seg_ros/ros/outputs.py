# SPDX-License-Identifier: Apache-2.0
"""The node's publishers: what is costly is computed only while somebody listens."""

# Some classes of Jazzy's rclpy cannot be subscripted with [Any].
from __future__ import annotations

from typing import Any

from rclpy.lifecycle import LifecycleNode, LifecyclePublisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from affordance_seg_ros.frames import Prediction, RgbdFrame, Wanted
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.msg import ActionClass, LabelInfo
from affordance_seg_ros.node_config import NodeConfig
from affordance_seg_ros.pipeline.overlay import draw_overlay
from affordance_seg_ros.ros import encode
from affordance_seg_ros.ros.snapshot import TransformFailures
from affordance_seg_ros.ros.spatial_output import SpatialOutput, Transforms

_DEPTH = 5
"""Half a second of predictions at 10 Hz."""
_LATCHED = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


class PredictionOutput:
    """Publishes predictions on the node's private topics.

    Args:
        node: The node that publishes.
        labels: Labels and actions of the weights.
        weights: Name of the weights.
        trained: False for random weights.
        reliability: QoS reliability of all topics except label_info.
        transforms: Transforms into the frame of regions, points and markers; None for the camera's.
    """

    def __init__(
        self,
        node: LifecycleNode,
        labels: LabelSet,
        weights: str,
        trained: bool,
        reliability: str = "reliable",
        transforms: Transforms | None = None,
    ) -> None:
        self._node = node
        self._labels = labels
        self._weights = weights
        self._trained = trained

        common = QoSProfile(depth=_DEPTH, reliability=ReliabilityPolicy[reliability.upper()])

        def publisher(kind: Any, topic: str, qos: QoSProfile = common) -> LifecyclePublisher[Any]:
            return node.create_lifecycle_publisher(kind, f"~/{topic}", qos)

        self._mask = publisher(Image, "mask")
        self._confidence = publisher(Image, "confidence")
        self._overlay = publisher(Image, "overlay")
        self._flow = publisher(Image, "flow")
        self._action = publisher(ActionClass, "action")
        self._spatial = SpatialOutput(node, labels, weights, trained, common, transforms)
        self._label_info = publisher(LabelInfo, "label_info", _LATCHED)

    def start(self) -> None:
        """Start waiting for transforms."""
        self._spatial.start()

    def stop(self) -> None:
        """Stop waiting for transforms; may be called repeatedly."""
        self._spatial.stop()

    @property
    def failure(self) -> BaseException | None:
        """The error that ended a thread of the output; None while all is well."""
        return self._spatial.failure

    def publish_label_info(self, threshold: float) -> None:
        """Publish what the ids mean, for all who subscribe now or later.

        Args:
            threshold: Minimum confidence of an affordance in the mask.
        """
        head = Header(stamp=self._node.get_clock().now().to_msg())
        self._label_info.publish(
            encode.label_info(self._labels, threshold, self._weights, self._trained, head)
        )

    def wanted(self, config: NodeConfig) -> Wanted:
        """Return which of the costly parts have subscribers."""
        return Wanted(
            regions=self._spatial.wants_regions(config),
            flow_color=self._flow.get_subscription_count() > 0,
            confidence=self._confidence.get_subscription_count() > 0
            or self._spatial.wants_points(config)
            or self._wants_overlay(config),
        )

    def publish(
        self, frame: RgbdFrame, prediction: Prediction, config: NodeConfig, wanted: Wanted
    ) -> None:
        """Publish what has subscribers; what has none is not even encoded.

        Args:
            frame: The frame that was predicted.
            prediction: What the pipeline predicted for it.
            config: Options in force.
            wanted: Which parts the prediction has; a later subscriber gets the next one.
        """
        head = encode.header(prediction.stamp_ns, prediction.frame_id)
        if self._mask.get_subscription_count():
            self._mask.publish(encode.image(prediction.mask, "mono8", head))
        if self._action.get_subscription_count():
            self._action.publish(
                encode.action(prediction, self._labels, self._weights, self._trained, head)
            )
        if wanted.confidence and self._confidence.get_subscription_count():
            self._confidence.publish(encode.image(prediction.confidence, "32FC1", head))
        if wanted.flow_color:
            self._flow.publish(encode.image(prediction.flow_color, "rgb8", head))
        if wanted.confidence and self._wants_overlay(config):
            picture = draw_overlay(
                frame.color,
                prediction,
                self._labels,
                trained=self._trained,
                footer=f"pipeline {sum(prediction.stages_ms):.0f} ms",
            )
            self._overlay.publish(encode.image(picture, "rgb8", head))
        self._spatial.publish(frame, prediction, config, wanted)

    def _wants_overlay(self, config: NodeConfig) -> bool:
        return config.publish_overlay and self._overlay.get_subscription_count() > 0

    def transform_failures(self, now_ns: int) -> TransformFailures:
        """Return what could not be transformed, as of `now_ns` on the monotonic clock."""
        return self._spatial.transform_failures(now_ns)

    def destroy(self) -> None:
        """Remove the publishers from the node."""
        self._spatial.destroy()
        for publisher in (
            self._mask,
            self._confidence,
            self._overlay,
            self._flow,
            self._action,
            self._label_info,
        ):
            self._node.destroy_lifecycle_publisher(publisher)
