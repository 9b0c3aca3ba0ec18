# SPDX-License-Identifier: Apache-2.0
"""Where the depth camera of a bag stands, from /tf_static, a driver's topic, or given numbers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rosbags.highlevel import AnyReader

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.rigid_motion import FloatArray, parse_motion
from affordance_seg_ros.sources.extrinsics import EXTRINSICS_TYPES, decode_extrinsics
from affordance_seg_ros.sources.static_transforms import StaticTransforms

_WAYS = "expected a recording with it, or seven numbers as depth_to_color"


def find_motion(
    reader: AnyReader, path: Path, source: str, color_frame: str, depth_frame: str
) -> FloatArray:
    """Return (4, 4) T_color_depth.

    Args:
        reader: The opened bag.
        path: Its name, for messages.
        source: ``tf``, a name of `EXTRINSICS_TYPES`, or seven numbers.
        color_frame: Optical frame of the colour images.
        depth_frame: Optical frame of the depth images.

    Raises:
        SourceError: The bag does not hold it.
        CalibrationError: It is no rigid motion.
    """
    if source == "tf":
        return _from_tf(reader, path, color_frame, depth_frame)
    if source in EXTRINSICS_TYPES:
        return _from_topic(reader, path, source)
    return parse_motion(source)


def _from_tf(reader: AnyReader, path: Path, color_frame: str, depth_frame: str) -> FloatArray:
    known = StaticTransforms()
    for message in _all(reader, "/tf_static", "TFMessage"):
        known.add(message)
    T_color_depth = known.find(color_frame, depth_frame)
    if T_color_depth is None:
        frames = ", ".join(known.frames) or "no frames"
        raise SourceError(
            f"{path}: no transform from '{depth_frame}' to '{color_frame}' on /tf_static, which "
            f"has {frames}; {_WAYS}"
        )
    return T_color_depth


def _from_topic(reader: AnyReader, path: Path, source: str) -> FloatArray:
    kind = EXTRINSICS_TYPES[source]
    for message in _all(reader, "/depth_to_color", "Extrinsics"):
        return decode_extrinsics(message, kind)
    raise SourceError(f"{path}: no {kind.message_type} on any topic depth_to_color; {_WAYS}")


def _all(reader: AnyReader, end: str, kind: str) -> Iterator[Any]:
    """Yield the messages of a kind on topics whose names end so."""
    connections = [
        c for c in reader.connections if c.topic.endswith(end) and c.msgtype.endswith(f"/{kind}")
    ]
    if connections:
        for connection, _, raw in reader.messages(connections):
            yield reader.deserialize(raw, connection.msgtype)
