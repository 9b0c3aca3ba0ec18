# SPDX-License-Identifier: Apache-2.0
"""What lies in space: regions, points and markers, in the camera's frame or in another one."""

import time
from typing import Any, Protocol

from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile
from sensor_msgs.msg import PointCloud2
from visualization_msgs.msg import MarkerArray

from affordance_seg_ros.errors import TransformError
from affordance_seg_ros.frames import Prediction, RgbdFrame, Wanted
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.msg import AffordanceRegionArray
from affordance_seg_ros.node_config import NodeConfig
from affordance_seg_ros.pipeline.points import labelled_points
from affordance_seg_ros.pipeline.rigid_transform import RigidTransform
from affordance_seg_ros.ros import encode
from affordance_seg_ros.ros.arrivals import Arrivals
from affordance_seg_ros.ros.markers import region_markers
from affordance_seg_ros.ros.point_cloud import point_cloud
from affordance_seg_ros.ros.snapshot import TransformFailures

_LOG_THROTTLE_S = 5.0


class Transforms(Protocol):
    """The part of `FrameTransforms` that is used here."""

    target_frame: str

    def lookup(self, frame_id: str, stamp_ns: int) -> RigidTransform:
        """Return the transform into the target frame at a stamp, or raise TransformError."""

    def destroy(self) -> None:
        """Stop listening."""


class SpatialOutput:
    """Publishes `~/regions`, `~/points` and `~/markers` to those who subscribe.

    With `transforms` all three are in the target frame. Where the transform is not known at the
    frame's stamp none of them is published: a place in another frame than the one asked for would
    be taken for a true one. That is counted, and logged throttled.

    Args:
        node: The node that publishes.
        labels: Labels of the weights.
        weights: Name of the weights.
        trained: False for random weights.
        qos: QoS of the topics.
        transforms: Into the frame asked for; None stays in the camera's.
    """

    def __init__(
        self,
        node: LifecycleNode,
        labels: LabelSet,
        weights: str,
        trained: bool,
        qos: QoSProfile,
        transforms: Transforms | None = None,
    ) -> None:
        self._node = node
        self._labels = labels
        self._weights = weights
        self._trained = trained
        self._transforms = transforms
        self._untransformed = Arrivals(time.monotonic_ns())
        self._last_failure = ""
        self._regions = node.create_lifecycle_publisher(AffordanceRegionArray, "~/regions", qos)
        self._points = node.create_lifecycle_publisher(PointCloud2, "~/points", qos)
        self._markers = node.create_lifecycle_publisher(MarkerArray, "~/markers", qos)

    def wants_regions(self, config: NodeConfig) -> bool:
        """Return whether somebody listens to regions or markers."""
        return (config.publish_regions and _has_subscribers(self._regions)) or (
            config.publish_markers and _has_subscribers(self._markers)
        )

    def wants_points(self, config: NodeConfig) -> bool:
        """Return whether somebody listens to labelled points."""
        return config.publish_points and _has_subscribers(self._points)

    def publish(
        self, frame: RgbdFrame, prediction: Prediction, config: NodeConfig, wanted: Wanted
    ) -> None:
        """Publish what is wanted of a prediction.

        Args:
            frame: The frame that was predicted.
            prediction: What the pipeline said of it.
            config: Which topics are wanted.
            wanted: Which parts the prediction has: who subscribes later gets the next one.
        """
        with_regions = wanted.regions and config.publish_regions and _has_subscribers(self._regions)
        with_markers = wanted.regions and config.publish_markers and _has_subscribers(self._markers)
        with_points = wanted.confidence and self.wants_points(config)
        if not (with_regions or with_markers or with_points):
            return
        try:
            frame_id, moved = self._target(prediction)
        except TransformError as error:
            self._last_failure = str(error)
            self._untransformed.add(time.monotonic_ns())
            self._node.get_logger().warning(
                f"regions, points and markers not published: {error}",
                throttle_duration_sec=_LOG_THROTTLE_S,
            )
            return
        head = encode.header(prediction.stamp_ns, frame_id)
        regions = prediction.regions
        if moved is not None:
            regions = tuple(moved.region(region) for region in regions)
        if with_regions:
            self._regions.publish(encode.regions(regions, self._weights, self._trained, head))
        if with_markers:
            self._markers.publish(region_markers(regions, self._labels, head))
        if with_points:
            points = labelled_points(
                frame,
                prediction.mask,
                prediction.confidence,
                layout=config.points_layout,
                moved=moved,
            )
            self._points.publish(point_cloud(points, head))

    def transform_failures(self, now_ns: int) -> TransformFailures:
        """Return what could not be transformed, `now_ns` on the monotonic clock."""
        found = self._untransformed
        return TransformFailures(found.count, found.rate_hz(now_ns), self._last_failure)

    def destroy(self) -> None:
        """Remove the publishers from the node, and stop listening to transforms."""
        for publisher in (self._regions, self._points, self._markers):
            self._node.destroy_lifecycle_publisher(publisher)
        if self._transforms is not None:
            self._transforms.destroy()

    def _target(self, prediction: Prediction) -> tuple[str, RigidTransform | None]:
        """Return the frame of the messages, and the transform into it unless it is the camera's."""
        transforms = self._transforms
        if transforms is None or transforms.target_frame == prediction.frame_id:
            return prediction.frame_id, None
        moved = transforms.lookup(prediction.frame_id, prediction.stamp_ns)
        return transforms.target_frame, moved


def _has_subscribers(publisher: Any) -> bool:
    return bool(publisher.get_subscription_count())
