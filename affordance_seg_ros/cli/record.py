# SPDX-License-Identifier: Apache-2.0
"""`affordance-seg record`: what a running node says of a recording that is played to it."""

import argparse
import signal
import sys
from pathlib import Path
from typing import Any

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
        import rclpy
        from rclpy.executors import ExternalShutdownException
    except ImportError as error:
        print(f"affordance-seg record: needs ROS 2 ({error})", file=sys.stderr)
        return 2
    from affordance_seg_ros.evaluation.live import LiveRecorder
    from affordance_seg_ros.evaluation.report import write_json
    from affordance_seg_ros.ros.collector import PredictionCollector
    from affordance_seg_ros.sources.bag import open_recording

    recording = open_recording(arguments.recording)
    rclpy.init()
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    with LiveRecorder(recording, arguments.out, masks=arguments.masks) as recorder:
        collector = PredictionCollector(recorder.add, namespace=arguments.namespace)
        try:
            while not collector.is_connected():
                rclpy.spin_once(collector, timeout_sec=0.1)
            print(READY, flush=True)
            rclpy.spin(collector)
        except (KeyboardInterrupt, ExternalShutdownException):
            pass
        finally:
            rclpy.try_shutdown()
    counts = collector.received.counts
    summary: dict[str, Any] = {
        "source": recording.name,
        "masks_received": counts["mask"],
        "actions_received": counts["action"],
        "messages_received": counts,
        "incomplete": collector.received.incomplete,
        **recorder.summary(),
    }
    write_json(arguments.out / "received.json", summary)
    return 0
