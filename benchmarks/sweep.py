# SPDX-License-Identifier: Apache-2.0
"""How cost grows with the size of pictures, the network's width, cameras, and the stream's length.

Each point runs in its own process and is saved as one JSON file; an interrupted sweep continues
with what is missing. Prints a Markdown table for each kind, and saves it as KIND.md. Flags that are
not known here are passed on to `affordance-seg bench`.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from affordance_seg_ros.evaluation.bench.markdown import table
from affordance_seg_ros.evaluation.report import write_json
from affordance_seg_ros.flags import HelpFormatter

_HERE = Path(__file__).resolve().parent
SIZES = ("320x240", "640x480", "1280x720", "1920x1080")
WIDTHS = (("compact", ""), ("compact", "300"), ("paper", ""))
CAMERAS = (1, 2, 4)


class Point(NamedTuple):
    """One measurement: its name, also its file's, and the command that takes ``--json FILE``."""

    name: str
    command: tuple[str, ...]


def points(kind: str, arguments: argparse.Namespace, rest: list[str]) -> list[Point]:
    """Return the points of a kind of sweep."""
    bench = (sys.executable, "-m", "affordance_seg_ros.cli", "bench", "--quiet")
    bench = (*bench, "--device", arguments.device, *rest)
    frames = ("--frames", str(arguments.frames))
    match kind:
        case "size":
            network = ("--network", arguments.network)
            return [Point(f"size-{s}", (*bench, *network, *frames, "--picture", s)) for s in SIZES]
        case "width":
            return [
                Point(
                    f"width-{name}{'-' + size if size else ''}",
                    (*bench, "--network", name, *frames, *(("--size", size) if size else ())),
                )
                for name, size in WIDTHS
            ]
        case "cameras":
            node = (sys.executable, str(_HERE / "node_latency.py"), "--device", arguments.device)
            node = (*node, "--weights", f"untrained:{arguments.network}")
            node = (*node, "--seconds", f"{arguments.seconds:g}", "--size", "640x480")
            return [Point(f"cameras-{n}", (*node, "--nodes", str(n))) for n in CAMERAS]
        case _:
            stream = (sys.executable, str(_HERE / "stream_length.py"))
            stream = (*stream, "--minutes", f"{arguments.minutes:g}")
            stream = (*stream, "--device", arguments.device, "--network", arguments.network)
            return [Point(f"stream-{arguments.minutes:g}min", stream)]


def measure(point: Point, folder: Path, *, again: bool) -> dict[str, Any]:
    """Return the result of a point; measure it unless its file exists, from the same command."""
    file = folder / f"{point.name}.json"
    command = list(point.command)
    if file.exists() and not again:
        kept: dict[str, Any] = json.loads(file.read_text())
        if kept["command"] == command:
            return dict(kept["result"])
    partial = folder / f"{point.name}.partial.json"
    subprocess.run([*command, "--json", str(partial)], check=True, stdout=subprocess.DEVNULL)
    result: dict[str, Any] = json.loads(partial.read_text())
    write_json(file, {"command": command, "result": result})
    partial.unlink()
    return result


def bench_table(results: dict[str, dict[str, Any]]) -> str:
    """Return the table of points that `affordance-seg bench` measured."""
    stages = ("decode", "preprocess", "flow", "network", "postprocess")
    headers = ("point", *(f"{s} p50 [ms]" for s in stages), "total p50", "p95", "frames/s", "MiB")
    rows = [
        [
            name,
            *(found["stages_ms"][stage]["p50"] for stage in stages),
            found["total_ms"]["p50"],
            found["total_ms"]["p95"],
            found["frames_per_s"],
            found["memory_mb"]["cpu_rss"],
        ]
        for name, found in results.items()
    ]
    return table(headers, rows)


def cameras_table(results: dict[str, dict[str, Any]]) -> str:
    """Return the table of points with several nodes."""
    from node_latency import HEADERS, row

    rows = [row(point["size"], point["nodes"]) for r in results.values() for point in r["points"]]
    return table(HEADERS, rows)


def stream_table(results: dict[str, dict[str, Any]]) -> str:
    """Return the table of a long stream, with a row for each part of it."""
    fields = ("until_s", "frames", "p50_ms", "p95_ms", "p99_ms", "cpu_rss_mb", "gpu_mb")
    windows = [window for result in results.values() for window in result["windows"]]
    return table(fields, [[window[name] for name in fields] for window in windows])


TABLES = {
    "size": bench_table,
    "width": bench_table,
    "cameras": cameras_table,
    "stream": stream_table,
}


def main() -> int:
    """Measure what is missing, and print the tables; return 2 if a point fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("kinds", nargs="+", choices=TABLES, help="what grows")
    parser.add_argument("--out", type=Path, default=Path("out/sweep"), help="folder of the points")
    parser.add_argument("--again", action="store_true", help="also measure points that exist")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    parser.add_argument("--network", default="compact", help="network of all sweeps except width")
    parser.add_argument("--frames", type=int, default=60, help="frames per point")
    parser.add_argument("--seconds", type=float, default=15.0, help="time of a camera point [s]")
    parser.add_argument("--minutes", type=float, default=1.0, help="time of the stream [min]")
    arguments, rest = parser.parse_known_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    try:
        for kind in arguments.kinds:
            planned = points(kind, arguments, rest)
            bar = tqdm(planned, desc=kind, unit="point", disable=None)
            results = {p.name: measure(p, arguments.out, again=arguments.again) for p in bar}
            text = TABLES[kind](results)
            name = f"{kind}_gpu" if arguments.device.startswith("cuda") else kind
            (arguments.out / f"{name}.md").write_text(text + "\n", encoding="utf-8")
            print(f"{text}\n")
    except subprocess.CalledProcessError as error:
        print(
            f"sweep: {' '.join(error.cmd)} ended with exit code {error.returncode}",
            file=sys.stderr,
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
