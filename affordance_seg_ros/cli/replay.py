# SPDX-License-Identifier: Apache-2.0
"""`affordance-seg replay`: the pipeline over a recording."""

import argparse
import sys

from affordance_seg_ros.config import FlowConfig, PipelineConfig
from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.flags import add_options, given_path, read_options
from affordance_seg_ros.node_config import NodeConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from affordance_seg_ros.sources.recording_flags import add_recording_flags

    add_recording_flags(parser)
    parser.add_argument("--out", type=given_path, required=True, help="folder for the results")
    parser.add_argument("--masks", action="store_true", help="write each mask as a PNG of ids")
    parser.add_argument(
        "--html", action="store_true", help="write the report as one page, OUT/report.html"
    )
    parser.add_argument("--json", type=given_path, help="also write the summary to this file")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
    add_options(parser, NodeConfig, only=("weights", "device"))
    add_options(parser.add_argument_group("pipeline"), PipelineConfig)
    add_options(parser.add_argument_group("scene flow"), FlowConfig, prefix="flow-")


def run(arguments: argparse.Namespace) -> int:
    """Run the replay; return the exit code."""
    from affordance_seg_ros.evaluation.replay import replay
    from affordance_seg_ros.evaluation.report import write_json
    from affordance_seg_ros.pipeline.streaming import build_pipeline
    from affordance_seg_ros.sources.recording_flags import open_flagged
    from affordance_seg_ros.whole_file import check_writable

    node = read_options(arguments, NodeConfig)
    flow = read_options(arguments, FlowConfig, prefix="flow-")
    config = read_options(arguments, PipelineConfig, flow=flow)
    recording = open_flagged(arguments, rate_hz=config.rate_hz)
    for doubt in recording.doubts:
        print(doubt, file=sys.stderr)
    check_writable(arguments.out, SourceError)
    pipeline = build_pipeline(node.weights, node.device, config)
    if not pipeline.card.trained:
        print("UNTRAINED WEIGHTS: masks and actions mean nothing", file=sys.stderr)
    summary = replay(
        recording,
        pipeline,
        arguments.out,
        masks=arguments.masks,
        html=arguments.html,
        command=arguments.invocation,
        progress=not arguments.quiet,
    )
    if arguments.json:
        write_json(arguments.json, summary)
    if summary["labels_in_recording"] and not summary["labelled_frames"]:
        print(
            f"none of the {summary['labels_in_recording']} labelled frames was processed, so there "
            "are no metrics; --rate-hz 0 takes every frame",
            file=sys.stderr,
        )
    for reason, count in {**summary["skipped_messages"], **summary["drop_reasons"]}.items():
        print(f"left out: {count} x {reason}", file=sys.stderr)
    if summary["unpaired"]:
        print(f"left out: {summary['unpaired']} images without a partner", file=sys.stderr)
    total = summary["stage_ms"]["total"]
    print(
        f"{summary['frames_processed']} of {summary['frames_read']} frames, "
        f"{total['p50']:.0f} ms a frame (p95 {total['p95']:.0f} ms) on {summary['device']}; "
        f"action {summary['action']['predicted']}; see {arguments.out}"
    )
    return 0
