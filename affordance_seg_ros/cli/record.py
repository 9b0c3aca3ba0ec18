# SPDX-License-Identifier: Apache-2.0
"""`affordance-seg record`: what a running node says of a recording that is played to it."""

import argparse
import sys
from pathlib import Path

READY = "recording"
"""Printed once the node's publishers are found: what is played from now on is not missed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("recording", type=Path, help="the recording that is played to the node")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--namespace", default="/affordance", help="where the node publishes")
    parser.add_argument("--masks", action="store_true", help="write each mask as a PNG of ids")


def run(arguments: argparse.Namespace) -> int:
    """Record until SIGINT or SIGTERM; return the exit code."""
    try:
        from affordance_seg_ros.ros.collector import collect
    except ImportError as error:
        print(f"affordance-seg record: needs ROS 2 ({error})", file=sys.stderr)
        return 2
    from affordance_seg_ros.evaluation.live import LiveRecorder
    from affordance_seg_ros.evaluation.report import write_json
    from affordance_seg_ros.sources.bag import open_recording

    recording = open_recording(arguments.recording)
    with LiveRecorder(recording, arguments.out, masks=arguments.masks) as recorder:
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
    return 0
