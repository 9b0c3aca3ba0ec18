# SPDX-License-Identifier: Apache-2.0
"""`affordance-seg live`: a recording played over DDS to a node, with the same report as replay.

Three processes, as on a robot: the node, a player in place of the camera driver, and a recorder in
place of whoever uses the masks.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from affordance_seg_ros.config import FlowConfig, PipelineConfig
from affordance_seg_ros.errors import ConfigError, SourceError
from affordance_seg_ros.flags import add_options, given_options, given_path, read_options
from affordance_seg_ros.node_config import NodeConfig

PACES = ("lockstep", "recorded")
# Sets the resolution of latencies, but loads the node: 250 Hz made it drop frames on two cores.
_CLOCK_HZ = "100"
_NODE = "affordance"
_OVER_PARAMETERS = "live_parameters.yaml"
_FILES = (
    _OVER_PARAMETERS,
    "node.json",
    "played.json",
    "received.json",
    "summary.json",
    "report.html",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from affordance_seg_ros.sources.recording_flags import add_recording_flags

    add_recording_flags(parser)
    parser.add_argument("--out", type=given_path, required=True, help="folder for the results")
    parser.add_argument(
        "--pace",
        choices=PACES,
        default="lockstep",
        help="lockstep: each frame waits for the answer to the last, so that none is dropped; "
        "recorded: at the recording's own speed, as from a camera, and frames that the node cannot "
        "process in time are dropped and counted",
    )
    parser.add_argument("--rate", type=float, default=1.0, help="speed of the recorded pace")
    parser.add_argument("--masks", action="store_true", help="write each mask as a PNG of ids")
    parser.add_argument(
        "--html", action="store_true", help="write the report as one page, OUT/report.html"
    )
    parser.add_argument("--json", type=given_path, help="also write the summary to this file")
    parser.add_argument(
        "--params-file",
        type=given_path,
        help="parameters of the node (YAML); flags take precedence, and the video has the rate "
        "of --rate-hz",
    )
    parser.add_argument("--namespace", default="", help="namespace of the node and all topics")
    add_options(parser, NodeConfig, only=("weights", "device"), given_only=True)
    add_options(parser.add_argument_group("pipeline"), PipelineConfig, given_only=True)
    add_options(
        parser.add_argument_group("scene flow"), FlowConfig, prefix="flow-", given_only=True
    )


def run(arguments: argparse.Namespace) -> int:
    """Play, record and report; return the exit code."""
    from affordance_seg_ros.cli.live_processes import LiveProcesses
    from affordance_seg_ros.evaluation.report import write_json
    from affordance_seg_ros.ros.parameter_file import check_parameter_file
    from affordance_seg_ros.ros.process import StopRequest
    from affordance_seg_ros.sources.recording_flags import ALL_HZ, open_flagged

    # Ctrl-C under `ros2 launch` comes twice: the second one must not disturb the shutdown.
    StopRequest()
    # Errors are reported at once, not later by one of the three processes.
    parameters = _parameters(arguments)
    arguments.rate_hz = read_options(arguments, PipelineConfig).rate_hz
    if not 0 < arguments.rate < float("inf"):
        raise SourceError(f"--rate {arguments.rate:g}; expected a positive number")
    if arguments.params_file:
        try:
            check_parameter_file(arguments.params_file, [_node_name(arguments)])
        except ConfigError as error:
            raise ConfigError(f"--params-file {error}") from None
    recording = open_flagged(arguments)
    if not recording.is_stamped:
        # Passed to all: the player and the recorder have other rates of their own.
        arguments.picture_rate_hz = arguments.picture_rate_hz or arguments.rate_hz or ALL_HZ
    for doubt in recording.doubts:
        print(doubt, file=sys.stderr)
    out: Path = arguments.out
    with LiveProcesses() as processes:
        _clear(out)
        processes.start_node(*_node_words(arguments, parameters))
        processes.start_recorder(*_recorder_words(arguments))
        processes.play(*_player_words(arguments))
        processes.finish()
    summary = json.loads((out / "summary.json").read_text())
    if arguments.json:
        write_json(arguments.json, summary)
    received = json.loads((out / "received.json").read_text())
    if (lost := summary["frames_processed"] - received["predictions"]) > 0:
        print(f"{lost} predictions of the node did not arrive and are not scored", file=sys.stderr)
    print(_in_words(summary))
    print(f"see {out}")
    return 0


def _parameters(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the node's parameters that are given as flags, by name.

    Raises:
        ConfigError: One is out of its range.
    """
    from affordance_seg_ros.sources.recording_flags import READ_OPTIONS

    flow = read_options(arguments, FlowConfig, prefix="flow-")
    read_options(arguments, PipelineConfig, flow=flow)
    read_options(arguments, NodeConfig)
    found: dict[str, Any] = {}
    for config, flags, prefix in (
        (NodeConfig, "", ""), (PipelineConfig, "", ""), (FlowConfig, "flow-", "flow."),
    ):  # fmt: skip
        for name, value in given_options(arguments, config, prefix=flags).items():
            if name not in READ_OPTIONS:
                found[f"{prefix}{name}"] = value
    return found


