# SPDX-License-Identifier: Apache-2.0
"""`affordance-seg bench`: how fast the pipeline is here, and how far from the machine's limits."""

import argparse
from dataclasses import fields
from typing import Any

from affordance_seg_ros.config import NETWORKS, PipelineConfig
from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.flags import add_options, given_path, read_options
from affordance_seg_ros.options import Options

_LEFT_OUT = ("rate_hz",)  # the benchmark takes every frame
_MOST_THREADS = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument(
        "--network",
        default="paper",
        metavar="NAME",
        help=f"{' or '.join(NETWORKS)}; compact with the package's weights, others with random "
        "weights",
    )
    parser.add_argument("--weights", default="", help="weight file to measure instead")
    parser.add_argument(
        "--size",
        default="",
        help="network input [px], N for a square or WIDTHxHEIGHT; empty for the network's own",
    )
    parser.add_argument(
        "--picture", default="640x480", help="camera pictures [px], N or WIDTHxHEIGHT"
    )
    parser.add_argument(
        "--encoding", default="bgra8", help="encoding of colour pictures: rgb8, bgr8 or bgra8"
    )
    parser.add_argument("--frames", type=int, default=100, help="frames to time")
    parser.add_argument(
        "--baseline",
        default="",
        help="what to time in turns with it: eager, the plain pipeline in float32; empty for none",
    )
    parser.add_argument(
        "--baseline-frames", type=int, default=0, help="baseline frames; 0 for a fifth of --frames"
    )
    parser.add_argument(
        "--threads", type=int, default=0, help="CPU threads; 0 for PyTorch's choice"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the scene")
    parser.add_argument("--json", type=given_path, help="also write the result to this file")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
    kept = tuple(name for name in PipelineConfig.infos() if name not in _LEFT_OUT)
    add_options(parser.add_argument_group("pipeline"), PipelineConfig, only=kept)
    for name, options in _nested().items():
        add_options(parser.add_argument_group(name), options, prefix=f"{name}-")


def run(arguments: argparse.Namespace) -> int:
    """Measure; return the exit code."""
    import torch

    from affordance_seg_ros.evaluation.bench.markdown import bench_tables
    from affordance_seg_ros.evaluation.bench.run import run as measure
    from affordance_seg_ros.evaluation.bench.settings import BenchSettings, parse_size
    from affordance_seg_ros.evaluation.report import write_json

    nested: dict[str, Any] = {
        name: read_options(arguments, options, prefix=f"{name}-")
        for name, options in _nested().items()
    }
    settings = BenchSettings(
        device=arguments.device,
        network=arguments.network,
        weights=arguments.weights,
        input_size=parse_size(arguments.size) if arguments.size else None,
        picture=parse_size(arguments.picture),
        encoding=arguments.encoding,
        frames=arguments.frames,
        baseline=arguments.baseline,
        baseline_frames=arguments.baseline_frames,
        seed=arguments.seed,
        config=read_options(arguments, PipelineConfig, **nested),
    )
    if not 0 <= arguments.threads <= _MOST_THREADS:
        raise ConfigError(f"--threads {arguments.threads}; expected 0 to {_MOST_THREADS}")
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    document = measure(settings, progress=not arguments.quiet)
    print(bench_tables(document))
    if arguments.json:
        write_json(arguments.json, document)
    return 0


def _nested() -> dict[str, type[Options]]:
    """Return the option groups nested in the pipeline's, by name: the flow's and any other."""
    return {
        each.name: type(each.default)
        for each in fields(PipelineConfig)
        if isinstance(each.default, Options)
    }
