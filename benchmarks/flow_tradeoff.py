# SPDX-License-Identifier: Apache-2.0
"""Measure end-point error against time: primal-dual and DIS at several budgets.

python benchmarks/flow_tradeoff.py --sequence DIR --out out/flow_tradeoff

Writes table.md, tradeoff.json and tradeoff.png. Settings take turns, pair by pair, so that other
load on the machine affects them all alike; the shortest time of each pair counts.
"""

import argparse
import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from endpoint_error import endpoint_error, mean_error
from posed_sequence import Sequence, load_sequence
from tqdm import tqdm

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.errors import AffordanceError
from affordance_seg_ros.flow.estimator import build_estimator
from affordance_seg_ros.frames import SceneFlow

BUDGETS = {
    "dis": (0.1, 0.25, 0.5, 0.75, 1.0),
    "primal_dual": (0.1, 0.2, 0.4, 0.7, 1.0),
}
_COLORS = {"dis": (40, 120, 220), "primal_dual": (180, 80, 20)}  # BGR


class Point(NamedTuple):
    """A setting's place on the curve: its errors, and the time of a pair after the first [ms]."""

    estimator: str
    budget: float
    ms: float
    epe2d_px: float
    epe3d_mm: float


def measure(sequence: Sequence, repeats: int) -> list[Point]:
    """Return a point for each estimator and budget.

    The first pair of a stream, which starts cold, is not counted.
    """
    assert sequence.truths is not None
    keys = [(name, budget) for name, budgets in BUDGETS.items() for budget in budgets]
    pairs = len(sequence.truths)
    times = {key: np.full(pairs, np.inf) for key in keys}
    flows: dict[tuple[str, float], list[SceneFlow]] = {}
    for _ in tqdm(range(repeats), unit="run", disable=None):
        estimators = {
            (name, budget): build_estimator(
                FlowConfig(estimator=name, budget=budget), torch.device("cpu")
            )
            for name, budget in keys
        }
        flows = {key: [] for key in keys}
        for k, frame in enumerate(sequence.frames):
            for key, estimator in estimators.items():
                start = time.perf_counter()
                flow = estimator.step(frame)
                if k:
                    times[key][k - 1] = min(times[key][k - 1], time.perf_counter() - start)
                    flows[key].append(flow)
    points = []
    for key in keys:
        found = [
            endpoint_error(flow, truth)
            for flow, truth in zip(flows[key][1:], sequence.truths[1:], strict=True)
        ]
        error = mean_error(found)
        ms = 1000 * float(times[key][1:].mean())
        points.append(Point(*key, ms, error.epe2d_px, error.epe3d_mm))
    return points


def table(points: list[Point]) -> str:
    """Return the points as a Markdown table."""
    lines = ["| estimator | budget | time per pair [ms] | 2D error [px] | 3D error [mm] |"]
    lines.append("|---|---|---|---|---|")
    for point in points:
        lines.append(
            f"| {point.estimator} | {point.budget:g} | {point.ms:.1f} | {point.epe2d_px:.3f} | "
            f"{point.epe3d_mm:.2f} |"
        )
    return "\n".join(lines) + "\n"


def picture(points: list[Point]) -> Any:
    """Return (400, 640, 3) uint8 BGR: 3D error over log time, one line per estimator."""
    height, width, border = 400, 640, 60
    image = np.full((height, width, 3), 255, np.uint8)
    log_ms = np.log2([point.ms for point in points])
    error = np.array([point.epe3d_mm for point in points])
    low, high = np.floor(log_ms.min()), np.ceil(log_ms.max())
    least, most = np.floor(error.min() * 2) / 2, np.ceil(error.max() * 2) / 2

    def place(x: float, y: float) -> tuple[int, int]:
        across = border + (width - 2 * border) * (x - low) / max(high - low, 1)
        up = (height - 2 * border) * (y - least) / max(most - least, 0.5)
        return round(across), round(height - border - up)

    def write(text: str, at: tuple[int, int], color: tuple[int, int, int] = (0, 0, 0)) -> None:
        cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, color, 1, cv2.LINE_AA)

    for tick in np.arange(low, high + 1):
        x, y = place(tick, least)
        cv2.line(image, (x, y), place(tick, most), (225, 225, 225), 1)
        write(f"{2**tick:g}", (x - 10, y + 20))
    for tick in np.arange(least, most + 0.25, 0.5):
        x, y = place(low, tick)
        cv2.line(image, (x, y), place(high, tick), (225, 225, 225), 1)
        write(f"{tick:.1f}", (x - 40, y + 5))
    write("time per pair [ms]", (width // 2 - 60, height - 15))
    write("3D error [mm]", (10, 30))
    for row, (name, color) in enumerate(_COLORS.items()):
        own = [point for point in points if point.estimator == name]
        places = [place(float(np.log2(point.ms)), point.epe3d_mm) for point in own]
        for at, point in zip(places, own, strict=True):
            cv2.circle(image, at, 4, color, -1, cv2.LINE_AA)
            write(f"{point.budget:g}", (at[0] + 6, at[1] - 6), color)
        for first, second in itertools.pairwise(places):
            cv2.line(image, first, second, color, 1, cv2.LINE_AA)
        write(f"{name} (numbers: budget)", (width - 260, 30 + 18 * row), color)
    return image


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sequence", type=Path, required=True, help="RGB-D recording with poses")
    parser.add_argument("--out", type=Path, default=Path("out/flow_tradeoff"), help="folder")
    parser.add_argument("--halvings", type=int, default=1, help="how often to halve the pictures")
    parser.add_argument("--repeats", type=int, default=7, help="runs of all settings")
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch and OpenCV")
    arguments = parser.parse_args(argv)
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    try:
        sequence = load_sequence(arguments.sequence, halvings=arguments.halvings, with_truth=True)
        if len(sequence.frames) < 3:
            raise AffordanceError(f"{arguments.sequence} has 2 frames; expected at least 3")
    except AffordanceError as error:
        print(f"flow_tradeoff: {error}", file=sys.stderr)
        return 2
    points = measure(sequence, arguments.repeats)
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    camera = sequence.frames[0].camera
    report = {
        "sequence": sequence.name,
        "size": [camera.width, camera.height],
        "threads": arguments.threads,
        "repeats": arguments.repeats,
        "points": [point._asdict() for point in points],
    }
    (out / "tradeoff.json").write_text(json.dumps(report, indent=2) + "\n")
    (out / "table.md").write_text(table(points))
    cv2.imwrite(str(out / "tradeoff.png"), picture(points))
    print(table(points), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
