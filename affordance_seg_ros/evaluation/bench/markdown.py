# SPDX-License-Identifier: Apache-2.0
"""Results as Markdown tables, ready for a page."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from affordance_seg_ros.evaluation.bench.durations import Spread
from affordance_seg_ros.evaluation.bench.stopwatch import STAGES

NOT_MEASURED = "not measured"


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table.

    Floats have three significant digits; None and NaN are `NOT_MEASURED`.
    """
    lines = [headers, ["---"] * len(headers), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: float) -> str:
    """Return a number with three significant digits, and no exponent."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = 2 - math.floor(math.log10(abs(value)))
    return f"{value:.{max(0, digits)}f}"


def bench_tables(document: dict[str, Any]) -> str:
    """Return the tables of one run of the benchmark."""
    return "\n\n".join(
        [_title(document), _durations(document), _facts(document), _limits(document)]
    )


def _title(document: dict[str, Any]) -> str:
    settings, machine = document["settings"], document["machine"]
    return (
        f"{settings['network']}, input {'x'.join(map(str, settings['input']))}, camera "
        f"{'x'.join(map(str, settings['picture']))} {settings['encoding']}, {document['frames']} "
        f"frames on {machine['device']}, {machine['threads']} threads, PyTorch {machine['torch']}; "
        f"load of the machine before the run: {machine['load']} on {machine['cores']} cores"
    )


def _durations(document: dict[str, Any]) -> str:
    baseline = document["baseline"]
    rows = []
    for name in (*STAGES, "total"):
        found = document["total_ms"] if name == "total" else document["stages_ms"][name]
        row = [name, *(found[field] for field in Spread._fields)]
        if baseline:
            slow = baseline["total_ms"] if name == "total" else baseline["stages_ms"].get(name)
            row += ["", ""] if slow is None else [slow["p50"], slow["p50"] / found["p50"]]
        rows.append(row)
    headers = ["stage [ms]", *Spread._fields]
    if baseline:
        headers += [f"{baseline['name']} p50", "ratio"]
    return table(headers, rows)


def _facts(document: dict[str, Any]) -> str:
    memory, cold = document["memory_mb"], document["cold_start_ms"]
    allocations = document["allocations_per_frame"]
    rows: list[tuple[str, object]] = [
        ("frames/s", document["frames_per_s"]),
        ("frames/s at p95", document["frames_per_s_at_p95"]),
        ("resident memory [MiB]", memory["cpu_rss"]),
        ("its growth per frame [KiB]", document["growth_kb_per_frame"]),
        ("GPU memory, peak [MiB]", memory["gpu_peak"]),
        ("tensors allocated per frame on the CPU", allocations["tensors"]),
        ("their size [MiB]", allocations["tensors_mb"]),
        ("peak of Python and NumPy in a frame [MiB]", allocations["python_peak_mb"]),
        ("driver allocations per frame on the GPU", allocations["device_mallocs"]),
        *((f"cold start: {name} [ms]", value) for name, value in cold.items()),
    ]
    return table(("", ""), rows)


def _limits(document: dict[str, Any]) -> str:
    limits = document["limits"]
    rates = limits["matrix_gflop_per_s"]
    rows: list[tuple[object, ...]] = []
    for part in ("network", "flow"):
        found = limits[part]
        for kind, bound in found["bound_ms"].items():
            traffic, reached = found["traffic_mb"][kind], found["reached"][kind]
            share = "not counted" if reached is None else f"{100 * reached:.0f} %"
            rows.append((f"{part}, {kind}", found["gflop"], traffic, bound, share))
    headers = ("work of a frame", "GFLOP", "traffic [MB]", "bound [ms]", "reached")
    measured = ", ".join(f"{number(rate)} GFLOP/s {name}" for name, rate in rates.items())
    return (
        f"Machine: copies {number(limits['copy_gb_per_s'])} GB/s; matrix products {measured}.\n\n"
        + table(headers, rows)
    )


def _cell(value: object) -> str:
    if value is None or value != value:
        return NOT_MEASURED
    return number(value) if isinstance(value, float) else str(value)
