# SPDX-License-Identifier: Apache-2.0
"""`affordance-seg export`: the step function as ONNX."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affordance_seg_ros.cli.extras import require
from affordance_seg_ros.errors import ConfigError, FrameError, SourceError
from affordance_seg_ros.flags import given_path

if TYPE_CHECKING:
    from affordance_seg_ros.model.checkpoint import Checkpoint

_TOLERANCE = 1e-3
"""Largest difference that rounding explains, in float32; of logits, that of their softmax."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--weights", default="", help="weight file; empty for the package's own")
    parser.add_argument("--out", type=given_path, required=True, help="ONNX file to write")
    parser.add_argument(
        "--check",
        type=given_path,
        required=True,
        metavar="RECORDING",
        help="recording whose frames go through onnxruntime and PyTorch for comparison",
    )
    parser.add_argument(
        "--frames", type=int, default=10, help="number of frames of the recording to compare"
    )
    parser.add_argument("--json", type=given_path, help="write the differences to this file")


def run(arguments: argparse.Namespace) -> int:
    """Export and compare; return the exit code: 1 if the outputs differ."""
    require("onnx", "onnxscript", "onnxruntime")
    from affordance_seg_ros.evaluation.report import write_json
    from affordance_seg_ros.model.checkpoint import load_weights
    from affordance_seg_ros.training.export import export_onnx, largest_difference

    if arguments.frames < 1:
        raise ConfigError(f"--frames {arguments.frames}; expected at least 1")
    if arguments.out.is_dir():
        raise SourceError(f"--out {arguments.out}: is a folder; expected a file")
    checkpoint = load_weights(arguments.weights, "cpu")
    inputs = _inputs(checkpoint, arguments.check, arguments.frames)
    export_onnx(checkpoint, arguments.out)
    differences = largest_difference(arguments.out, checkpoint, inputs)
    agrees = max(differences.values()) <= _TOLERANCE
    for name, value in differences.items():
        what = f"probabilities of the {name}" if name.endswith("logits") else name
        print(f"{what}: largest difference {value:.2g}")
    if not agrees:
        print(f"onnxruntime differs from PyTorch by more than {_TOLERANCE:g}", file=sys.stderr)
    if arguments.json:
        write_json(
            arguments.json,
            {"file": str(arguments.out), "frames": len(inputs), "largest_difference": differences},
        )
    return 0 if agrees else 1


def _inputs(checkpoint: "Checkpoint", recording: Path, count: int) -> list[Any]:
    """Return the network's inputs for the first frames of a recording."""
    import torch

    from affordance_seg_ros.config import FlowConfig
    from affordance_seg_ros.flow.colorize import colorize
    from affordance_seg_ros.flow.estimator import build_estimator
    from affordance_seg_ros.pipeline.preprocess import Preprocessor
    from affordance_seg_ros.sources.bag import open_recording
    from affordance_seg_ros.training.export import StepInput

    device = torch.device("cpu")
    network = checkpoint.network_config
    preprocessor = Preprocessor(checkpoint.input_config, device)
    estimator = build_estimator(FlowConfig(), device)
    inputs: list[Any] = []
    for frame in open_recording(recording).frames():
        if len(inputs) == count:
            break
        try:
            prepared = preprocessor.prepare(frame)
        except FrameError:
            continue  # every run drops it
        flow = None
        if network.flow != "none":
            seen = estimator.step(prepared.flow_input)
            flow = colorize(seen, checkpoint.input_config, mode=network.flow)[None]
        channels = checkpoint.network.appearance_channels
        inputs.append(StepInput(prepared.appearance[:, :channels], flow))
    if not inputs:
        raise SourceError(f"{recording} holds no frame that can be used")
    return inputs
