# SPDX-License-Identifier: Apache-2.0
"""Parameters, arithmetic and time per frame of a network: `python benchmarks/network_cost.py`."""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch

from affordance_seg_ros.config import NETWORKS
from affordance_seg_ros.evaluation.bench.network_work import network_work
from affordance_seg_ros.model.checkpoint import untrained


def time_steps_ms(name: str, height: int, width: int, repeats: int) -> float:
    """Return the median time of a step of an untrained network on the CPU, eager float32 [ms]."""
    network = untrained(name).network
    appearance = torch.rand(1, network.appearance_channels, height, width)
    flow = torch.rand(1, network.flow_channels, height, width)
    state, times_ms = None, []
    with torch.inference_mode():
        for i in range(repeats + 3):
            start = time.perf_counter()
            _, state = network.step(appearance, flow, state)
            if i >= 3:  # the first steps allocate
                times_ms.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times_ms)


def main() -> None:
    """Measure, print, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", choices=NETWORKS, default="compact")
    parser.add_argument("--size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), help="[px]")
    parser.add_argument("--repeats", type=int, default=20, help="timed steps; 0 only counts")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--json", type=Path, help="file for the result")
    arguments = parser.parse_args()
    network_config, input_config = NETWORKS[arguments.network]
    height, width = arguments.size or (input_config.height, input_config.width)
    parameters, work = network_work(network_config, height, width)
    step_ms = {}
    for threads in arguments.threads if arguments.repeats else []:
        torch.set_num_threads(threads)
        step_ms[threads] = time_steps_ms(arguments.network, height, width, arguments.repeats)
    result: dict[str, Any] = {
        "network": arguments.network,
        "height": height,
        "width": width,
        "parameters": parameters,
        "gflop": work.gflop,
        "cpu_step_ms_by_threads": step_ms,
    }
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
