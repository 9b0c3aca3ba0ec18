# SPDX-License-Identifier: Apache-2.0
"""Compare the fused flow kernels with the plain form, on recordings, and time both.

python benchmarks/fused_flow.py --sequence DIR --recording data/demo_clip --json out.json
TRITON_INTERPRET=1 python benchmarks/fused_flow.py --device cpu --halvings 2 --sequence DIR

Interpreted on a CPU, only the comparison is meaningful, and times are left out.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from endpoint_error import endpoint_error
from posed_sequence import Sequence, load_sequence

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.errors import AffordanceError
from affordance_seg_ros.flow.estimator import FlowInput, build_estimator
from affordance_seg_ros.flow.incremental import PrimalDualFlow
from affordance_seg_ros.frames import SceneFlow

FUSED = "primal_dual_fused"
TIMED = {
    "fused": FlowConfig(estimator=FUSED),
    "fused, half the budget": FlowConfig(estimator=FUSED, budget=0.5),
    "fused, a quarter of it": FlowConfig(estimator=FUSED, budget=0.25),
    "fused, every pair cold": FlowConfig(estimator=FUSED, warm_iterations=0),
    "plain": FlowConfig(estimator="primal_dual"),
    "plain, every pair cold": FlowConfig(estimator="primal_dual", warm_iterations=0),
}


def compare(sequence: Sequence, device: torch.device, budget: float) -> list[dict[str, Any]]:
    """Return how far the fused flow of each pair is from that of the plain form on the CPU."""
    plain = PrimalDualFlow(FlowConfig(budget=budget), torch.device("cpu"))
    fused: Any = build_estimator(FlowConfig(estimator=FUSED, budget=budget), device)
    pairs = []
    for k, frame in enumerate(sequence.frames):
        expected = plain.step(frame)
        found = SceneFlow(*(part.cpu() for part in fused.step(frame)))
        if not k:
            continue
        off_px = (found.flow_px - expected.flow_px).norm(dim=0)
        off_mm = 1000 * (found.motion_m - expected.motion_m).norm(dim=0)
        both = found.valid & expected.valid
        pair: dict[str, Any] = {
            "pair": [k - 1, k],
            "same_start": fused.work.warm == plain.work.warm,
            "warm": plain.work.warm,
            "mean_px": float(off_px.mean()),
            "p999_px": float(off_px.flatten().kthvalue(max(1, int(0.999 * off_px.numel())))[0]),
            "max_px": float(off_px.max()),
            "mean_mm": float(off_mm[both].mean()),
            "valid_differs": float((found.valid != expected.valid).float().mean()),
        }
        if sequence.truths is not None:
            for name, flow in (("fused", found), ("plain", expected)):
                error = endpoint_error(flow, sequence.truths[k - 1])
                pair[name] = {"epe2d_px": error.epe2d_px, "epe3d_mm": error.epe3d_mm}
        pairs.append(pair)
    return pairs


def measure(frames: list[FlowInput], config: FlowConfig, steps: int) -> dict[str, float]:
    """Return percentiles of device and host time of a pair [ms], with frames already on the GPU.

    The frames are played forwards and back. Device time is between events around a step; host
    time is how long the step keeps the caller busy.
    """
    device = torch.device("cuda")
    estimator = build_estimator(config, device)
    resident = [frame.to(device) for frame in frames]
    order = [*range(len(resident)), *range(len(resident) - 2, 0, -1)]
    for k in range(4 * len(order)):  # compiles and records
        estimator.step(resident[order[k % len(order)]])
    torch.cuda.synchronize()
    before = torch.cuda.memory_stats()["num_device_alloc"]
    events, host = [], []
    for k in range(steps):
        pair = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
        frame = resident[order[k % len(order)]]
        torch.cuda.synchronize()
        pair[0].record()
        start = time.perf_counter()
        estimator.step(frame)
        host.append(1000 * (time.perf_counter() - start))
        pair[1].record()
        events.append(pair)
    torch.cuda.synchronize()
    device_ms = [first.elapsed_time(last) for first, last in events]
    result = {"device_allocations": torch.cuda.memory_stats()["num_device_alloc"] - before}
    for name, times in (("device", device_ms), ("host", host)):
        for share in (50, 95, 99, 100):
            result[f"{name}_p{share}_ms"] = float(np.percentile(times, share))
    return result


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sequence", type=Path, action="append", default=[], help="with poses")
    parser.add_argument("--recording", type=Path, action="append", default=[], help="without poses")
    parser.add_argument("--halvings", type=int, default=1, help="how often to halve sequences")
    parser.add_argument("--frames", type=int, default=0, help="first frames only; 0 for all")
    parser.add_argument("--budget", type=float, default=1.0, help="budget of the comparison")
    parser.add_argument("--steps", type=int, default=300, help="timed pairs")
    parser.add_argument("--device", default="cuda", help="cuda, or cpu with TRITON_INTERPRET=1")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    arguments = _arguments(argv)
    device = torch.device(arguments.device)
    report: dict[str, Any] = {"device": arguments.device}
    try:
        sequences = [
            load_sequence(path, halvings=arguments.halvings, with_truth=True)
            for path in arguments.sequence
        ] + [load_sequence(path, halvings=0, with_truth=False) for path in arguments.recording]
        for sequence in sequences:
            kept = sequence.frames[: arguments.frames or None]
            camera = kept[0].camera
            found: dict[str, Any] = {"size": [camera.width, camera.height]}
            found["pairs"] = compare(sequence._replace(frames=kept), device, arguments.budget)
            if device.type == "cuda":
                found["times"] = {
                    name: measure(kept, config, arguments.steps) for name, config in TIMED.items()
                }
            report[sequence.name] = found
    except AffordanceError as error:
        print(f"fused_flow: {error}", file=sys.stderr)
        return 2
    text = json.dumps(report, indent=2)
    if arguments.json:
        arguments.json.write_text(text + "\n")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
