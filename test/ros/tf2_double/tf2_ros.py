# SPDX-License-Identifier: Apache-2.0
"""The part of tf2_ros that the node uses, for machines without it; /tf is a PoseStamped here.

Each PoseStamped on /tf_double is the transform from frame `optical` at its stamp, and holds for
that stamp alone; one with stamp 0 holds always, as /tf_static does.
"""

import time

from geometry_msgs.msg import PoseStamped, Transform, TransformStamped, Vector3


class TransformException(Exception):  # noqa: N818  (tf2's own name)
    pass


class LookupException(TransformException):
    pass


class Buffer:
    def __init__(self):
        self.known = {}

    def clear(self):
        self.known.clear()

    def lookup_transform(self, target_frame, source_frame, stamp, timeout):
        end = time.monotonic() + 1e-9 * timeout.nanoseconds
        while True:
            for key in (stamp.nanoseconds, 0):
                found = self.known.get((target_frame, source_frame, key))
                if found is not None:
                    return TransformStamped(transform=found)
            if time.monotonic() >= end:
                raise LookupException(f'"{target_frame}" passed to lookupTransform does not exist')
            time.sleep(0.01)


class TransformListener:
    def __init__(self, buffer, node, *, spin_thread):
        self._buffer = buffer
        self._node = node
        self._subscription = node.create_subscription(PoseStamped, "/tf_double", self._take, 10)

    def unregister(self):
        self._node.destroy_subscription(self._subscription)

    def _take(self, message):
        place, stamp = message.pose.position, message.header.stamp
        moved = Transform(
            translation=Vector3(x=place.x, y=place.y, z=place.z), rotation=message.pose.orientation
        )
        stamp_ns = 1_000_000_000 * stamp.sec + stamp.nanosec
        self._buffer.known[message.header.frame_id, "optical", stamp_ns] = moved
