# SPDX-License-Identifier: Apache-2.0
"""Time per frame on robot computers, estimated from counted work and published peaks.

An estimate, not a measurement: prints a Markdown table.
"""

import argparse
from pathlib import Path

from affordance_seg_ros.config import NETWORKS, FlowConfig
from affordance_seg_ros.evaluation.bench.flow_work import flow_work
from affordance_seg_ros.evaluation.bench.markdown import table
from affordance_seg_ros.evaluation.bench.network_work import network_work
from affordance_seg_ros.evaluation.bench.roofline import JETSONS, estimate
from affordance_seg_ros.evaluation.report import write_json

_BUDGET_MS = 22.0
HEADERS = (
    "computer",
    "network",
    "network [ms]",
    "flow, warm [ms]",
    "both [ms]",
    "flow, cold [ms]",
    f"share of peaks that {_BUDGET_MS:g} ms ask for",
)


def main() -> None:
    """Count, estimate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=300, help="side of the network's input [px]")
    parser.add_argument("--json", type=Path, help="also write the estimates to this file")
    arguments = parser.parse_args()
    side = arguments.size
    flow = flow_work(FlowConfig(), side, side)
    rows: list[list[object]] = []
    for name, (config, _) in NETWORKS.items():
        step = network_work(config, side, side).step
        for peaks in JETSONS:
            warm = estimate(step, flow.warm, peaks)
            cold = estimate(step, flow.cold, peaks)
            share = f"{100 * warm.total / _BUDGET_MS:.0f} %"
            label = f"{name}, {side}x{side}"
            rows.append([peaks.name, label, warm.network, warm.flow, warm.total, cold.flow, share])
    print(table(HEADERS, rows))
    print()
    sources = [
        (p.name, p.bandwidth_gb_per_s, p.half_gflop_per_s, p.float32_gflop_per_s, p.source)
        for p in JETSONS
    ]
    headers = ("computer", "GB/s", "GFLOP/s half", "GFLOP/s float32", "derived from")
    print(table(headers, sources))
    if arguments.json:
        write_json(arguments.json, [dict(zip(HEADERS, row, strict=True)) for row in rows])


if __name__ == "__main__":
    main()
