# SPDX-License-Identifier: Apache-2.0
"""Which topics of a recording are colour, aligned depth and calibration."""

from collections.abc import Container, Iterable, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.sources.color_image import COLOR_ENCODINGS
from affordance_seg_ros.sources.depth_image import METRES_PER_UNIT


@dataclass(frozen=True)
class TopicNames:
    """Names of the topics; an empty one is found by name, type and encoding.

    Attributes:
        color: sensor_msgs Image or CompressedImage topic of the colour camera.
        depth: sensor_msgs Image or CompressedImage topic of depth.
        camera_info: sensor_msgs CameraInfo topic of the colour camera.
        depth_camera_info: The depth camera's, where depth is not aligned to colour.
    """

    color: str = ""
    depth: str = ""
    camera_info: str = ""
    depth_camera_info: str = ""


def is_rectified(topic: str) -> bool:
    """Return whether ``rect`` in the last part of an image topic marks it as rectified in ROS."""
    words = _plain(topic).rsplit("/", 1)[-1].split("_")
    return "rect" in words or "rectified" in words


class TopicSummary(NamedTuple):
    """What is known about a topic of a recording.

    Attributes:
        name: Topic name.
        kind: Message name without package: Image, CompressedImage, CameraInfo.
        encoding: Encoding of its first image; empty for other kinds and without messages.
    """

    name: str
    kind: str
    encoding: str = ""


DEFAULT_TOPICS = TopicNames(
    "/camera/color/image", "/camera/depth/image", "/camera/color/camera_info"
)
"""The node's own relative names, in the namespace ``/camera``."""

# Colour and depth aligned to it, relative to any namespace, the surest first.
_KNOWN = (
    ("color/image", "depth/image"),
    ("rgb/image_raw", "depth_to_rgb/image_raw"),  # Azure Kinect
    ("hd/image_color_rect", "hd/image_depth_rect"),  # Kinect v2
    ("qhd/image_color_rect", "qhd/image_depth_rect"),
    ("sd/image_color_rect", "sd/image_depth_rect"),
    ("color/image_raw", "aligned_depth_to_color/image_raw"),  # RealSense
    ("rgb/image_rect_color", "depth_registered/image_raw"),  # OpenNI, Kinect v1
    ("rgb/image_color", "depth/image"),  # TUM RGB-D
    ("color/image_raw", "depth/image_raw"),  # Femto Bolt with depth_registration
)

# The same for depth that is left as its own camera sees it.
_KNOWN_UNALIGNED = (
    ("color/image_raw", "depth/image_rect_raw"),  # RealSense
    ("color/image_raw", "depth/image_raw"),  # Femto Bolt
    ("rgb/image_raw", "depth/image_raw"),  # Azure Kinect
    ("color/image", "depth/image"),
)

_IMAGES = ("Image", "CompressedImage")
_TRANSPORTS = ("/compressedDepth", "/compressed")


def choose_topics(
    topics: Iterable[TopicSummary], wanted: TopicNames, where: str, *, is_aligned: bool = True
) -> TopicNames:
    """Return the topics of a recording.

    Wanted names are taken, or their compressed transports. Those still missing come from a pair of
    names of a known camera in one namespace, with the wanted name if there is one, or else from a
    single topic of the right type and encoding.

    Args:
        topics: All topics of the recording.
        wanted: Names that the user gave.
        where: Name of the recording, for the messages.
        is_aligned: Whether depth aligned to colour is wanted; otherwise the depth camera's own,
            with its camera_info.

    Raises:
        SourceError: A topic is missing, or several fit.
    """
    found = list(topics)
    if not found:
        raise SourceError(f"{where} is empty; expected colour, depth and camera_info messages")
    images = [topic for topic in found if topic.kind in _IMAGES]
    kinds = {topic.name: topic.kind for topic in found}
    color, depth = _recorded(wanted.color, kinds), _recorded(wanted.depth, kinds)
    infos = (wanted.camera_info, wanted.depth_camera_info)
    accepted = dict.fromkeys((color, depth), _IMAGES) | dict.fromkeys(infos, ("CameraInfo",))
    accepted.pop("", None)
    for name, expected in accepted.items():
        if name not in kinds:
            raise SourceError(f"{where} has no topic {name}; it has {_listed(found)}")
        if kinds[name] not in expected:
            raise SourceError(
                f"{where}: {name} is of type {kinds[name]}; expected {' or '.join(expected)}"
            )
    if not (color and depth):
        known = _KNOWN if is_aligned else _KNOWN_UNALIGNED
        pair = _known_pair(images, where, known, {_plain(color), _plain(depth)} - {""})
        color, depth = color or pair[0], depth or pair[1]
    if not depth:
        depth = _single([t for t in images if _is_depth(t)], "depth", where, found)
    if not color:
        candidates = [t for t in images if _is_color(t) and t.name != depth]
        color = _single(candidates, "colour", where, found)
    camera_info = wanted.camera_info or _camera_info(found, color, where)
    if is_aligned:
        return TopicNames(color, depth, camera_info)
    return TopicNames(
        color, depth, camera_info, wanted.depth_camera_info or _depth_info(found, depth, where)
    )