def _clear(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in _FILES:
            (out / name).unlink(missing_ok=True)
    except OSError as error:
        raise SourceError(f"{out}: cannot be written to ({error.strerror})") from error


def _node_words(arguments: argparse.Namespace, parameters: dict[str, Any]) -> Iterator[str]:
    from affordance_seg_ros.ros.parameter_file import parameter_words, write_overriding

    yield from _ros_words(arguments)
    ours = {
        **parameters,
        "use_sim_time": True,
        "report_file": str((arguments.out / "node.json").resolve()),
        # Best effort occasionally loses pictures of this size on a busy machine.
        "reliability": "reliable",
        "output_reliability": "reliable",
        "latency_budget_ms": 0.0,  # the same effort as in a replay, even on a slow machine
        "autostart": True,
        # The player sends a recording as it was read: raw, aligned, with its lens model.
        "align_depth": False,
        "rectified": False,
        "max_skew_s": 0.0,
        "color_transport": "raw",
        "depth_transport": "raw",
    }
    if arguments.params_file:
        over = arguments.out / _OVER_PARAMETERS
        write_overriding(arguments.params_file, ours, over)
        yield from ("--params-file", str(arguments.params_file), "--params-file", str(over))
    yield from parameter_words(ours)


def _recorder_words(arguments: argparse.Namespace) -> Iterator[str]:
    from affordance_seg_ros.sources.recording_flags import recording_words

    out = arguments.out
    yield from recording_words(arguments)
    yield from ("--out", str(out), "--namespace", _node_name(arguments))
    yield f"--rate-hz={arguments.rate_hz}"
    yield from ("--node-report", str(out / "node.json"), "--play-report", str(out / "played.json"))
    yield f"--command-line={arguments.invocation}"
    yield from (f"--{name}" for name in ("masks", "html") if getattr(arguments, name))


def _player_words(arguments: argparse.Namespace) -> Iterator[str]:
    from affordance_seg_ros.sources.recording_flags import recording_words

    yield from recording_words(arguments)
    yield from ("--clock", _CLOCK_HZ, "--report", str(arguments.out / "played.json"))
    yield from ("--lockstep",) if arguments.pace == "lockstep" else ("--rate", str(arguments.rate))
    yield from _ros_words(arguments)


def _ros_words(arguments: argparse.Namespace) -> tuple[str, ...]:
    namespace = _namespace(arguments)
    return ("--ros-args", *(("-r", f"__ns:={namespace}") if namespace else ()))


def _namespace(arguments: argparse.Namespace) -> str:
    name = arguments.namespace.strip("/")
    return f"/{name}" if name else ""


def _node_name(arguments: argparse.Namespace) -> str:
    return f"{_namespace(arguments)}/{_NODE}"


def _in_words(summary: dict[str, Any]) -> str:
    trained = "" if summary["weights"]["trained"] else ", UNTRAINED: masks and actions mean nothing"
    latency, action = summary["latency_ms"], summary["action"]
    reasons = "".join(f"\n  {count} x {why}" for why, count in summary["drop_reasons"].items())
    counts = ("published", "processed", "dropped")
    frames = ", ".join(f"{summary[f'frames_{name}']} {name}" for name in counts)
    return (
        f"frames: {frames}; {summary['masks_received']} masks received{reasons}\n"
        f"{summary['latency_clock']} to publish: p50 {latency['p50']:.0f} ms, "
        f"p95 {latency['p95']:.0f} ms, p99 {latency['p99']:.0f} ms on {summary['device']}\n"
        f"action: {action['predicted']} (true: {action['true']})\n"
        f"weights: {summary['weights']['name']}{trained}"
    )
