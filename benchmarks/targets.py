# SPDX-License-Identifier: Apache-2.0
"""The targets of the project next to what a run of `all_tables.py` measured."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from affordance_seg_ros.evaluation.bench.markdown import table

_HD = "1280x720"
_ORIN = "Jetson AGX Orin 64GB"


class Target(NamedTuple):
    """A row: what is asked for, where, and what was measured there; None if nothing was.

    Attributes:
        where: Machine and network.
        figure: What is measured.
        limit: The target.
        at_most: Whether less is better.
        measured: The figure measured.
    """

    where: str
    figure: str
    limit: float
    at_most: bool
    measured: float | None

    @property
    def verdict(self) -> str:
        """Whether it is met; empty if nothing was measured."""
        if self.measured is None:
            return ""
        met = self.measured <= self.limit if self.at_most else self.measured >= self.limit
        return "met" if met else "missed"


def targets(folder: Path) -> list[Target]:
    """Return the rows, from the results in a folder; a missing file counts as not measured."""
    on_gpu, on_cpu, node, jetson, gpu_accuracy, cpu_accuracy = (
        _read(folder / f"{name}.json")
        for name in ("paper_gpu", "compact", "node", "jetson", "accuracy_gpu", "accuracy")
    )
    gpu, cpu = "paper width on a GPU", "compact network on this CPU"
    return [
        Target(gpu, "total p99 [ms]", 5.0, True, _get(on_gpu, "total_ms", "p99")),
        Target(gpu, "network p50 [ms]", 1.5, True, _get(on_gpu, "stages_ms", "network", "p50")),
        Target(gpu, "flow p50 [ms]", 1.5, True, _get(on_gpu, "stages_ms", "flow", "p50")),
        Target(gpu, "ratio to eager float32", 8.0, False, _get(on_gpu, "baseline_ratio")),
        Target(gpu, "GPU memory [MiB]", 1430.0, True, _get(on_gpu, "memory_mb", "gpu_reserved")),
        *_accuracy("GPU", gpu_accuracy),
        Target(
            gpu,
            "driver allocations per frame",
            0.0,
            True,
            _get(on_gpu, "allocations_per_frame", "device_mallocs"),
        ),
        Target(
            "paper width on a Jetson AGX Orin, estimate at peaks",
            "network and warm flow [ms]",
            22.0,
            True,
            _orin_ms(jetson),
        ),
        Target(cpu, "frames/s at p95", 10.0, False, _get(on_cpu, "frames_per_s_at_p95")),
        Target(cpu, "ratio to the plain pipeline", 3.0, False, _get(on_cpu, "baseline_ratio")),
        *_accuracy("CPU", cpu_accuracy),
        Target("node on this CPU, 1280x720", "overhead p50 [ms]", 3.0, True, _overhead_ms(node)),
    ]


def _accuracy(where: str, found: Any) -> list[Target]:
    """Return the rows on what speed costs in accuracy, for one kind of device."""
    fast = f"fast against plain on a {where}"
    return [
        Target(
            fast,
            "IoU lost, network alone [%]",
            0.5,
            True,
            _get(found, "iou_lost_same_flow_percent"),
        ),
        Target(fast, "IoU with labels lost [points]", 0.5, True, _get(found, "iou_lost_percent")),
        Target(
            fast, "3D error of the flow added [%]", 5.0, True, _get(found, "flow_worse_percent")
        ),
    ]


def targets_table(folder: Path) -> str:
    """Return the table of all targets."""
    rows = [
        (each.where, each.figure, f"{'≤' if each.at_most else '≥'} {each.limit:g}", each.measured,
         each.verdict)
        for each in targets(folder)
    ]  # fmt: skip
    return table(("where", "figure", "target", "measured", ""), rows)


def _read(file: Path) -> Any:
    return json.loads(file.read_text()) if file.exists() else None


def _get(document: Any, *path: str) -> float | None:
    for name in path:
        document = None if document is None else document[name]
    return None if document is None else float(document)


def _orin_ms(rows: Any) -> float | None:
    both = [row["both [ms]"] for row in rows or [] if row["computer"] == _ORIN]
    return float(both[0]) if both else None


def _overhead_ms(document: Any) -> float | None:
    points = [] if document is None else document["points"]
    found = [point["nodes"][0] for point in points if point["size"] == _HD]
    return _get(found[0] if found else None, "overhead_ms", "p50")


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("out/bench"))
    print(targets_table(parser.parse_args().folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
