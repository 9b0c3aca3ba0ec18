# SPDX-License-Identifier: Apache-2.0
"""What an Azure Kinect delivers, from pyk4a's objects: pictures of one moment, and both cameras."""

import time
from types import ModuleType
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.sources.picture import decode_picture

_USEC_NS = 1000
_TO_BGR = {
    "COLOR_BGRA32": cv2.COLOR_BGRA2BGR,
    "COLOR_NV12": cv2.COLOR_YUV2BGR_NV12,
    "COLOR_YUY2": cv2.COLOR_YUV2BGR_YUY2,
}
_COLOR_SIZES = {
    "RES_720P": (1280, 720),
    "RES_1080P": (1920, 1080),
    "RES_1440P": (2560, 1440),
    "RES_1536P": (2048, 1536),
    "RES_2160P": (3840, 2160),
    "RES_3072P": (4096, 3072),
}
_DEPTH_SIZES = {
    "NFOV_2X2BINNED": (320, 288),
    "NFOV_UNBINNED": (640, 576),
    "WFOV_2X2BINNED": (512, 512),
    "WFOV_UNBINNED": (1024, 1024),
}


class KinectCapture(NamedTuple):
    """Colour and depth of one moment, each in its own camera.

    Attributes:
        color_ns: Time of the colour picture on the camera's clock [ns].
        depth_ns: Time of the depth picture [ns].
        color_bgr: (H, W, 3) uint8 BGR.
        depth_mm: (h, w) uint16 depth [mm], 0 for none.
        host_ns: When the SDK received the colour picture, by `time.perf_counter_ns` of the machine
            that it ran on [ns].
    """

    color_ns: int
    depth_ns: int
    color_bgr: npt.NDArray[np.uint8]
    depth_mm: npt.NDArray[np.uint16]
    host_ns: int

    def age_ns(self) -> int:
        """Return how long ago a camera on this machine sent it [ns]."""
        return max(0, time.perf_counter_ns() - self.host_ns)


class KinectCalibration(NamedTuple):
    """Both cameras and their relative pose.

    Attributes:
        color: Colour camera.
        depth: Depth camera.
        T_color_depth: (4, 4) transform from the depth to the colour camera's frame [m].
    """

    color: Camera
    depth: Camera
    T_color_depth: npt.NDArray[np.float64]


def read_calibration(pyk4a: ModuleType, found: Any) -> KinectCalibration:
    """Return both cameras of pyk4a's calibration.

    Args:
        pyk4a: The module.
        found: Its calibration, of a camera that has been started or of a recording.
    """
    kinds = pyk4a.CalibrationType
    rotation, translation_m = found.get_extrinsic_parameters(kinds.DEPTH, kinds.COLOR)
    T_color_depth = np.eye(4)
    T_color_depth[:3, :3] = rotation
    T_color_depth[:3, 3] = translation_m
    color_size = _COLOR_SIZES[found.color_resolution.name]
    depth_size = _DEPTH_SIZES[found.depth_mode.name]
    return KinectCalibration(
        color=_camera(found, kinds.COLOR, color_size),
        depth=_camera(found, kinds.DEPTH, depth_size),
        T_color_depth=T_color_depth,
    )


def _camera(found: Any, kind: Any, size: tuple[int, int]) -> Camera:
    matrix = found.get_camera_matrix(kind)
    distortion = tuple(float(value) for value in found.get_distortion_coefficients(kind))
    fx, fy, cx, cy = (float(matrix[at]) for at in ((0, 0), (1, 1), (0, 2), (1, 2)))
    return Camera(*size, fx, fy, cx, cy, distortion)


def read_capture(capture: Any, color_bgr: npt.NDArray[np.uint8]) -> KinectCapture:
    """Return pyk4a's capture, with its colour picture as BGR."""
    return KinectCapture(
        color_ns=capture.color_timestamp_usec * _USEC_NS,
        depth_ns=capture.depth_timestamp_usec * _USEC_NS,
        color_bgr=color_bgr,
        depth_mm=capture.depth,
        host_ns=capture.color_system_timestamp_nsec,
    )


def to_bgr(pixels: npt.NDArray[np.uint8], color_format: str) -> npt.NDArray[np.uint8] | None:
    """Return the picture as BGR; None for a damaged JPEG."""
    if color_format == "COLOR_MJPG":
        picture = decode_picture(pixels, cv2.IMREAD_COLOR)
        return None if picture is None else np.asarray(picture, np.uint8)
    return np.asarray(cv2.cvtColor(pixels, _TO_BGR[color_format]), np.uint8)
