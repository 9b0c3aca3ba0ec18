# SPDX-License-Identifier: Apache-2.0
"""Bags as the camera drivers publish: their topics, encodings, sizes, frames and stamps.

The scene is a slanted plane, whose depth on any ray is known.
"""

import struct
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.rigid_motion import rigid_motion

START_NS = 1_700_000_000_000_000_000
FRAME_NS = 100_000_000
STORE = get_typestore(Stores.ROS2_HUMBLE)
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
        color_encoding: Of the Image, or `jpeg`, `png` for the CompressedImage.
        depth_topic: Depth topic.
        depth_encoding: Of the Image, or the format of the CompressedImage.
        color_frame: Optical frame of colour.
        depth_frame: Optical frame of depth.
        skew_ns: Stamp of depth minus stamp of colour.
        depth: Depth camera, where depth is not aligned.
        rectified: Whether pictures are rectified, in spite of the coefficients in camera_info.
        parameters: Parameters of the node beside the preset's.
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


def true_depth_m(driver: Driver) -> np.ndarray:
    """Return the depth [m] on the colour camera's own pixels."""
    return seen_m(driver.color.undistorted() if driver.rectified else driver.color, np.eye(4))


def picture(driver: Driver, index: int) -> np.ndarray:
    """Return a smooth RGB picture, which JPEG keeps; red tells the frame."""
    rows, columns = np.mgrid[: driver.color.height, : driver.color.width]
    red = np.full(rows.shape, 40 + 20 * index)
    return np.stack([red, rows // 8 % 256, columns // 8 % 256], -1).astype(np.uint8)


def write_driver_bag(
    path: Path,
    name: str,
    *,
    storage: str = "mcap",
    frames: int = 3,
    latched: Mapping[str, Any] = MappingProxyType({}),
) -> Driver:
    """Write a bag as the driver's topics would be recorded; `latched` instead of its /tf_static."""
    driver = DRIVERS[name]
    plugin = {"mcap": StoragePlugin.MCAP, "sqlite3": StoragePlugin.SQLITE3}[storage]
    with Writer(path, version=9, storage_plugin=plugin) as writer:
        connections: dict[str, Any] = {}

        def put(topic: str, stamp_ns: int, message: Any) -> None:
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=STORE)
            writer.write(connections[topic], stamp_ns, STORE.serialize_cdr(message, kind))

        if driver.depth is not None:
            for topic, message in (latched or {"/tf_static": _driver_tf(driver)}).items():
                put(topic, START_NS, message)
        view = driver.color if driver.depth is None else driver.depth
        depth_m = true_depth_m(driver) if driver.depth is None else seen_m(view, T_COLOR_DEPTH)
        color_info = _plain(driver.color_topic).rpartition("/")[0] + "/camera_info"
        depth_info = _plain(driver.depth_topic).rpartition("/")[0] + "/camera_info"
        for index in range(frames):
            stamp = START_NS + index * FRAME_NS
            color_head, depth_head = (
                header(stamp, driver.color_frame),
                header(stamp + driver.skew_ns, driver.depth_frame),
            )
            put(color_info, stamp, _info(color_head, driver.color))
            put(depth_info, stamp + driver.skew_ns, _info(depth_head, view))
            put(driver.color_topic, stamp, _color(color_head, driver, picture(driver, index)))
            put(driver.depth_topic, stamp + driver.skew_ns, _depth(depth_head, driver, depth_m))
    return driver


def _plain(topic: str) -> str:
    return topic.removesuffix("/compressedDepth").removesuffix("/compressed")


def _make(kind: str, **fields: Any) -> Any:
    return STORE.types[kind](**fields)


def header(stamp_ns: int, frame_id: str) -> Any:
    sec, nanosec = divmod(stamp_ns, 1_000_000_000)
    stamp = _make("builtin_interfaces/msg/Time", sec=sec, nanosec=nanosec)
    return _make("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id)


def _image(head: Any, pixels: np.ndarray, encoding: str) -> Any:
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(pixels.shape[0], -1)
    return _make(
        "sensor_msgs/msg/Image", header=head, height=pixels.shape[0], width=pixels.shape[1],
        encoding=encoding, is_bigendian=0, step=rows.shape[1], data=rows.reshape(-1),
    )  # fmt: skip


def _compressed(head: Any, data: bytes, image_format: str) -> Any:
    return _make(
        "sensor_msgs/msg/CompressedImage", header=head, format=image_format,
        data=np.frombuffer(data, np.uint8),
    )  # fmt: skip


def _color(head: Any, driver: Driver, rgb: np.ndarray) -> Any:
    bgr = rgb[..., ::-1]
    match driver.color_encoding:
        case "jpeg":
            return _compressed(head, _encoded(".jpg", bgr), "bgra8; jpeg compressed bgr8")
        case "png":
            return _compressed(head, _encoded(".png", bgr), "rgb8; png compressed bgr8")
        case "bgra8":
            alpha = np.full((*bgr.shape[:2], 1), 255, np.uint8)
            return _image(head, np.concatenate([bgr, alpha], -1), "bgra8")
        case "bgr8":
            return _image(head, bgr, "bgr8")
        case _:
            return _image(head, rgb, "rgb8")


def _depth(head: Any, driver: Driver, depth_m: np.ndarray) -> Any:
    encoding, _, transport = driver.depth_encoding.partition("; ")
    in_mm = np.rint(np.nan_to_num(depth_m) * 1000).astype(np.uint16)
    # The Azure driver divides its millimetres: no depth stays 0.
    in_m = (in_mm / 1000).astype(np.float32)
    if not transport:
        return _image(head, in_mm if encoding == "16UC1" else in_m, encoding)
    if transport == "tiff compressed":
        return _compressed(head, _encoded(".tiff", in_mm), driver.depth_encoding)
    if encoding == "16UC1":
        start = struct.pack("<iff", 0, 0, 0)
        return _compressed(head, start + _encoded(".png", in_mm), driver.depth_encoding)
    # compressed_depth_image_transport's defaults: depth_max 10, depth_quantization 100.
    a = 100.0 * 101.0
    b = 1 - a / 10.0
    codes = np.where(in_m > 0, a / np.maximum(in_m, 0.1) + b, 0).astype(np.uint16)
    start = struct.pack("<iff", 0, a, b)
    return _compressed(head, start + _encoded(".png", codes), driver.depth_encoding)


def _encoded(suffix: str, pixels: np.ndarray) -> bytes:
    return cv2.imencode(suffix, np.ascontiguousarray(pixels))[1].tobytes()


def _info(head: Any, camera: Camera) -> Any:
    roi = _make(
        "sensor_msgs/msg/RegionOfInterest", x_offset=0, y_offset=0, height=0, width=0,
        do_rectify=False,
    )  # fmt: skip
    k = camera.matrix
    return _make(
        "sensor_msgs/msg/CameraInfo", header=head, height=camera.height, width=camera.width,
        distortion_model="rational_polynomial" if len(camera.distortion) == 8 else "plumb_bob",
        d=np.array(camera.distortion or (0.0,) * 5), k=k.reshape(-1), r=np.eye(3).reshape(-1),
        p=np.hstack([k, np.zeros((3, 1))]).reshape(-1), binning_x=0, binning_y=0, roi=roi,
    )  # fmt: skip


def _driver_tf(driver: Driver) -> Any:
    """Both drivers publish link -> frame -> optical frame for each camera, depth in the middle."""
    optical = rigid_motion((0, 0, 0), (-0.5, 0.5, -0.5, 0.5))
    T_depth_color = np.linalg.inv(T_COLOR_DEPTH)
    edges = [
        ("camera_link", "camera_depth_frame", np.eye(4)),
        ("camera_depth_frame", driver.depth_frame, optical),
        ("camera_link", "camera_color_frame", optical @ T_depth_color @ np.linalg.inv(optical)),
        ("camera_color_frame", driver.color_frame, optical),
    ]
    transforms = [_transform(*edge) for edge in edges]
    return _make("tf2_msgs/msg/TFMessage", transforms=transforms)


def _transform(parent: str, child: str, T: np.ndarray) -> Any:
    x, y, z, w = _quaternion(T[:3, :3])
    vector = _make("geometry_msgs/msg/Vector3", **dict(zip("xyz", T[:3, 3], strict=True)))
    return _make(
        "geometry_msgs/msg/TransformStamped", header=header(START_NS, parent),
        child_frame_id=child,
        transform=_make(
            "geometry_msgs/msg/Transform", translation=vector,
            rotation=_make("geometry_msgs/msg/Quaternion", x=x, y=y, z=z, w=w),
        ),
    )  # fmt: skip


def _quaternion(R: np.ndarray) -> np.ndarray:
    axis_rad = cv2.Rodrigues(R)[0][:, 0]
    angle = np.linalg.norm(axis_rad)
    if angle < 1e-12:
        return np.array([0.0, 0.0, 0.0, 1.0])
    return np.array([*(np.sin(angle / 2) * axis_rad / angle), np.cos(angle / 2)])
