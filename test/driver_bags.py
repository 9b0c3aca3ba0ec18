# SPDX-License-Identifier: Apache-2.0
"""Bags of the drivers in `driver_doubles`, as ROS 2 would record their topics."""

import struct
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
from driver_doubles import (
    DRIVERS,
    FRAME_NS,
    START_NS,
    T_COLOR_DEPTH,
    Driver,
    picture,
    seen_m,
    true_depth_m,
)
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.rigid_motion import rigid_motion

STORE = get_typestore(Stores.ROS2_HUMBLE)


def write_driver_bag(
    path: Path,
    name: str,
    *,
    storage: str = "mcap",
    frames: int = 3,
    latched: Mapping[str, Any] = MappingProxyType({}),
) -> Driver:
    """Write a bag as the driver's topics would be recorded; `latched` replaces its /tf_static."""
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
            put(color_info, stamp, _info(color_head, driver, driver.color))
            put(depth_info, stamp + driver.skew_ns, _info(depth_head, driver, view))
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


def _info(head: Any, driver: Driver, camera: Camera) -> Any:
    roi = _make(
        "sensor_msgs/msg/RegionOfInterest", x_offset=0, y_offset=0, height=0, width=0,
        do_rectify=False,
    )  # fmt: skip
    k = camera.matrix
    # orbbec_camera calls the rational model plumb_bob too.
    is_rational = len(camera.distortion) == 8 and not driver.preset.startswith("femto")
    return _make(
        "sensor_msgs/msg/CameraInfo", header=head, height=camera.height, width=camera.width,
        distortion_model="rational_polynomial" if is_rational else "plumb_bob",
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
