# SPDX-License-Identifier: Apache-2.0
"""Build, check and time everything that needs a GPU, in one run.

python benchmarks/gpu_check.py --out out/gpu_check [--data DIR]

Runs one step after the other, even if earlier ones fail: the build, the tests that need a GPU, the
fused flow against the plain one, the network's back ends, the tables of docs/benchmarks.md (both
pipelines, the node, accuracy), and the cost over sizes, widths and cameras. Writes gpu_check.json,
gpu_check.md and each step's output into the folder. The exit code is 0 only if every step's is.
"""

import argparse
import json
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

import torch

ROOT = Path(__file__).resolve().parent.parent
SEQUENCE = "open3d_redwood_5frames"
_LAST_LINES = 30


class Step(NamedTuple):
    """A command of the check.

    Attributes:
        name: Name in the report and of the step's files.
        command: Program and arguments.
        writes: JSON file that it writes; None for none.
    """

    name: str
    command: list[str]
    writes: Path | None = None


def steps(out: Path, data: Path, frames: int) -> list[Step]:
    """Return the steps, in order.

    Args:
        out: Folder for what they write.
        data: Folder of sample recordings; missing ones are left out.
        frames: Frames of the pipelines' benchmarks.
    """
    python = sys.executable
    backends = [python, "benchmarks/network_backends.py", "--device", "cuda", "--backends", "eager"]
    backends += ["cuda_graph", "cuda_graph/float32", "compiled/half", "--weights"]
    sweep = [python, "benchmarks/sweep.py", "size", "width", "cameras", "--device", "cuda"]
    flow = [python, "benchmarks/fused_flow.py", "--recording", "data/demo_clip"]
    if (data / SEQUENCE).is_dir():
        flow += ["--sequence", str(data / SEQUENCE)]
    tables = [python, "benchmarks/all_tables.py", "--device", "cuda", "--frames", str(frames)]
    return [
        Step("build", ["make", "setup"]),
        Step("tests", [python, "-m", "pytest", "-m", "gpu", "-q", "-rs"]),
        Step("flow", [*flow, "--json", str(out / "flow.json")], out / "flow.json"),
        Step("backends", [*backends, "untrained:paper", "--json", str(out / "backends.json")]),
        Step("tables", [*tables, "--out", str(out / "bench")]),
        Step("sweep", [*sweep, "--network", "paper", "--again", "--out", str(out / "sweep")]),
    ]


def run(step: Step, out: Path) -> dict[str, Any]:
    """Run a step; return its command, exit code, duration, last lines and JSON."""
    if step.writes is not None:
        step.writes.unlink(missing_ok=True)
    start = time.monotonic()
    done = subprocess.run(
        step.command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        check=False,
    )  # fmt: skip
    (out / f"{step.name}.log").write_text(done.stdout)
    result: dict[str, Any] = {
        "command": " ".join(step.command),
        "exit_code": done.returncode,
        "seconds": round(time.monotonic() - start, 1),
        "last_lines": done.stdout.splitlines()[-_LAST_LINES:],
    }
    if step.writes is not None and step.writes.is_file():
        result["result"] = json.loads(step.writes.read_text())
    return result


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    properties = torch.cuda.get_device_properties(0)
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    return {
        "gpu": properties.name,
        "capability": f"{properties.major}.{properties.minor}",
        "memory_gib": round(properties.total_memory / 2**30, 1),
        "cuda": torch.version.cuda,
        "torch": torch.__version__,
        "revision": revision.stdout.strip() or None,
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
    }


def markdown(report: dict[str, Any]) -> str:
    """Return the report as text with tables."""
    lines = ["# GPU check", ""]
    lines += [f"- {name}: {value}" for name, value in report["machine"].items()]
    lines += ["", "| step | exit code | seconds |", "|---|---|---|"]
    for name, step in report["steps"].items():
        lines.append(f"| {name} | {step['exit_code']} | {step['seconds']} |")
    flow = report["steps"].get("flow", {}).get("result", {})
    for name, found in flow.items():
        if not isinstance(found, dict):
            continue
        width, height = found["size"]
        lines += ["", f"## Flow, {name}, {width}x{height}", ""]
        lines += [
            "| pair | same start | mean difference [px] | p99.9 [px] | mean difference [mm] |"
        ]
        lines += ["|---|---|---|---|---|"]
        for pair in found["pairs"]:
            same = "yes" if pair["same_start"] else "no"
            start = f"{same}, {'warm' if pair['warm'] else 'cold'}"
            figures = " | ".join(f"{pair[key]:.2g}" for key in ("mean_px", "p999_px", "mean_mm"))
            lines.append(f"| {pair['pair'][0]}-{pair['pair'][1]} | {start} | {figures} |")
        if "times" in found:
            lines += ["", "| flow of a pair | device p50 [ms] | p99 [ms] | host p50 [ms] |"]
            lines += ["|---|---|---|---|"]
        for setting, times in found.get("times", {}).items():
            keys = ("device_p50_ms", "device_p99_ms", "host_p50_ms")
            figures = " | ".join(f"{times[key]:.3f}" for key in keys)
            lines.append(f"| {setting} | {figures} |")
    for name, step in report["steps"].items():
        lines += ["", f"## Last lines of {name}", "", "```", *step["last_lines"], "```"]
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "out/gpu_check", help="folder")
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared/data", help="sample recordings"
    )
    parser.add_argument(
        "--frames", type=int, default=500, help="frames of the pipelines' benchmarks"
    )
    parser.add_argument(
        "--skip",
        nargs="*",
        default=[],
        choices=("build", "tests", "flow", "backends", "tables", "sweep"),
    )
    arguments = parser.parse_args(argv)
    if not torch.cuda.is_available():
        print(
            f"gpu_check: PyTorch {torch.__version__} sees no CUDA device; expected a GPU and a "
            "CUDA build of PyTorch",
            file=sys.stderr,
        )
        return 2
    out: Path = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    report: dict[str, Any] = {"machine": machine(), "steps": {}}
    for step in steps(out, arguments.data.resolve(), arguments.frames):
        if step.name in arguments.skip:
            continue
        print(f"{step.name}: {' '.join(step.command)}", flush=True)
        report["steps"][step.name] = run(step, out)
        # After each step, so that results survive if the machine is taken away.
        (out / "gpu_check.json").write_text(json.dumps(report, indent=2) + "\n")
        (out / "gpu_check.md").write_text(markdown(report))
    print(markdown(report))
    return int(any(step["exit_code"] for step in report["steps"].values()))


if __name__ == "__main__":
    sys.exit(main())
