# SPDX-License-Identifier: Apache-2.0
"""Transforms from the camera's frame into another one, looked up in tf2."""

import threading
import time
from typing import Any

from rclpy.clock import JumpThreshold
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.time import Time

from affordance_seg_ros.errors import TransformError
from affordance_seg_ros.pipeline.rigid_transform import RigidTransform

_POLL_S = 0.005


class FrameTransforms:
    """Listens to /tf and /tf_static, and knows where the camera was at a frame's stamp.

    Args:
        node: The node that listens; its executor must spin while `lookup` waits.
        target_frame: Frame to transform into.
        timeout_s: How long `lookup` waits for a transform that has not come yet [s].

    Raises:
        TransformError: tf2_ros is not installed.
    """

    def __init__(self, node: Node, target_frame: str, timeout_s: float) -> None:
        try:
            import tf2_ros
        except ImportError as error:
            raise TransformError(
                f"target_frame='{target_frame}' needs tf2_ros, which is not installed ({error}); "
                "expected an empty target_frame, or the package ros-$ROS_DISTRO-tf2-ros-py"
            ) from None
        self.target_frame = target_frame
        self._timeout_s = timeout_s
        self._stopping = threading.Event()
        self._buffer = tf2_ros.Buffer()
        self._listener = tf2_ros.TransformListener(self._buffer, node, spin_thread=False)
        jumps = JumpThreshold(
            min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=True
        )
        self._jumps = node.get_clock().create_jump_callback(
            jumps, post_callback=lambda jump: self.clear()
        )
        self._failures: Any = tf2_ros.TransformException

    def start(self) -> None:
        """Let `lookup` wait, including after a `stop`."""
        self._stopping.clear()

    def stop(self) -> None:
        """End a wait that is under way, and prevent new ones."""
        self._stopping.set()

    def clear(self) -> None:
        """Forget all transforms except static ones.

        When time goes back, as when a bag starts again, transforms arrive that are older than those
        known, and tf2 would reject them.
        """
        self._buffer.clear()

    def lookup(self, frame_id: str, stamp_ns: int) -> RigidTransform:
        """Return the transform into the target frame at a stamp; wait until it comes.

        Args:
            frame_id: Frame to transform from.
            stamp_ns: Time for which the transform is wanted [ns].

        Raises:
            TransformError: The transform at that stamp is unknown and did not arrive in time.
        """
        end_s = time.monotonic() + self._timeout_s
        while True:
            try:
                return self._known(frame_id, stamp_ns)
            except TransformError:
                # Not tf2's own wait, which cannot be ended early.
                if time.monotonic() >= end_s or self._stopping.wait(_POLL_S):
                    raise

    def _known(self, frame_id: str, stamp_ns: int) -> RigidTransform:
        try:
            found = self._buffer.lookup_transform(
                self.target_frame, frame_id, Time(nanoseconds=stamp_ns), Duration()
            ).transform
        except self._failures as error:
            raise TransformError(
                f"no transform from '{frame_id}' to '{self.target_frame}' at "
                f"{1e-9 * stamp_ns:.3f} s: {error}"
            ) from None
        q, t = found.rotation, found.translation
        return RigidTransform.from_quaternion((q.x, q.y, q.z, q.w), (t.x, t.y, t.z))

    def destroy(self) -> None:
        """Stop listening."""
        self._jumps.unregister()
        self._listener.unregister()
