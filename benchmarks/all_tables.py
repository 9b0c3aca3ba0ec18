# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/benchmarks.md for this machine, in a few minutes.

Writes tables.md, each table as its own file and the results as JSON into a folder, and prints the
tables at the end. If something cannot be measured here, it is named and the exit code is 1.
"""

import argparse
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import NamedTuple

from targets import targets_table
from tqdm import tqdm

from affordance_seg_ros.errors import AffordanceError
from affordance_seg_ros.evaluation.bench.machine import describe_machine
from affordance_seg_ros.evaluation.bench.markdown import NOT_MEASURED, table
from affordance_seg_ros.flags import HelpFormatter
from affordance_seg_ros.pipeline.device import resolve_device

_HERE = Path(__file__).resolve().parent
_SIZES = ("320x240", "640x480", "1280x720")


class Section(NamedTuple):
    """A heading, and the command whose output goes below it."""

    name: str
    title: str
    command: tuple[str, ...]


def sections(device: str, frames: int, seconds: float) -> list[Section]:
    """Return what is measured.

    Args:
        device: cpu, cuda or cuda:N; results from a GPU get different names.
        frames: Frames of the compact network; the paper's gets fewer on a CPU.
        seconds: Duration of each run of the node [s].
    """
    bench = ("affordance-seg", "bench", "--device", device, "--baseline", "eager", "--quiet")
    on_gpu = device.startswith("cuda")
    end = "_gpu" if on_gpu else ""
    paper_frames = frames if on_gpu else max(5, frames // 10)
    node = ("python", "benchmarks/node_latency.py", "--device", device)
    node = (*node, "--seconds", f"{seconds:g}", "--size", *_SIZES)
    return [
        Section(
            f"compact{end}",
            "Pipeline, compact network",
            (*bench, "--network", "compact", "--frames", str(frames)),
        ),
        Section(
            f"paper{end}",
            "Pipeline, the paper's network",
            (*bench, "--network", "paper", "--size", "300", "--frames", str(paper_frames)),
        ),
        Section(f"node{end}", "Node over DDS, camera at 30 Hz", node),
        Section(
            f"accuracy{end}",
            "Accuracy of the fast path",
            ("python", "benchmarks/accuracy_cost.py", "--device", device),
        ),
        Section("jetson", "Estimate for Jetson", ("python", "benchmarks/jetson_estimate.py")),
    ]


def measure(section: Section, folder: Path) -> str:
    """Return what the command of a section prints; its JSON goes into the folder."""
    programs = {
        "affordance-seg": [sys.executable, "-m", "affordance_seg_ros.cli"],
        "python": [sys.executable],
    }
    words = [*programs[section.command[0]], *section.command[1:]]
    words += ["--json", str(folder / f"{section.name}.json")]
    found = subprocess.run(words, cwd=_HERE.parent, capture_output=True, text=True, check=False)
    if found.returncode:
        last = found.stderr.strip().splitlines()[-1:]
        return f"{NOT_MEASURED}: {''.join(last) or f'exit code {found.returncode}'}"
    return found.stdout.strip()


def main() -> int:
    """Measure all sections, write and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--out", type=Path, default=Path("out/bench"), help="folder for the tables")
    parser.add_argument("--frames", type=int, default=60, help="frames of the compact network")
    parser.add_argument("--seconds", type=float, default=10.0, help="time of a run of the node [s]")
    arguments = parser.parse_args()
    try:
        device = resolve_device(arguments.device)
    except AffordanceError as error:
        print(f"all_tables: {error}", file=sys.stderr)
        return 2
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    planned = sections(str(device), arguments.frames, arguments.seconds)
    for section in planned:  # what an earlier run left does not belong to this one
        (out / f"{section.name}.json").unlink(missing_ok=True)
    machine = describe_machine(device)
    about = table(tuple(machine), [tuple(machine.values())])
    end = "_gpu" if device.type == "cuda" else ""
    tables = {f"about{end}": f"Measured on {date.today().isoformat()}.\n\n{about}"}
    for section in tqdm(planned, unit="section", disable=None):
        tables[section.name] = measure(section, out)
    tables["targets"] = targets_table(out)
    for name, text in tables.items():
        (out / f"{name}.md").write_text(text + "\n", encoding="utf-8")
    parts = [tables[f"about{end}"]]
    for section in planned:
        command = " ".join(section.command)
        parts.append(f"## {section.title}\n\n```\n{command}\n```\n\n{tables[section.name]}")
    document = "\n\n".join([*parts, f"## Targets\n\n{tables['targets']}"]) + "\n"
    (out / "tables.md").write_text(document, encoding="utf-8")
    print(document)
    return int(any(text.startswith(f"{NOT_MEASURED}:") for text in tables.values()))


if __name__ == "__main__":
    sys.exit(main())
