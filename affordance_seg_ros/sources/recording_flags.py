# SPDX-License-Identifier: Apache-2.0
"""Command line flags that say which recording is read, and how: the same for every program."""

import argparse
from collections.abc import Iterator
from typing import Any

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.flags import add_options, as_help, given_options, given_path
from affordance_seg_ros.node_config import NodeConfig
from affordance_seg_ros.sources.bag import Recording, TopicNames, open_recording
from affordance_seg_ros.sources.preset import Preset, read_preset

READ_OPTIONS = ("max_skew_s", "align_depth", "depth_to_color", "rectified")
"""Options of the node that say how a recording is read; a node to which it is played needs none."""
ALL_HZ = 30.0
"""Rate of pictures without stamps where all of them are processed."""
_WORDS = (
    *("camera", "base", "color_topic", "depth_topic", "camera_info_topic"),
    *("depth_camera_info_topic", "picture_rate_hz"),
)


def add_recording_flags(parser: argparse.ArgumentParser) -> None:
    """Declare the recording and how it is read."""
    parser.add_argument(
        "recording",
        type=given_path,
        help="rosbag2 (folder, .mcap or .db3), rosbag1 (.bag), clip folder, folder of colour and "
        "depth images, or an Azure Kinect recording (.mkv)",
    )
    group = parser.add_argument_group("recording")
    group.add_argument(
        "--camera",
        default="",
        metavar="NAME",
        help="preset of the camera that was recorded, such as realsense: its topics, and its "
        "options where no flag gives them; empty finds the topics by name and type",
    )
    group.add_argument(
        "--base", default="", help="namespace of the camera's topics, if not the preset's own"
    )
    group.add_argument("--color-topic", default="", help="colour topic; empty finds it by type")
    group.add_argument("--depth-topic", default="", help="depth topic; empty finds it")
    group.add_argument("--camera-info-topic", default="", help="camera info; empty finds it")
    group.add_argument(
        "--depth-camera-info-topic", default="", help="the depth camera's, with --align-depth"
    )
    group.add_argument(
        "--picture-rate-hz",
        type=float,
        default=0.0,
        help="rate of pictures without stamps [Hz]; 0 takes that of the pipeline, 10 by default, "
        "or 30 where the pipeline takes all",
    )
    names = tuple(name for name in READ_OPTIONS if name != "rectified")
    add_options(group, NodeConfig, only=names, given_only=True)
    # The node has no topic name to go by, so its default differs.
    group.add_argument(
        "--rectified",
        action=argparse.BooleanOptionalAction,
        default=argparse.SUPPRESS,
        help=f"{as_help(NodeConfig.infos()['rectified'].description)} (default: by the word rect "
        "in the topic's name)",
    )


def open_flagged(arguments: argparse.Namespace, *, rate_hz: float = 10.0) -> Recording:
    """Open the recording that the flags name.

    Args:
        arguments: Parsed arguments.
        rate_hz: Rate of pictures without stamps where no flag gives it [Hz]; 0 for `ALL_HZ`.

    Raises:
        ConfigError: A flag is out of range or not for such a recording, or the camera is unknown.
        SourceError: There is no such recording, or it is damaged.
    """
    given_hz = arguments.picture_rate_hz
    if not 0 <= given_hz < float("inf"):
        raise ConfigError(f"--picture-rate-hz {given_hz:g}; expected a positive number, or 0")
    if arguments.base and not arguments.camera:
        raise ConfigError(f"--base {arguments.base} without --camera; expected both")
    preset = read_preset(arguments.camera) if arguments.camera else None
    given = _given(arguments, preset)
    config = NodeConfig(**given)
    recording = open_recording(
        arguments.recording,
        _topics(arguments, preset),
        rate_hz=given_hz or rate_hz or ALL_HZ,
        max_skew_ns=round(1e9 * config.max_skew_s) or None,
        depth_to_color=config.depth_to_color if config.align_depth else "",
        rectified=given.get("rectified"),
    )
    if given_hz and recording.is_stamped:
        raise ConfigError(
            f"--picture-rate-hz {given_hz:g} with {recording.path}, whose frames carry stamps; "
            "expected a folder of pictures with color/ and depth/"
        )
    return recording


def recording_words(arguments: argparse.Namespace) -> Iterator[str]:
    """Yield the arguments that say the same to another program."""
    yield str(arguments.recording)
    for name in _WORDS:
        if getattr(arguments, name):
            yield f"--{name.replace('_', '-')}={getattr(arguments, name)}"
    for name, value in _given(arguments, None).items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            yield f"--{flag}" if value else f"--no-{flag}"
        else:
            yield f"--{flag}={value}"


def _given(arguments: argparse.Namespace, preset: Preset | None) -> dict[str, Any]:
    """Return how a recording is read: what flags give, and otherwise what the preset does."""
    known = preset.parameters.items() if preset else ()
    return {
        **{name: value for name, value in known if name in READ_OPTIONS},
        **{
            name: value
            for name, value in given_options(arguments, NodeConfig).items()
            if name in READ_OPTIONS
        },
    }


def _topics(arguments: argparse.Namespace, preset: Preset | None) -> TopicNames:
    known = preset.recorded_topics(arguments.base) if preset else {}
    return TopicNames(
        arguments.color_topic or known.get("color/image", ""),
        arguments.depth_topic or known.get("depth/image", ""),
        arguments.camera_info_topic or known.get("color/camera_info", ""),
        arguments.depth_camera_info_topic or known.get("depth/camera_info", ""),
    )
