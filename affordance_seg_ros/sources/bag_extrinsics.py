# SPDX-License-Identifier: Apache-2.0
"""Pose of the depth camera of a bag, from /tf_static, a driver's topic, or given numbers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rosbags.highlevel import AnyReader

from affordance_seg_ros.errors import CalibrationError, SourceError
from affordance_seg_ros.rigid_motion import FloatArray, parse_motion
from affordance_seg_ros.sources.extrinsics import EXTRINSICS_TYPES, decode_extrinsics
from affordance_seg_ros.sources.static_transforms import StaticTransforms

_WAYS = "expected a recording with it, or seven numbers as depth_to_color"


def find_motion(
    reader: AnyReader,
    path: Path,
    source: str,
    color_frame: str,
    depth_frame: str,
    depth_topic: str,
) -> FloatArray:
    """Return (4, 4) T_color_depth.

    Args:
        reader: The opened bag.
        path: Its name, for messages.
        source: ``tf``, a name of `EXTRINSICS_TYPES`, or seven numbers.
        color_frame: Optical frame of the colour images.
        depth_frame: Optical frame of the depth images.
        depth_topic: Their topic; of several cameras' messages, the one in its namespace is taken.

    Raises:
        SourceError: The bag does not hold it, or holds it for several cameras.
        CalibrationError: It is not a rigid motion.
    """
    if source == "tf":
        return _from_tf(reader, path, color_frame, depth_frame)
    if source in EXTRINSICS_TYPES:
        return _from_topic(reader, path, source, depth_topic)
    return parse_motion(source)


def _from_tf(reader: AnyReader, path: Path, color_frame: str, depth_frame: str) -> FloatArray:
    known = StaticTransforms()
    refused = ""
    for _, message in _all(reader, "/tf_static", "TFMessage"):
        try:
            known.add(message)
        except CalibrationError as error:
            refused = f" ({error})"
    T_color_depth = known.find(color_frame, depth_frame)
    if T_color_depth is None:
        frames = ", ".join(known.frames) or "no frames"
        raise SourceError(
            f"{path}: no transform from '{depth_frame}' to '{color_frame}' on /tf_static, which "
            f"has {frames}{refused}; {_WAYS}"
        )
    return T_color_depth


def _from_topic(reader: AnyReader, path: Path, source: str, depth_topic: str) -> FloatArray:
    kind = EXTRINSICS_TYPES[source]
    found: dict[str, Any] = {}
    for topic, message in _all(reader, "/depth_to_color", "Extrinsics", package=kind.package):
        found.setdefault(topic, message)
    if not found:
        raise SourceError(f"{path}: no {kind.message_type} on any topic depth_to_color; {_WAYS}")
    own = [topic for topic in found if _is_of(topic, depth_topic)]
    chosen = list(found) if len(found) == 1 else own
    if len(chosen) != 1:
        raise SourceError(
            f"{path}: {kind.message_type} from several cameras: {', '.join(sorted(found))}; "
            f"expected one in the namespace of {depth_topic}, or seven numbers as depth_to_color"
        )
    return decode_extrinsics(found[chosen[0]], kind)


def _is_of(topic: str, depth_topic: str) -> bool:
    """Return whether a camera's extrinsics and a depth topic share a namespace."""
    camera = topic.removesuffix("/depth_to_color").removesuffix("/extrinsics")
    return f"/{depth_topic.lstrip('/')}".startswith(f"/{camera.lstrip('/')}/")


def _all(reader: AnyReader, end: str, kind: str, *, package: str = "") -> Iterator[tuple[str, Any]]:
    """Yield topic and message of one kind, from the topics whose names end with `end`.

    Args:
        reader: The opened bag.
        end: End of the topics' names.
        kind: Name of the message, without package.
        package: Package of the message, which in ROS 1 may lack `_msgs`; empty for any.
    """
    packages = {package, package.removesuffix("_msgs")} - {""}
    connections = [
        c
        for c in reader.connections
        if c.topic.endswith(end)
        and c.msgtype.endswith(f"/{kind}")
        and (not packages or c.msgtype.partition("/")[0] in packages)
    ]
    if connections:
        for connection, _, raw in reader.messages(connections):
            yield connection.topic, reader.deserialize(raw, connection.msgtype)
