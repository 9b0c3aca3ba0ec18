# SPDX-License-Identifier: Apache-2.0
"""How camera drivers publish: their topics, encodings, sizes, frames and stamps.

The scene is a slanted plane, whose depth on any ray is known.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.rigid_motion import rigid_motion

START_NS = 1_700_000_000_000_000_000
FRAME_NS = 100_000_000
T_COLOR_DEPTH = rigid_motion((-0.032, -0.002, 0.004), (0.0522, 0.0, 0.0, 0.99864))
"""Depth camera 32 mm to the left, tilted by 6 degrees, as an Azure Kinect's."""

_PLANE_NORMAL, _PLANE_M = np.array([0.3, -0.2, 0.93]), 1.1
_AZURE = (0.33, -2.489, -1.6e-4, -1.3e-4, 1.454, 0.209, -2.303, 1.375)
_BROWN = (0.05, -0.06, 0.001, -0.001, 0.0)
_REALSENSE = (-0.055, 0.065, -0.0005, 0.0003, -0.02)


class Driver(NamedTuple):
    """How one driver publishes.

    Attributes:
        preset: Name of the camera preset.
        color: Colour camera.
        color_topic: Its topic.
        color_encoding: Encoding of the Image, or `jpeg`, `png` for the CompressedImage.
        depth_topic: Depth topic.
        depth_encoding: Encoding of the Image, or the format of the CompressedImage.
        color_frame: Optical frame of colour.
        depth_frame: Optical frame of depth.
        skew_ns: Stamp of depth minus stamp of colour.
        depth: Depth camera, where depth is not aligned.
        rectified: Whether pictures are rectified, in spite of the coefficients in camera_info.
        parameters: Parameters of the node in addition to the preset's.
    """

    preset: str
    color: Camera
    color_topic: str
    color_encoding: str
    depth_topic: str
    depth_encoding: str
    color_frame: str
    depth_frame: str
    skew_ns: int = 0
    depth: Camera | None = None
    rectified: bool = False
    parameters: Mapping[str, str] = MappingProxyType({})


def _camera(width: int, height: int, focal_px: float, distortion: tuple[float, ...]) -> Camera:
    return Camera(
        width, height, focal_px, focal_px * 1.001, width / 2 - 3.4, height / 2 + 2.7, distortion
    )


_RGB = "rgb_camera_link"
_COLOR, _DEPTH = "camera_color_optical_frame", "camera_depth_optical_frame"
_K2 = "kinect2_rgb_optical_frame"
_AZURE_720P = _camera(1280, 720, 612, _AZURE)
_RS_COLOR = _camera(640, 480, 605, _REALSENSE)
_TO_RGB = "/depth_to_rgb/image_raw"
_RS = "/camera/camera"

