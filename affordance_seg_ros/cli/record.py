# SPDX-License-Identifier: Apache-2.0
"""`affordance-seg record`: what a running node says about a recording played to it."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.flags import given_path

READY = "recording"
"""Printed once the node's publishers are found: what is played from then on is not missed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from affordance_seg_ros.sources.recording_flags import add_recording_flags

    add_recording_flags(parser)
    parser.add_argument("--out", type=given_path, required=True, help="folder for the results")
    parser.add_argument("--namespace", default="/affordance", help="where the node publishes")
    parser.add_argument(
        "--rate-hz",
        type=float,
        default=10.0,
        help="rate at which the node takes frames [Hz], 0 for all; the video has this rate, or "
        "that of a slower recording",
    )
    parser.add_argument("--masks", action="store_true", help="write each mask as a PNG of ids")
    parser.add_argument("--html", action="store_true", help="collect what a report page needs")
    parser.add_argument(
        "--node-report",
        type=given_path,
        help="the node's report_file; with --play-report, summary.json and the page are made from "
        "it at the end, as the offline replay leaves them",
    )
    parser.add_argument("--play-report", type=given_path, help="the player's report")
    parser.add_argument("--command-line", default="", help="command line that the page shows")


def run(arguments: argparse.Namespace) -> int:
    """Record until SIGINT or SIGTERM; return the exit code."""
    try:
        from affordance_seg_ros.ros.collector import collect
    except ImportError as error:
        print(f"affordance-seg record: needs ROS 2 ({error})", file=sys.stderr)
        return 2
    from affordance_seg_ros.evaluation.live import LiveRecorder
    from affordance_seg_ros.evaluation.report import write_json
    from affordance_seg_ros.sources.recording_flags import open_flagged

    recording = open_flagged(arguments)
    with LiveRecorder(
        recording,
        arguments.out,
        rate_hz=arguments.rate_hz,
        masks=arguments.masks,
        html=arguments.html,
    ) as recorder:
        received = collect(
            recorder.add,
            namespace=arguments.namespace,
            on_connected=lambda: print(READY, flush=True),
        )
    summary = {
        "source": recording.name,
        "masks_received": received.counts["mask"],
        "actions_received": received.counts["action"],
        "messages_received": received.counts,
        "incomplete": received.incomplete,
        **recorder.summary(),
    }
    write_json(arguments.out / "received.json", summary)
    if arguments.node_report and arguments.play_report:
        played, node = (_read(path) for path in (arguments.play_report, arguments.node_report))
        recorder.write_report(summary, played, node, arguments.command_line)
    return 0


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise SourceError(f"{path}: cannot be read ({error})") from error
