# SPDX-License-Identifier: Apache-2.0
"""Pose of the depth camera: named sources of T_color_depth, and the drivers' messages."""

from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from affordance_seg_ros.rigid_motion import FloatArray, check_rigid


class ExtrinsicsType(NamedTuple):
    """A driver's extrinsics message: package, and order of the nine numbers of the rotation."""

    package: str
    order: str

    @property
    def message_type(self) -> str:
        """Full name of the message type."""
        return f"{self.package}/msg/Extrinsics"


EXTRINSICS_TYPES = MappingProxyType(
    {
        # librealsense stores matrices by columns; realsense2_camera 4.55.1 sends them unchanged.
        "realsense": ExtrinsicsType("realsense2_camera_msgs", "F"),
        # The Orbbec SDK stores them by rows (orbbec_camera 2.6.3, rotationMatrixToQuaternion).
        "orbbec": ExtrinsicsType("orbbec_camera_msgs", "C"),
    }
)
"""Messages from which T_color_depth can be taken, by the names of option ``depth_to_color``."""


def decode_extrinsics(message: Any, kind: ExtrinsicsType) -> FloatArray:
    """Return (4, 4) T_color_depth of a driver's message on ``depth_to_color``.

    Raises:
        CalibrationError: It does not hold a rigid motion.
    """
    T = np.eye(4)
    T[:3, :3] = np.reshape(np.asarray(message.rotation, np.float64), (3, 3), kind.order)  # type: ignore[call-overload]
    T[:3, 3] = np.asarray(message.translation, np.float64)
    check_rigid(T)
    return T
