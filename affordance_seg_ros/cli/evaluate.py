# SPDX-License-Identifier: Apache-2.0
"""`affordance-seg evaluate`: weights on labelled clips."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from affordance_seg_ros.config import FlowConfig, PipelineConfig
from affordance_seg_ros.errors import ConfigError, SourceError
from affordance_seg_ros.flags import add_options, given_path, non_negative_float, read_options
from affordance_seg_ros.node_config import NodeConfig

LONG_STREAMS = ("rest", "succession")
RESTS_S = (0.0, 1.0, 10.0, 60.0, 120.0)
PAUSES_S = (0.0, 5.0, 15.0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--data", type=given_path, required=True, help="folder of a labelled data set"
    )
    parser.add_argument("--split", default="val", help="split to evaluate; '' for all")
    parser.add_argument("--label-map", default="", help="YAML file; empty for the usual one")
    parser.add_argument("--limit", type=int, default=0, help="clips to evaluate; 0 for all")
    parser.add_argument(
        "--target",
        choices=("demonstrated", "affordances"),
        default="demonstrated",
        help="label of the masks: what the clip demonstrates, or the affordance of every part",
    )
    parser.add_argument(
        "--until",
        choices=("end", "acting"),
        default="end",
        help="where clips are cut and scored: at their last frame, or two thirds into the "
        "interaction, with the hand still acting",
    )
    parser.add_argument(
        "--out",
        type=given_path,
        default=Path("out/evaluate"),
        help="folder for tables and pictures",
    )
    parser.add_argument("--json", type=given_path, help="also write the result to this file")
    parser.add_argument(
        "--long-streams",
        nargs="*",
        choices=LONG_STREAMS,
        help="also measure long rests after and before clips (some 7000 frames each), and clips "
        "that follow each other in one stream (some 1000 frames each); name one to measure only it",
    )
    for flag, lengths, what in (
        ("--rests", RESTS_S, "with --long-streams: lengths of the rests"),
        ("--pauses", PAUSES_S, "with --long-streams: pauses between clips that follow each other"),
    ):
        parser.add_argument(
            flag,
            nargs="+",
            type=non_negative_float,
            metavar="SECONDS",
            help=f"{what} [s]; if omitted, {' '.join(f'{each:g}' for each in lengths)}",
        )
    parser.add_argument(
        "--min-confidence",
        type=float,
        default=0.0,
        help="pixels whose affordance is less probable become background [0 to 1]; 0 scores the "
        "network's own choice",
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
    add_options(parser, NodeConfig, only=("weights", "device"))
    add_options(parser.add_argument_group("scene flow"), FlowConfig, prefix="flow-")


def run(arguments: argparse.Namespace) -> int:
    """Evaluate; return the exit code."""
    from affordance_seg_ros.evaluation.report import write_json
    from affordance_seg_ros.flow.estimator import (
        build_estimator,
        estimator_name,
        flow_in_words,
    )
    from affordance_seg_ros.model.checkpoint import load_weights
    from affordance_seg_ros.model.fingerprint import fingerprint
    from affordance_seg_ros.pipeline.device import resolve_device
    from affordance_seg_ros.pipeline.streaming import Pipeline
    from affordance_seg_ros.training.datasets.data_source import DataSource, detect_kind
    from affordance_seg_ros.training.datasets.shortened import until_acting
    from affordance_seg_ros.training.evaluate import CLIP_GAP_S, evaluate, scorable
    from affordance_seg_ros.training.evaluation_report import write_report
    from affordance_seg_ros.training.long_stream import (
        check_sizes,
        measure_rest,
        measure_succession,
    )
    from affordance_seg_ros.training.run_data import scan_sources, spread
    from affordance_seg_ros.training.seen_data import warn_of_seen
    from affordance_seg_ros.whole_file import check_writable

    if arguments.limit < 0:
        raise ConfigError(f"--limit {arguments.limit}; expected a number of clips, or 0 for all")
    if arguments.long_streams is None and (arguments.rests or arguments.pauses):
        raise ConfigError(
            "--rests and --pauses without --long-streams, whose lengths they are; expected both"
        )
    flow = read_options(arguments, FlowConfig, prefix="flow-")
    config = PipelineConfig(
        min_confidence=arguments.min_confidence, max_gap_s=CLIP_GAP_S, flow=flow
    )
    source = DataSource(
        kind=detect_kind(arguments.data),
        root=str(arguments.data),
        split=arguments.split,
        label_map=arguments.label_map,
    )
    device = resolve_device(arguments.device)
    checkpoint = load_weights(arguments.weights, device)
    weights = {
        "name": checkpoint.card.name,
        "trained": checkpoint.card.trained,
        "fingerprint": fingerprint(checkpoint.network),
    }
    warn_of_seen(checkpoint.card.recipe, source)
    found, problems = scan_sources([source], checkpoint.network_config.labels)
    if arguments.until == "acting":
        found = tuple(until_acting(sequence) for sequence in found)
    labelled = scorable(found, arguments.target)
    sequences = spread(labelled, arguments.limit)
    progress = not arguments.quiet
    streams = () if arguments.long_streams is None else arguments.long_streams or LONG_STREAMS
    if "succession" in streams:
        check_sizes(sequences)
    check_writable(arguments.out, SourceError)
    # Last of all: preparing the network may take half a minute.
    pipeline = Pipeline(checkpoint, build_estimator(flow, device), config, device)
    evaluation = evaluate(pipeline, sequences, target=arguments.target, progress=progress)
    about = {
        "weights": weights,
        "data": asdict(source),
        "limit": arguments.limit,
        "unreadable": list(problems),
        "unlabelled": len(found) - len(labelled),
        "target": arguments.target,
        "until": arguments.until,
        "estimator": estimator_name(flow, device),
        "flow": asdict(flow),
        "network": pipeline.network,
        "device": str(device),
        "min_confidence": config.min_confidence,
    }
    title = _title(arguments, source.title, flow_in_words(about["estimator"]))

    def write() -> dict[str, Any]:
        document = write_report(arguments.out, evaluation, pipeline.labels, about, data=title)
        if arguments.json:
            write_json(arguments.json, document)
        return document

    for reason in (*evaluation.left_out, *evaluation.dropped):
        print(f"left out, as it cannot be used: {reason}", file=sys.stderr)
    print(f"{_result(write())}; see {arguments.out}")
    for stream in streams:  # takes hours: results so far are kept
        measure, lengths_s = (
            (measure_rest, arguments.rests or RESTS_S)
            if stream == "rest"
            else (measure_succession, arguments.pauses or PAUSES_S)
        )
        about.setdefault("long_streams", {})[stream] = measure(
            pipeline, sequences, lengths_s, target=arguments.target, progress=progress
        )
        write()
    return 0


def _title(arguments: argparse.Namespace, data: str, flow: str) -> str:
    """Return the name of what was evaluated, for the tables."""
    words = [data, flow]
    if arguments.target == "affordances":
        words.append("every part")
    if arguments.until == "acting":
        words.append("cut while acting")
    if arguments.min_confidence:
        words.append(f"min_confidence {arguments.min_confidence:g}")
    return ", ".join(words)


def _result(document: dict[str, Any]) -> str:
    """Return the main figures in one line."""
    video, static = document["video"], document["static"]
    lost = (
        (len(document["unreadable"]), "that cannot be read"),
        (len(document["left_out"]), "without a usable last frame"),
        (document["unlabelled"], "without a label"),
    )
    without = " and ".join(f"{count} {why}" for count, why in lost if count)
    left_out = f" ({without} left out)" if without else ""
    return (
        f"{document['clips']} clips{left_out}, with 95 % intervals: video IoU "
        f"{_text(video, 'iou_mean')}, F1 {_text(video, 'f1_mean')}, action "
        f"{_text(video, 'action_top1')}; static IoU {_text(static, 'iou_mean')}, F1 "
        f"{_text(static, 'f1_mean')}"
    )


def _text(scores: dict[str, Any], name: str) -> str:
    if scores[name] is None:
        return "-"
    low, high = scores["interval_95"][name]
    ends = "no range" if low is None else f"{low:.3f} to {high:.3f}"
    return f"{scores[name]:.3f} ({ends})"
