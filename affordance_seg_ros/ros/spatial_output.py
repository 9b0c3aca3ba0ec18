# SPDX-License-Identifier: Apache-2.0
"""Spatial output: regions, points and markers, in the camera's frame or in another one."""

import time
from typing import Any, NamedTuple, Protocol

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
from affordance_seg_ros.ros.mailbox import Mailbox
from affordance_seg_ros.ros.markers import region_markers
from affordance_seg_ros.ros.point_cloud import point_cloud
from affordance_seg_ros.ros.snapshot import TransformFailures
from affordance_seg_ros.ros.worker import Worker

_LOG_THROTTLE_S = 5.0
_REPLACED = "a newer frame came while the one before it waited for its transform"


class Transforms(Protocol):
    """The part of `FrameTransforms` that is used here."""

    target_frame: str

    def start(self) -> None:
        """Let `lookup` wait."""

    def stop(self) -> None:
        """End a wait that is under way."""

    def clear(self) -> None:
        """Forget what is known, because time goes back."""

    def lookup(self, frame_id: str, stamp_ns: int) -> RigidTransform:
        """Return the transform into the target frame at a stamp, or raise TransformError."""

    def destroy(self) -> None:
        """Stop listening."""


class _SpatialPrediction(NamedTuple):
    """A prediction with spatial parts to be published, and which of them."""

    frame: RgbdFrame
    prediction: Prediction
    points_layout: str
    regions: bool
    markers: bool
    points: bool


class SpatialOutput:
    """Publishes `~/regions`, `~/points` and `~/markers` to those who subscribe.

    With `transforms` all three are in the target frame, and have a thread of their own, from
    `start` to `stop`, which waits for the transform at the frame's stamp: masks do not wait for it,
    and the wait is not work that the latency budget could reduce. If the transform does not arrive,
    none of them is published: a position in a frame other than the requested one would be mistaken
    for a true one. Such failures are counted, and logged with throttling.

    Args:
        node: The node that publishes.
        labels: Labels of the weights.
        weights: Name of the weights.
        trained: False for random weights.
        qos: QoS of the topics.
        transforms: Transforms into the requested frame; None stays in the camera's.
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
        self._mailbox: Mailbox[_SpatialPrediction] = Mailbox()
        self._worker: Worker[_SpatialPrediction] | None = None
        self._newest_ns = 0
        self._untransformed = Arrivals(time.monotonic_ns())
        self._last_failure = ""
        self._regions = node.create_lifecycle_publisher(AffordanceRegionArray, "~/regions", qos)
        self._points = node.create_lifecycle_publisher(PointCloud2, "~/points", qos)
        self._markers = node.create_lifecycle_publisher(MarkerArray, "~/markers", qos)

    def start(self) -> None:
        """Start waiting for transforms, if there are any."""
        if self._transforms is None:
            return
        self._transforms.start()
        self._mailbox = Mailbox()
        self._worker = Worker(self._mailbox, self._publish)
        self._worker.start()

    def stop(self) -> None:
        """Stop waiting for transforms; may be called repeatedly."""
        if self._transforms is not None:
            self._transforms.stop()
        if self._worker is not None:
            self._worker.stop()

    @property
    def failure(self) -> BaseException | None:
        """The error that ended the thread; None while all is well."""
        return None if self._worker is None else self._worker.failure

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
        """Publish what is wanted of a prediction, at once or when its transform has arrived.

        Args:
            frame: The frame that was predicted.
            prediction: What the pipeline predicted for it.
            config: Which topics are wanted.
            wanted: Which parts the prediction has; a later subscriber gets the next one.
        """
        self._follow_time(prediction.stamp_ns)
        places = _SpatialPrediction(
            frame,
            prediction,
            config.points_layout,
            wanted.regions and config.publish_regions and _has_subscribers(self._regions),
            wanted.regions and config.publish_markers and _has_subscribers(self._markers),
            wanted.confidence and self.wants_points(config),
        )
        if not (places.regions or places.markers or places.points):
            return
        if self._worker is None:
            self._publish(places)
        else:
            self._mailbox.put(places)

    def transform_failures(self, now_ns: int) -> TransformFailures:
        """Return what could not be transformed, as of `now_ns` on the monotonic clock.

        Frames that a newer one replaced while an earlier one waited count too.
        """
        failed, replaced = self._untransformed, self._mailbox.dropped
        return TransformFailures(
            failed.count + replaced.count,
            failed.rate_hz(now_ns) + replaced.rate_hz(now_ns),
            self._last_failure or _REPLACED,
        )

    def destroy(self) -> None:
        """Remove the publishers from the node, and stop listening to transforms."""
        for publisher in (self._regions, self._points, self._markers):
            self._node.destroy_lifecycle_publisher(publisher)
        if self._transforms is not None:
            self._transforms.destroy()

    def _follow_time(self, stamp_ns: int) -> None:
        if self._transforms is not None and stamp_ns < self._newest_ns:
            self._transforms.clear()
        self._newest_ns = stamp_ns

    def _publish(self, places: _SpatialPrediction) -> None:
        prediction = places.prediction
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
        if places.regions:
            self._regions.publish(encode.regions(regions, self._weights, self._trained, head))
        if places.markers:
            self._markers.publish(region_markers(regions, self._labels, head))
        if places.points:
            points = labelled_points(
                places.frame,
                prediction.mask,
                prediction.confidence,
                layout=places.points_layout,
                moved=moved,
            )
            self._points.publish(point_cloud(points, head))

    def _target(self, prediction: Prediction) -> tuple[str, RigidTransform | None]:
        """Return the frame of the messages, and the transform into it unless it is the camera's."""
        transforms = self._transforms
        if transforms is None or transforms.target_frame == prediction.frame_id:
            return prediction.frame_id, None
        moved = transforms.lookup(prediction.frame_id, prediction.stamp_ns)
        return transforms.target_frame, moved


def _has_subscribers(publisher: Any) -> bool:
    return bool(publisher.get_subscription_count())
