# SPDX-License-Identifier: Apache-2.0
"""Writing ROS 2 bags that ``ros2 bag play`` plays to the node."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rosbags.interfaces import Connection
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.errors import ConfigError, SourceError
from affordance_seg_ros.frames import DepthImage, RgbdFrame
from affordance_seg_ros.sources.clip_reader import Clip
from affordance_seg_ros.sources.sqlite_path import check_sqlite_path
from affordance_seg_ros.sources.topics import DEFAULT_TOPICS, TopicNames
from affordance_seg_ros.whole_file import partial_path

STORAGES = {"mcap": StoragePlugin.MCAP, "sqlite3": StoragePlugin.SQLITE3}
"""Storage formats of ROS 2 bags."""

_JPEG_QUALITY = 95
_LABEL_FILES = ("clip.json", "label.png", "affordances.png")
_LABEL_FOLDERS = ("labels", "affordances", "roles", "flow", "true_depth")

Progress = Callable[[int], None]


def write_bag(
    path: Path | str,
    frames: Iterable[RgbdFrame],
    *,
    storage: str = "mcap",
    topics: TopicNames = DEFAULT_TOPICS,
    compressed: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write frames as a ROS 2 bag of colour, depth and camera_info, with the frames' stamps.

    Args:
        path: Folder to create; it must not exist.
        frames: The frames, in order.
        storage: ``mcap`` or ``sqlite3``.
        topics: Topic names; a compressed colour topic gets ``/compressed`` appended.
        compressed: Store colour as JPEG of quality 95 instead of rgb8.
        progress: Called with the number of frames written so far.

    Returns:
        Number of frames written.

    Raises:
        SourceError: The folder exists or cannot be written, or there are no frames.
        ConfigError: The storage is unknown.
    """
    with _BagFolder(Path(path), storage, topics, compressed=compressed) as bag:
        for frame in frames:
            bag.write(frame)
            if progress:
                progress(bag.frame_count)
    return bag.frame_count


def write_clip_bag(
    path: Path | str,
    clip: Clip,
    *,
    storage: str = "mcap",
    topics: TopicNames = DEFAULT_TOPICS,
    compressed: bool = True,
    progress: Progress | None = None,
) -> int:
    """Write a clip as a ROS 2 bag with its description, labels and truth beside the bag file.

    Args:
        path: Folder to create; it must not exist.
        clip: The clip.
        storage: ``mcap`` or ``sqlite3``.
        topics: Topic names, as in `write_bag`.
        compressed: Store the clip's own JPEG or PNG bytes instead of rgb8.
        progress: Called with the number of frames written so far.

    Returns:
        Number of frames written.

    Raises:
        SourceError: The clip is damaged, or the folder exists or cannot be written.
        ConfigError: The storage is unknown.
    """
    with _BagFolder(Path(path), storage, topics, compressed=compressed) as bag:
        for index, frame in enumerate(clip.frames()):
            bag.write(frame, clip.color_path(index).read_bytes() if compressed else None)
            if progress:
                progress(bag.frame_count)
        for name in _LABEL_FILES:
            if (clip.path / name).exists():
                shutil.copy(clip.path / name, bag.folder / name)
        for name in _LABEL_FOLDERS:
            if (clip.path / name).exists():
                shutil.copytree(clip.path / name, bag.folder / name)
    return bag.frame_count


