# SPDX-License-Identifier: Apache-2.0
"""`affordance-seg synth`: rendered interaction clips."""

import argparse
import re
import sys
from importlib import import_module
from typing import Any

from affordance_seg_ros.errors import ConfigError, DeviceError
from affordance_seg_ros.flags import add_options, given_path, read_options

_SYNTHESIS = "affordance_seg_ros.training.synthesis"
_FLAGS = (
    "seed", "frames", "split", "scenes", "sensor", "moving_camera", "black_holes", "true_flow",
    "true_depth",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    settings = _import("settings")
    parser.add_argument("--out", type=given_path, required=True, help="folder for the clips")
    parser.add_argument("--clips", type=int, default=10, help="number of clips")
    parser.add_argument("--size", default="320x240", help="width x height of the pictures [px]")
    parser.add_argument("--workers", type=int, default=1, help="number of processes")
    parser.add_argument("--objects", nargs="+", default=[], help="objects to show; none means all")
    parser.add_argument("--actions", nargs="+", default=[], help="actions to show; none means all")
    parser.add_argument("--format", default="clip", help="clip for folders, mcap for ROS 2 bags")
    parser.add_argument("--sheets", action="store_true", help="draw a contact sheet of each clip")
    parser.add_argument("--json", type=given_path, help="write a summary to this file")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
    add_options(parser, settings.SynthesisConfig, only=_FLAGS)


def run(arguments: argparse.Namespace) -> int:
    """Make the clips; return the exit code."""
    from affordance_seg_ros.evaluation.report import write_json

    settings, folder, batch = _import("settings"), _import("batch_folder"), _import("batch")
    width, height = parse_size(arguments.size)
    config = read_options(
        arguments,
        settings.SynthesisConfig,
        width=width,
        height=height,
        objects=tuple(arguments.objects),
        actions=tuple(arguments.actions),
    )
    result = batch.make_batch(
        folder.Batch(
            config,
            arguments.clips,
            arguments.out,
            workers=arguments.workers,
            storage=arguments.format,
            sheets=arguments.sheets,
        ),
        progress=not arguments.quiet,
    )
    if arguments.json:
        write_json(arguments.json, result._asdict())
    if result.without_sheet:
        print(
            f"{result.without_sheet} of the existing clips have no sheet: a sheet is drawn only "
            "when its clip is made",
            file=sys.stderr,
        )
    print(
        f"{arguments.out}: {result.made} clips made, {result.found} were already there; "
        f"{result.clips_per_minute:.1f} clips/min, {result.mean_clip_mb:.2f} MB a clip, "
        f"{result.peak_worker_mb:.0f} MB a worker"
    )
    return 0


def parse_size(text: str) -> tuple[int, int]:
    """Return the width and height in a text such as 320x240.

    Raises:
        ConfigError: The text is not of this form.
    """
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if match is None:
        raise ConfigError(f"size '{text}'; expected WIDTHxHEIGHT in pixels, such as 320x240")
    return int(match[1]), int(match[2])


def _import(name: str) -> Any:
    """Import a module of the renderer, whose dependencies not everyone has installed."""
    try:
        return import_module(f"{_SYNTHESIS}.{name}")
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("affordance_seg_ros"):
            raise
        raise DeviceError(
            f"the Python package {error.name} is missing; install affordance_seg_ros[train]"
        ) from error
