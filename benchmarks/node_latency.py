# SPDX-License-Identifier: Apache-2.0
"""Camera-to-mask latency of the real node over DDS: player, node and probe as on a robot.

Prints a Markdown table with a row for each size and number of nodes.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from node_rig import NodeRig, RigSettings
from tqdm import tqdm

from affordance_seg_ros.errors import AffordanceError
from affordance_seg_ros.evaluation.bench.machine import describe_machine
from affordance_seg_ros.evaluation.bench.markdown import table
from affordance_seg_ros.evaluation.bench.settings import parse_size
from affordance_seg_ros.evaluation.report import write_json
from affordance_seg_ros.flags import HelpFormatter

HEADERS = (
    "camera",
    "nodes",
    "camera to mask p50 [ms]",
    "p95",
    "p99",
    "max",
    "jitter",
    "pipeline p50",
    "overhead p50",
    "published",
    "taken",
    "masks",
    "dropped",
    "node CPU [cores]",
)


def measure(settings: RigSettings, nodes: int) -> list[dict[str, Any]]:
    """Run this many nodes at the same time, each with its own camera; return their results.

    Raises:
        AffordanceError: A process failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        rigs = [NodeRig(settings, Path(folder) / str(k), k) for k in range(nodes)]
        try:
            for rig in rigs:
                rig.wait_until_ready()
            for rig in rigs:
                rig.play()
            for rig in rigs:
                rig.wait_until_played()
        finally:
            for rig in rigs:
                rig.stop()
        return [rig.result() for rig in rigs]


def row(size: str, results: list[dict[str, Any]]) -> list[object]:
    """Return the table's row: the slowest node's times, all nodes' counts."""
    worst = max(results, key=lambda each: each["camera_to_mask_ms"]["p50"])
    latency = worst["camera_to_mask_ms"]
    counts = ("published", "taken", "masks", "dropped", "cpu_cores")
    return [
        size,
        len(results),
        *(latency[name] for name in ("p50", "p95", "p99", "max", "jitter")),
        worst["pipeline_ms"]["p50"],
        worst["overhead_ms"]["p50"],
        *(sum(each[name] for each in results) for name in counts),
    ]


def main(argv: list[str] | None = None) -> int:
    """Measure and print; return 0, or 2 for bad input or a node that fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("--size", nargs="+", default=["640x480"], help="camera pictures [px]")
    parser.add_argument("--nodes", type=int, nargs="+", default=[1], help="nodes at the same time")
    parser.add_argument("--seconds", type=float, default=20.0, help="time of each measurement [s]")
    parser.add_argument("--rate", type=float, default=30.0, help="rate of the camera [Hz]")
    parser.add_argument("--weights", default="untrained:compact", help="the node's weights")
    parser.add_argument("--device", default="auto", help="the node's device")
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME:=VALUE",
        help="any other parameter of the node; may be repeated",
    )
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    arguments = parser.parse_args(argv)
    points = [(size, nodes) for size in arguments.size for nodes in arguments.nodes]
    rows, documents = [], []
    try:
        for size, nodes in tqdm(points, unit="point", disable=None):
            settings = RigSettings(
                size=parse_size(size),
                rate_hz=arguments.rate,
                seconds=arguments.seconds,
                weights=arguments.weights,
                device=arguments.device,
                parameters=tuple(arguments.parameter),
            )
            results = measure(settings, nodes)
            rows.append(row(size, results))
            documents.append({"size": size, "nodes": results})
        if arguments.json:
            machine = describe_machine(torch.device("cpu"))
            write_json(arguments.json, {"machine": machine, "points": documents})
    except AffordanceError as error:
        print(f"node_latency: {error}", file=sys.stderr)
        return 2
    print(table(HEADERS, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