class _BagFolder:
    """A bag being written, in a hidden folder of its own until it is complete."""

    def __init__(self, path: Path, storage: str, topics: TopicNames, *, compressed: bool) -> None:
        if storage not in STORAGES:
            raise ConfigError(f"bag storage '{storage}'; expected one of {', '.join(STORAGES)}")
        if path.exists():
            raise SourceError(f"{path} exists; expected a new folder")
        if storage == "sqlite3":
            check_sqlite_path(path)
        self._path = path
        # The bag files are named after the folder, so only its parent can be hidden.
        self._hidden = partial_path(path)
        self.folder = self._hidden / path.name
        self.frame_count = 0
        self._compressed = compressed
        self._topics = topics
        self._store = get_typestore(Stores.ROS2_HUMBLE)
        self._plugin = STORAGES[storage]

    def __enter__(self) -> "_BagFolder":
        # Version 8, the oldest that rosbags writes: older players cannot read the QoS of 9.
        self._writer = Writer(self.folder, version=8, storage_plugin=self._plugin)
        try:
            self._writer.open()
        except OSError as error:
            raise SourceError(f"cannot write {self._path}: {error.strerror}") from error
        color_kind = "CompressedImage" if self._compressed else "Image"
        color_topic = self._topics.color + ("/compressed" if self._compressed else "")
        self._color = self._connect(color_topic, color_kind)
        self._depth = self._connect(self._topics.depth, "Image")
        self._info = self._connect(self._topics.camera_info, "CameraInfo")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, traceback: Any) -> None:
        try:
            self._writer.close()
            if kind is None:
                if not self.frame_count:
                    raise SourceError(f"{self._path}: bag without frames; expected at least one")
                self.folder.rename(self._path)
        except OSError as os_error:
            raise SourceError(f"cannot write {self._path}: {os_error.strerror}") from os_error
        finally:
            shutil.rmtree(self._hidden, ignore_errors=True)
        if isinstance(error, OSError):
            raise SourceError(f"cannot write {self._path}: {error.strerror}") from error

    def write(self, frame: RgbdFrame, encoded_color: bytes | None = None) -> None:
        """Append a frame; colour is encoded unless its JPEG or PNG bytes are given."""
        header = self._header(frame)
        self._put(self._info, frame.stamp_ns, self._camera_info(header, frame.camera))
        self._put(self._color, frame.stamp_ns, self._color_image(header, frame, encoded_color))
        self._put(self._depth, frame.stamp_ns, self._depth_image(header, frame.depth))
        self.frame_count += 1

    def _connect(self, topic: str, kind: str) -> Connection:
        return self._writer.add_connection(topic, f"sensor_msgs/msg/{kind}", typestore=self._store)

    def _put(self, connection: Connection, stamp_ns: int, message: object) -> None:
        data = self._store.serialize_cdr(message, connection.msgtype)
        self._writer.write(connection, stamp_ns, data)

    def _message(self, kind: str, **fields: Any) -> Any:
        return self._store.types[kind](**fields)

    def _header(self, frame: RgbdFrame) -> Any:
        sec, nanosec = divmod(frame.stamp_ns, 1_000_000_000)
        stamp = self._message("builtin_interfaces/msg/Time", sec=sec, nanosec=nanosec)
        return self._message("std_msgs/msg/Header", stamp=stamp, frame_id=frame.frame_id)

    def _image(self, header: Any, encoding: str, pixels: Any) -> Any:
        rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(pixels.shape[0], -1)
        return self._message(
            "sensor_msgs/msg/Image",
            header=header,
            height=pixels.shape[0],
            width=pixels.shape[1],
            encoding=encoding,
            is_bigendian=0,
            step=rows.shape[1],
            data=rows.reshape(-1),
        )

    def _color_image(self, header: Any, frame: RgbdFrame, encoded: bytes | None) -> Any:
        if not self._compressed:
            return self._image(header, "rgb8", frame.color)
        if encoded is None:
            bgr = cv2.cvtColor(frame.color, cv2.COLOR_RGB2BGR)
            _, jpeg = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY))
            encoded = jpeg.tobytes()
        codec = "png" if encoded.startswith(b"\x89PNG") else "jpeg"
        return self._message(
            "sensor_msgs/msg/CompressedImage",
            header=header,
            format=f"rgb8; {codec} compressed bgr8",
            data=np.frombuffer(encoded, np.uint8),
        )

    def _depth_image(self, header: Any, depth: DepthImage) -> Any:
        if depth.raw.dtype == np.uint16 and depth.metres_per_unit == 0.001:
            return self._image(header, "16UC1", depth.raw.astype("<u2", copy=False))
        return self._image(header, "32FC1", depth.to_metres().astype("<f4", copy=False))

    def _camera_info(self, header: Any, camera: Camera) -> Any:
        roi = self._message(
            "sensor_msgs/msg/RegionOfInterest",
            x_offset=0, y_offset=0, height=0, width=0, do_rectify=False,
        )  # fmt: skip
        k = camera.matrix
        rational = len(camera.distortion) == 8
        return self._message(
            "sensor_msgs/msg/CameraInfo",
            header=header,
            height=camera.height,
            width=camera.width,
            distortion_model="rational_polynomial" if rational else "plumb_bob",
            d=np.array(camera.distortion or (0.0,) * 5),
            k=k.reshape(-1).astype(np.float64),
            r=np.eye(3).reshape(-1),
            p=np.hstack([k, np.zeros((3, 1))]).reshape(-1),
            binning_x=0,
            binning_y=0,
            roi=roi,
        )