DRIVERS = {
    "azure_kinect": Driver(
        "azure_kinect", _AZURE_720P, "/rgb/image_raw", "bgra8", _TO_RGB, "16UC1", _RGB, _RGB,
        211_000,
    ),
    "azure_kinect 32FC1": Driver(
        "azure_kinect", _AZURE_720P, "/rgb/image_raw", "bgra8", _TO_RGB, "32FC1", _RGB, _RGB,
        211_000,
    ),
    "azure_kinect_jpeg": Driver(
        "azure_kinect_jpeg", _AZURE_720P, "/rgb/image_raw/compressed", "jpeg", _TO_RGB, "16UC1",
        _RGB, _RGB, 211_000,
    ),
    "kinect_v2_hd": Driver(
        "kinect_v2_hd", _camera(1920, 1080, 1060, _BROWN), "/kinect2/hd/image_color_rect", "bgr8",
        "/kinect2/hd/image_depth_rect", "16UC1", _K2, _K2, rectified=True,
    ),
    "kinect_v2": Driver(
        "kinect_v2", _camera(960, 540, 530, _BROWN), "/kinect2/qhd/image_color_rect", "bgr8",
        "/kinect2/qhd/image_depth_rect", "16UC1", _K2, _K2, rectified=True,
    ),
    "kinect_v2_sd": Driver(
        "kinect_v2_sd", _camera(512, 424, 365, _BROWN), "/kinect2/sd/image_color_rect", "bgr8",
        "/kinect2/sd/image_depth_rect", "16UC1", "kinect2_ir_optical_frame",
        "kinect2_ir_optical_frame", rectified=True,
    ),
    "kinect_v2 compressed": Driver(
        "kinect_v2", _camera(960, 540, 530, _BROWN), "/kinect2/qhd/image_color_rect/compressed",
        "jpeg", "/kinect2/qhd/image_depth_rect/compressed", "16UC1; tiff compressed", _K2, _K2,
        rectified=True,
        parameters={"color_transport": "compressed", "depth_transport": "compressed"},
    ),
    "femto_bolt": Driver(
        "femto_bolt", _camera(1280, 720, 748, _AZURE), "/camera/color/image_raw", "rgb8",
        "/camera/depth/image_raw", "16UC1", _COLOR, _COLOR, 1_000_000,
    ),
    "femto_bolt_unaligned": Driver(
        "femto_bolt_unaligned", _camera(1280, 720, 748, ()), "/camera/color/image_raw", "rgb8",
        "/camera/depth/image_raw", "16UC1", _COLOR, _DEPTH, 1_000_000, _camera(640, 576, 505, ()),
    ),
    "realsense": Driver(
        "realsense", _RS_COLOR, f"{_RS}/color/image_raw", "rgb8",
        f"{_RS}/aligned_depth_to_color/image_raw", "16UC1", _COLOR, _COLOR,
    ),
    "realsense compressed": Driver(
        "realsense", _RS_COLOR, f"{_RS}/color/image_raw/compressed", "png",
        f"{_RS}/aligned_depth_to_color/image_raw/compressedDepth", "16UC1; compressedDepth png",
        _COLOR, _COLOR,
        parameters={"color_transport": "compressed", "depth_transport": "compressed_depth"},
    ),
    "realsense inverse depth": Driver(
        "realsense", _RS_COLOR, f"{_RS}/color/image_raw", "rgb8",
        f"{_RS}/aligned_depth_to_color/image_raw/compressedDepth", "32FC1; compressedDepth png",
        _COLOR, _COLOR, parameters={"depth_transport": "compressed_depth"},
    ),
    "realsense_unaligned": Driver(
        "realsense_unaligned", _RS_COLOR, f"{_RS}/color/image_raw", "rgb8",
        f"{_RS}/depth/image_rect_raw", "16UC1", _COLOR, _DEPTH, 0,
        _camera(848, 480, 424, (0.0,) * 5),
    ),
}  # fmt: skip


def seen_m(camera: Camera, T_color_camera: np.ndarray) -> np.ndarray:
    """Return the depth image [m] of the plane, as a camera placed in the colour frame sees it."""
    columns, rows = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    rays = camera.unproject(np.stack([columns, rows], -1), np.ones(columns.shape))
    rays = rays @ T_color_camera[:3, :3].T
    along = (_PLANE_M - T_color_camera[:3, 3] @ _PLANE_NORMAL) / (rays @ _PLANE_NORMAL)
    return np.where((along > 0.2) & (along < 4), along, np.nan)


def view_of(driver: Driver) -> Camera:
    """Return the camera of the colour pictures as they are sent, rectified or not."""
    return replace(driver.color, distortion=()) if driver.rectified else driver.color


def true_depth_m(driver: Driver) -> np.ndarray:
    """Return the depth [m] on the colour camera's own pixels."""
    return seen_m(view_of(driver), np.eye(4))


def picture(driver: Driver, index: int) -> np.ndarray:
    """Return a smooth RGB picture, which JPEG preserves; red tells the frame."""
    rows, columns = np.mgrid[: driver.color.height, : driver.color.width]
    red = np.full(rows.shape, 40 + 20 * index)
    return np.stack([red, rows // 8 % 256, columns // 8 % 256], -1).astype(np.uint8)