def _recorded(name: str, names: Container[str]) -> str:
    """Return the name, or that of its compressed transport where only that was recorded."""
    if name and name not in names:
        return next((name + end for end in _TRANSPORTS if name + end in names), name)
    return name


def _known_pair(
    images: Sequence[TopicSummary],
    where: str,
    known: Iterable[tuple[str, str]],
    wanted: Set[str],
) -> tuple[str, str]:
    """Return the surest pair that has the wanted plain name, if there is one."""
    by_plain_name: dict[str, TopicSummary] = {}
    for topic in images:
        # Raw is preferred where both were recorded.
        if _plain(topic.name) not in by_plain_name or topic.kind == "Image":
            by_plain_name[_plain(topic.name)] = topic
    for color_end, depth_end in known:
        pairs = []
        for name, topic in by_plain_name.items():
            if not (name == color_end or name.endswith("/" + color_end)):
                continue
            depth_name = name[: len(name) - len(color_end)] + depth_end
            partner = by_plain_name.get(depth_name)
            if partner is None or not wanted <= {name, depth_name}:
                continue
            if _is_color(topic) and _is_depth(partner):
                pairs.append((topic.name, partner.name))
        if len(pairs) > 1:
            names = ", ".join(color for color, _ in pairs)
            raise SourceError(f"{where} has several cameras: {names}; name the colour topic to use")
        if pairs:
            return pairs[0]
    return "", ""


def _single(
    candidates: Sequence[TopicSummary], what: str, where: str, found: Sequence[TopicSummary]
) -> str:
    names = {_plain(topic.name) for topic in candidates}
    if len(names) > 1:
        raise SourceError(
            f"{where} has several {what} topics: {', '.join(t.name for t in candidates)}; name the "
            "one to use"
        )
    if not names:
        raise SourceError(f"{where} has no {what} topic; it has {_listed(found)}")
    raw = [topic.name for topic in candidates if topic.kind == "Image"]
    return raw[0] if raw else candidates[0].name


def _camera_info(found: Sequence[TopicSummary], color: str, where: str) -> str:
    infos = [topic.name for topic in found if topic.kind == "CameraInfo"]
    sibling = _sibling_info(color)
    if sibling in infos:
        return sibling
    if len(infos) == 1:
        return infos[0]
    if not infos:
        raise SourceError(f"{where} has no camera_info topic; it has {_listed(found)}")
    raise SourceError(
        f"{where} has several camera_info topics, none beside {color}: {', '.join(infos)}; name "
        "the one to use"
    )


def _depth_info(found: Sequence[TopicSummary], depth: str, where: str) -> str:
    sibling = _sibling_info(depth)
    if not any(topic.name == sibling and topic.kind == "CameraInfo" for topic in found):
        raise SourceError(
            f"{where} has no camera_info of the depth camera on {sibling}, without which depth "
            f"cannot be aligned; it has {_listed(found)}"
        )
    return sibling


def _sibling_info(image: str) -> str:
    return _plain(image).rpartition("/")[0] + "/camera_info"


def _is_depth(topic: TopicSummary) -> bool:
    if topic.encoding not in METRES_PER_UNIT:
        return False
    # Grey cameras send mono16 too, and some infrared cameras 16UC1.
    name = topic.name.lower()
    return "depth" in name or not (topic.encoding == "mono16" or "infra" in name or "/ir/" in name)


def _is_color(topic: TopicSummary) -> bool:
    name = topic.name.lower()
    return (
        topic.encoding in COLOR_ENCODINGS
        and not _is_depth(topic)
        and "infra" not in name
        and "/ir/" not in name
    )


def _plain(name: str) -> str:
    for transport in _TRANSPORTS:
        name = name.removesuffix(transport)
    return name


def _listed(topics: Sequence[TopicSummary]) -> str:
    return ", ".join(
        f"{topic.name} ({topic.kind}{' ' + topic.encoding if topic.encoding else ''})"
        for topic in topics
    )
