# SPDX-License-Identifier: Apache-2.0
"""Reading ROS 2 (MCAP, SQLite) and ROS 1 bags, decoded and paired exactly like live topics."""

from collections import Counter
from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection
from rosbags.typesys import Stores, get_typestore

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.errors import AffordanceError, SourceError
from affordance_seg_ros.frames import RgbdFrame
from affordance_seg_ros.rigid_motion import FloatArray
from affordance_seg_ros.sources.bag_extrinsics import find_motion
from affordance_seg_ros.sources.clip_info import CLIP_JSON
from affordance_seg_ros.sources.clip_reader import read_clip
from affordance_seg_ros.sources.decode import METRES_PER_UNIT, decode_camera_info, stamp_ns
from affordance_seg_ros.sources.frame_period import FramePeriod
from affordance_seg_ros.sources.pairing import Pair, PairingBuffer, PairingCounts
from affordance_seg_ros.sources.recording import LabelMaps, Recording
from affordance_seg_ros.sources.rgbd_decoder import DepthView, RgbdDecoder
from affordance_seg_ros.sources.sqlite_path import check_sqlite_path
from affordance_seg_ros.sources.topics import (
    TopicNames,
    TopicSummary,
    choose_topics,
    is_rectified,
)

# How many messages of a topic are tried in order to learn its encoding or calibration.
_FIRST_MESSAGES = 10
# How many images of a stream may wait for the other: two seconds at 30 Hz.
_WAITING = 64


class BagRecording(Recording):
    """A ROS bag.

    Colour and depth are paired by stamp and decoded exactly like live messages. A message or
    pair that cannot be used is left out and counted, with the reason, in ``report``.

    Attributes:
        topics: The topics that are read.
    """

    def __init__(
        self,
        path: Path,
        topics: TopicNames | None = None,
        *,
        max_skew_ns: int | None = None,
        depth_to_color: str = "",
        rectified: bool | None = None,
    ) -> None:
        """Open a bag and find its topics.

        Args:
            path: Bag folder, or ``.mcap``, ``.db3`` or ``.bag`` file.
            topics: Topics to read; None finds them.
            max_skew_ns: Largest difference of the stamps of a pair [ns]; None learns it.
            depth_to_color: Where T_color_depth for aligning depth comes from, as in option
                ``depth_to_color``; empty if depth is aligned.
            rectified: Whether the colour pictures are rectified; None decides by their topic.

        Raises:
            SourceError: The bag is damaged, empty, or a topic or the transform is missing.
            CalibrationError: A camera_info or the transform is unusable.
        """
        self._rectified = rectified
        with _Bag(path) as reader:
            summaries = list(_summaries(reader))
            self.topics = choose_topics(
                summaries, topics or TopicNames(), str(path), is_aligned=not depth_to_color
            )
            camera = self._first_camera(path, reader, self.topics.camera_info)
            self._depth_camera: Camera | None = None
            self._T_color_depth: FloatArray | None = None
            color_frame, depth_frame, info_frame = (
                _first_frame_id(path, reader, topic)
                for topic in (self.topics.color, self.topics.depth, self.topics.camera_info)
            )
            if depth_to_color:
                self._depth_camera = self._first_camera(path, reader, self.topics.depth_camera_info)
                self._T_color_depth = find_motion(
                    reader, path, depth_to_color, color_frame, depth_frame, self.topics.depth
                )
            counts = [reader.topics[n].msgcount for n in (self.topics.color, self.topics.depth)]
            rate_hz = _rate_hz(reader, self.topics.color)
        super().__init__(
            path=path,
            kind="ROS 1 bag" if path.suffix == ".bag" else "ROS 2 bag",
            camera=camera,
            frame_count=min(counts),
            rate_hz=rate_hz,
        )
        if not depth_to_color and color_frame != depth_frame:
            self.doubts += (
                f"depth is in frame '{depth_frame}', colour in '{color_frame}'; expected depth "
                "aligned to colour, or --align-depth",
            )
        if info_frame != color_frame:
            self.doubts += (
                f"{self.topics.camera_info} is in frame '{info_frame}', colour is in "
                f"'{color_frame}'; expected the camera_info of the colour camera",
            )
        folder = path if path.is_dir() else path.parent
        if (folder / CLIP_JSON).exists():
            clip = read_clip(folder)
            self.action, self.label_names = clip.info.action, clip.info.labels
            self.rate_hz, self.labels = clip.info.rate_hz, LabelMaps(clip)
        self._max_skew_ns = max_skew_ns
        self._buffer: PairingBuffer[Any, Any] = PairingBuffer(max_skew_ns, _WAITING)
        self._decoder = RgbdDecoder()

    def _pairing(self) -> PairingCounts:
        return self._buffer.counts

    def _first_camera(self, path: Path, reader: AnyReader, topic: str) -> Camera:
        refused: AffordanceError | None = None
        for message in _first_messages(reader, topic):
            try:
                return self._decode_camera(topic, message)
            except AffordanceError as error:
                refused = refused or error
        raise refused or SourceError(f"{path}: no readable message on {topic}")

    def _decode_camera(self, topic: str, message: Any) -> Camera:
        if topic != self.topics.camera_info:
            rectified = is_rectified(self.topics.depth)
        elif self._rectified is None:
            rectified = is_rectified(self.topics.color)
        else:
            rectified = self._rectified
        return decode_camera_info(message, rectified=rectified)

    def _read(self, skipped: Counter[str]) -> Iterator[RgbdFrame]:
        buffer = self._buffer = PairingBuffer(self._max_skew_ns, _WAITING)
        cameras = {self.topics.camera_info: self.camera}
        if self._depth_camera is not None:
            cameras[self.topics.depth_camera_info] = self._depth_camera
        names = (self.topics.color, self.topics.depth, *cameras)
        with _Bag(self.path) as reader:
            connections = [c for c in reader.connections if c.topic in names]
            for connection, message in _messages(reader, connections, skipped):
                if connection.topic in cameras:
                    try:
                        cameras[connection.topic] = self._decode_camera(connection.topic, message)
                    except AffordanceError as error:
                        skipped[str(error)] += 1
                    continue
                is_color = connection.topic == self.topics.color
                add = buffer.add_color if is_color else buffer.add_depth
                yield from self._frames(add(stamp_ns(message.header), message), cameras, skipped)
            yield from self._frames(buffer.flush(), cameras, skipped)

    def _frames(
        self, pairs: tuple[Pair[Any, Any], ...], cameras: dict[str, Camera], skipped: Counter[str]
    ) -> Iterator[RgbdFrame]:
        camera, view = cameras[self.topics.camera_info], None
        if self._T_color_depth is not None:
            view = DepthView(cameras[self.topics.depth_camera_info], self._T_color_depth)
        for pair in pairs:
            if not self._is_due(pair.stamp_ns):
                continue
            try:
                yield self._decoder.decode(pair.color, pair.depth, camera, view)
            except AffordanceError as error:
                skipped[str(error)] += 1


