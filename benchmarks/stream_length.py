# SPDX-License-Identifier: Apache-2.0
"""Latency and memory of the pipeline over a long stream at full speed, window by window."""

# ruff: noqa: E402  (threads are set up before torch is loaded, as in the node)
from affordance_seg_ros.threads import share_processor

share_processor()

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.errors import AffordanceError, ConfigError
from affordance_seg_ros.evaluation.bench.durations import spread
from affordance_seg_ros.evaluation.bench.machine import describe_machine
from affordance_seg_ros.evaluation.bench.memory import memory_now
from affordance_seg_ros.evaluation.bench.settings import BenchSettings, parse_size
from affordance_seg_ros.evaluation.bench.stopwatch import Stopwatch, endless_messages
from affordance_seg_ros.evaluation.report import write_json
from affordance_seg_ros.flags import HelpFormatter
from affordance_seg_ros.pipeline.streaming import build_pipeline

_WINDOWS = 12


def measure(settings: BenchSettings, minutes: float, file: Path) -> dict[str, Any]:
    """Run the pipeline for some minutes; the file is rewritten after each twelfth of that time.

    Raises:
        AffordanceError: The pipeline cannot be built, or the file cannot be written.
    """
    weights = settings.weights or f"untrained:{settings.network}"
    pipeline = build_pipeline(weights, settings.device, settings.config)
    pipeline.warm_up(*settings.picture)
    document: dict[str, Any] = {
        "machine": describe_machine(pipeline.device),
        "weights": weights,
        "picture": list(settings.picture),
        "minutes": minutes,
        "windows": [],
    }
    messages = endless_messages(settings)
    start = time.monotonic()
    for k in tqdm(range(_WINDOWS), unit="window", disable=None):
        end = start + 60 * minutes * (k + 1) / _WINDOWS
        watch = Stopwatch(pipeline, messages)
        while time.monotonic() < end or not watch.total_ms:
            watch.timed()
        found, memory = spread(watch.total_ms), memory_now(pipeline.device)
        document["windows"].append(
            {
                "until_s": round(time.monotonic() - start),
                "frames": len(watch.total_ms),
                "p50_ms": found.p50,
                "p95_ms": found.p95,
                "p99_ms": found.p99,
                "cpu_rss_mb": memory.cpu_rss,
                "gpu_mb": memory.gpu_allocated,
            }
        )
        write_json(file, document)
    return document


def main() -> int:
    """Measure; return 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0, help="length of the stream")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--network", default="compact", help="network: paper or compact")
    parser.add_argument("--weights", default="", help="weight file to measure instead")
    parser.add_argument("--picture", default="640x480", help="camera pictures [px]")
    parser.add_argument("--json", type=Path, required=True, help="file for the result")
    arguments = parser.parse_args()
    try:
        if not 0 < arguments.minutes <= 10_000:
            raise ConfigError(
                f"--minutes {arguments.minutes:g}; expected more than 0 and at most 10000"
            )
        settings = BenchSettings(
            device=arguments.device,
            network=arguments.network,
            weights=arguments.weights,
            picture=parse_size(arguments.picture),
            config=PipelineConfig(),
        )
        measure(settings, arguments.minutes, arguments.json)
    except AffordanceError as error:
        print(f"stream_length: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
