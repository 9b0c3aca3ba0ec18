# SPDX-License-Identifier: Apache-2.0
"""`affordance-seg replay`: the pipeline over a recording."""

import argparse
import shlex
import sys
from pathlib import Path

from affordance_seg_ros.cli.flags import add_options, read_options
from affordance_seg_ros.config import FlowConfig, NodeConfig, PipelineConfig
from affordance_seg_ros.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "recording",
        type=Path,
        help="rosbag2 (folder, .mcap or .db3), rosbag1 (.bag), clip folder, folder of colour and "
        "depth images, or an Azure Kinect recording (.mkv)",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--color-topic", default="", help="colour topic; empty finds it by type")
    parser.add_argument("--depth-topic", default="", help="aligned depth topic; empty finds it")
    parser.add_argument("--camera-info-topic", default="", help="camera info; empty finds it")
    parser.add_argument(
        "--picture-rate-hz",
        type=float,
        default=0.0,
        help="rate of pictures without stamps [Hz]; 0 takes rate_hz",
    )
    parser.add_argument("--masks", action="store_true", help="write each mask as a PNG of ids")
    parser.add_argument(
        "--html", action="store_true", help="write the report as one page, OUT/report.html"
    )
    parser.add_argument("--json", type=Path, help="also write the summary to this file")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
    add_options(parser, NodeConfig, only=("weights", "device", "max_skew_s"))
    add_options(parser, PipelineConfig)
    add_options(parser, FlowConfig, prefix="flow-")


def run(arguments: argparse.Namespace) -> int:
    """Run the replay; return the exit code."""
    from affordance_seg_ros.evaluation.replay import replay
    from affordance_seg_ros.evaluation.report import write_json
    from affordance_seg_ros.pipeline.streaming import build_pipeline
    from affordance_seg_ros.sources.bag import TopicNames, open_recording

    node = read_options(arguments, NodeConfig)
    flow = read_options(arguments, FlowConfig, prefix="flow-")
    config = read_options(arguments, PipelineConfig, flow=flow)
    if not 0 <= arguments.picture_rate_hz < float("inf"):
        raise ConfigError(
            f"--picture-rate-hz {arguments.picture_rate_hz:g}; expected a positive number, or 0"
        )
    topics = TopicNames(arguments.color_topic, arguments.depth_topic, arguments.camera_info_topic)
    recording = open_recording(
        arguments.recording,
        topics,
        rate_hz=arguments.picture_rate_hz or config.rate_hz or None,
        max_skew_ns=round(1e9 * node.max_skew_s) or None,
    )
    pipeline = build_pipeline(node.weights, node.device, config)
    if not pipeline.card.trained:
        print("UNTRAINED WEIGHTS: masks and actions mean nothing", file=sys.stderr)
    summary = replay(
        recording,
        pipeline,
        arguments.out,
        masks=arguments.masks,
        html=arguments.html,
        command=shlex.join(["affordance-seg", *sys.argv[1:]]),
        progress=not arguments.quiet,
    )
    if arguments.json:
        write_json(arguments.json, summary)
    total = summary["stage_ms"]["total"]
    print(
        f"{summary['frames_processed']} of {summary['frames_read']} frames, "
        f"{total['p50']:.0f} ms a frame (p95 {total['p95']:.0f} ms) on {summary['device']}; "
        f"action {summary['action']['predicted']}; see {arguments.out}"
    )
    return 0
