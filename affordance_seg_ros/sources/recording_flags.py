# SPDX-License-Identifier: Apache-2.0
"""Command line flags that say which recording is read, and how: the same for every program."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.sources.bag import Recording, TopicNames, open_recording


def add_recording_flags(parser: argparse.ArgumentParser) -> None:
    """Declare the recording and how it is read."""
    parser.add_argument(
        "recording",
        type=Path,
        help="rosbag2 (folder, .mcap or .db3), rosbag1 (.bag), clip folder, folder of colour and "
        "depth images, or an Azure Kinect recording (.mkv)",
    )
    parser.add_argument("--color-topic", default="", help="colour topic; empty finds it by type")
    parser.add_argument("--depth-topic", default="", help="aligned depth topic; empty finds it")
    parser.add_argument("--camera-info-topic", default="", help="camera info; empty finds it")
    parser.add_argument(
        "--picture-rate-hz",
        type=float,
        default=0.0,
        help="rate of pictures without stamps [Hz]; 0 takes that of the pipeline, 10 by default",
    )


def open_flagged(
    arguments: argparse.Namespace, *, rate_hz: float = 10.0, max_skew_s: float = 0.0
) -> Recording:
    """Open the recording that the flags name.

    Args:
        arguments: Parsed arguments.
        rate_hz: Rate of pictures without stamps where no flag gives it [Hz]; 0 for none.
        max_skew_s: Largest difference of the stamps of a pair [s]; 0 learns it.

    Raises:
        ConfigError: The rate is no positive number.
        SourceError: There is no such recording, or it is damaged.
    """
    given_hz = arguments.picture_rate_hz
    if not 0 <= given_hz < float("inf"):
        raise ConfigError(f"--picture-rate-hz {given_hz:g}; expected a positive number, or 0")
    return open_recording(
        arguments.recording,
        TopicNames(arguments.color_topic, arguments.depth_topic, arguments.camera_info_topic),
        rate_hz=given_hz or rate_hz or None,
        max_skew_ns=round(1e9 * max_skew_s) or None,
    )


def recording_words(arguments: argparse.Namespace) -> Iterator[str]:
    """Yield the words that say the same to another program."""
    yield str(arguments.recording)
    for name in ("color_topic", "depth_topic", "camera_info_topic", "picture_rate_hz"):
        if getattr(arguments, name):
            yield f"--{name.replace('_', '-')}={getattr(arguments, name)}"
