# SPDX-License-Identifier: Apache-2.0
"""Command line flags that say which recording is read, and how: the same for every program."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.flags import add_options
from affordance_seg_ros.node_config import NodeConfig
from affordance_seg_ros.sources.bag import Recording, TopicNames, open_recording
from affordance_seg_ros.sources.preset import Preset, read_preset

READ_OPTIONS = ("max_skew_s", "align_depth", "depth_to_color")
"""Options of the node that say how a recording is read; a node that it is played to needs none."""
_WORDS = (
    *("camera", "base", "color_topic", "depth_topic", "camera_info_topic"),
    *("depth_camera_info_topic", "picture_rate_hz"),
)


def add_recording_flags(parser: argparse.ArgumentParser) -> None:
    """Declare the recording and how it is read."""
    parser.add_argument(
        "recording",
        type=Path,
        help="rosbag2 (folder, .mcap or .db3), rosbag1 (.bag), clip folder, folder of colour and "
        "depth images, or an Azure Kinect recording (.mkv)",
    )
    parser.add_argument(
        "--camera",
        default="",
        metavar="NAME",
        help="preset of the camera that was recorded, as realsense: its topics, and its options "
        "where a flag is left at its default; empty finds the topics by name and type",
    )
    parser.add_argument(
        "--base", default="", help="namespace of the camera's topics, if not the preset's own"
    )
    parser.add_argument("--color-topic", default="", help="colour topic; empty finds it by type")
    parser.add_argument("--depth-topic", default="", help="depth topic; empty finds it")
    parser.add_argument("--camera-info-topic", default="", help="camera info; empty finds it")
    parser.add_argument(
        "--depth-camera-info-topic", default="", help="the depth camera's, with --align-depth"
    )
    parser.add_argument(
        "--picture-rate-hz",
        type=float,
        default=0.0,
        help="rate of pictures without stamps [Hz]; 0 takes that of the pipeline, 10 by default",
    )
    add_options(parser, NodeConfig, only=READ_OPTIONS)


def open_flagged(arguments: argparse.Namespace, *, rate_hz: float = 10.0) -> Recording:
    """Open the recording that the flags name.

    Args:
        arguments: Parsed arguments.
        rate_hz: Rate of pictures without stamps where no flag gives it [Hz]; 0 for none.

    Raises:
        ConfigError: A flag is out of its range, or the camera unknown.
        SourceError: There is no such recording, or it is damaged.
    """
    given_hz = arguments.picture_rate_hz
    if not 0 <= given_hz < float("inf"):
        raise ConfigError(f"--picture-rate-hz {given_hz:g}; expected a positive number, or 0")
    if arguments.base and not arguments.camera:
        raise ConfigError(f"--base {arguments.base} without --camera; expected both")
    preset = read_preset(arguments.camera) if arguments.camera else None
    config = _options(arguments, preset)
    return open_recording(
        arguments.recording,
        _topics(arguments, preset),
        rate_hz=given_hz or rate_hz or None,
        max_skew_ns=round(1e9 * config.max_skew_s) or None,
        depth_to_color=config.depth_to_color if config.align_depth else "",
    )


def recording_words(arguments: argparse.Namespace) -> Iterator[str]:
    """Yield the words that say the same to another program."""
    yield str(arguments.recording)
    for name in _WORDS:
        if getattr(arguments, name):
            yield f"--{name.replace('_', '-')}={getattr(arguments, name)}"
    yield f"--max-skew-s={arguments.max_skew_s}"
    yield f"--depth-to-color={arguments.depth_to_color}"
    yield from ("--align-depth",) if arguments.align_depth else ()


def _options(arguments: argparse.Namespace, preset: Preset | None) -> NodeConfig:
    """Return the options of the flags, and for those left at their default the preset's."""
    default = NodeConfig()
    given = replace(default, **{name: getattr(arguments, name) for name in READ_OPTIONS})
    if preset is None:
        return given
    left = {
        name: value
        for name, value in preset.parameters.items()
        if name in READ_OPTIONS and getattr(given, name) == getattr(default, name)
    }
    return replace(given, **left)


def _topics(arguments: argparse.Namespace, preset: Preset | None) -> TopicNames:
    known = preset.recorded_topics(arguments.base) if preset else {}
    return TopicNames(
        arguments.color_topic or known.get("color/image", ""),
        arguments.depth_topic or known.get("depth/image", ""),
        arguments.camera_info_topic or known.get("color/camera_info", ""),
        arguments.depth_camera_info_topic or known.get("depth/camera_info", ""),
    )