class _Bag(AnyReader):
    """A bag; what rosbags raises if it is damaged becomes a SourceError that names it."""

    def __init__(self, path: Path) -> None:
        files = path.glob("*.db3") if path.is_dir() else [path]
        if any(file.suffix == ".db3" for file in files):
            check_sqlite_path(path)
        self._path = path
        with _damage(path):
            super().__init__([path], default_typestore=get_typestore(Stores.ROS2_HUMBLE))

    def open(self) -> None:
        with _damage(self._path):
            super().open()

    def messages(
        self,
        connections: Collection[Connection] = (),
        start: int | None = None,
        stop: int | None = None,
    ) -> Generator[tuple[Connection, int, bytes], None, None]:
        with _damage(self._path):
            yield from super().messages(connections, start, stop)

    def deserialize(self, rawdata: bytes, typ: str) -> object:
        with _damage(self._path):
            return super().deserialize(rawdata, typ)


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # rosbags, its decompressors and SQLite have no common base
        reason = str(error) or type(error).__name__
        raise SourceError(f"{path} is not a readable bag: {reason}") from error


def _messages(
    reader: AnyReader, connections: list[Connection], skipped: Counter[str]
) -> Iterator[tuple[Connection, Any]]:
    for connection, _, raw in reader.messages(connections):
        try:
            message = reader.deserialize(raw, connection.msgtype)
        except SourceError:  # the message is cut off or scrambled
            skipped[f"{connection.topic}: message of {len(raw)} bytes cannot be deserialised"] += 1
        else:
            yield connection, message


def _summaries(reader: AnyReader) -> Iterator[TopicSummary]:
    for name, topic in reader.topics.items():
        package, _, kind = (topic.msgtype or "").rpartition("/")
        if not package.startswith("sensor_msgs") or not topic.msgcount:
            continue
        encoding = ""
        if kind in ("Image", "CompressedImage"):
            message = next(_first_messages(reader, name), None)
            if message is None:
                encoding = "unreadable"
            else:
                encoding = message.encoding if kind == "Image" else _encoding_in(message.format)
        yield TopicSummary(name, kind, encoding)


def _first_messages(reader: AnyReader, topic: str) -> Iterator[Any]:
    """Yield those of a topic's first messages that can be read."""
    messages = reader.messages(reader.topics[topic].connections)
    for connection, _, raw in islice(messages, _FIRST_MESSAGES):
        try:
            message = reader.deserialize(raw, connection.msgtype)
        except SourceError:  # the next one may be intact
            continue
        yield message


def _first_frame_id(path: Path, reader: AnyReader, topic: str) -> str:
    message = next(_first_messages(reader, topic), None)
    if message is None:
        raise SourceError(f"{path}: no readable message on {topic}")
    return str(message.header.frame_id)


def _rate_hz(reader: AnyReader, topic: str) -> float | None:
    """Return the rate of a topic by the stamps of its first messages; None before the third.

    The duration of the whole bag says little about it: other topics may have begun hours before.
    """
    period = FramePeriod()
    for message in _first_messages(reader, topic):
        period.add(stamp_ns(message.header))
    return 1e9 / period.typical_ns if period.typical_ns else None


def _encoding_in(image_format: str) -> str:
    """Return the encoding that a compressed format names; rgb8 if it names only a codec."""
    encoding, separator, _ = image_format.partition(";")
    named = separator or encoding in METRES_PER_UNIT
    return encoding.strip() if named else "rgb8"
