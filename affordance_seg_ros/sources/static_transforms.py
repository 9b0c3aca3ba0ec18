# SPDX-License-Identifier: Apache-2.0
"""Frames that are fixed relative to each other, as drivers publish them on /tf_static."""

from typing import Any

import numpy as np

from affordance_seg_ros.errors import CalibrationError
from affordance_seg_ros.rigid_motion import FloatArray, rigid_motion


class StaticTransforms:
    """A forest of frames, filled from tf2_msgs/TFMessage of a live topic or of a bag.

    The cameras of one device never move relative to each other, so neither time nor /tf nor tf2
    is needed.
    """

    def __init__(self) -> None:
        self._parents: dict[str, tuple[str, FloatArray]] = {}

    @property
    def frames(self) -> tuple[str, ...]:
        """Names of all frames, sorted."""
        parents = {parent for parent, _ in self._parents.values()}
        return tuple(sorted(parents | set(self._parents)))

    def add(self, message: Any) -> None:
        """Take the transforms of a message; a newer one replaces an older one of the same frame.

        Raises:
            CalibrationError: A transform is not a rigid motion, or a frame is its own parent. All
                others in the message are taken.
        """
        refused: CalibrationError | None = None
        for stamped in message.transforms:
            try:
                self._add(stamped)
            except CalibrationError as error:
                refused = refused or error
        if refused is not None:
            raise refused

    def _add(self, stamped: Any) -> None:
        parent, child = _plain(stamped.header.frame_id), _plain(stamped.child_frame_id)
        if parent == child:
            raise CalibrationError(f"frame '{child}' is its own parent; expected another one")
        move, turn = stamped.transform.translation, stamped.transform.rotation
        try:
            T = rigid_motion((move.x, move.y, move.z), (turn.x, turn.y, turn.z, turn.w))
        except CalibrationError as error:
            raise CalibrationError(f"from '{parent}' to '{child}': {error}") from None
        self._parents[child] = (parent, T)

    def find(self, target: str, source: str) -> FloatArray | None:
        """Return (4, 4) T_target_source, which takes points from source to target; None if unknown.

        Args:
            target: Frame in which the points are wanted.
            source: Frame in which they are given.
        """
        to_target, to_source = self._ancestors(_plain(target)), self._ancestors(_plain(source))
        for frame, T_frame_source in to_source.items():
            if frame in to_target:
                return np.linalg.inv(to_target[frame]) @ T_frame_source
        return None

    def _ancestors(self, frame: str) -> dict[str, FloatArray]:
        """Return T_ancestor_frame of the frame itself and all above it, nearest first."""
        T = np.eye(4)
        found = {frame: T}
        while frame in self._parents:
            frame, T_parent_frame = self._parents[frame]
            if frame in found:
                break  # a cycle, which only faulty data contain
            T = T_parent_frame @ T
            found[frame] = T
        return found


def _plain(frame: str) -> str:
    # ROS 1 and some drivers write a leading slash.
    return frame.removeprefix("/")
