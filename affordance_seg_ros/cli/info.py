# SPDX-License-Identifier: Apache-2.0
"""`affordance-seg info`: what a weight file holds, and what this machine offers."""

import argparse
import platform
from dataclasses import asdict
from importlib.metadata import version

from affordance_seg_ros import __version__
from affordance_seg_ros.flags import given_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--weights", default="", help="weight file; empty for the package's own")
    parser.add_argument("--json", type=given_path, help="write the same as JSON to this file")


def run(arguments: argparse.Namespace) -> int:
    """Print the information; return the exit code."""
    import torch
    import yaml

    from affordance_seg_ros.evaluation.report import write_json
    from affordance_seg_ros.model.checkpoint import load_weights
    from affordance_seg_ros.model.fingerprint import fingerprint
    from affordance_seg_ros.model.openvino_runner import is_installed

    checkpoint = load_weights(arguments.weights, torch.device("cpu"))
    parameters = sum(parameter.numel() for parameter in checkpoint.network.parameters())
    cuda = torch.cuda.is_available()
    document = {
        "version": __version__,
        "weights": asdict(checkpoint.card),
        "fingerprint": fingerprint(checkpoint.network),
        "parameters": parameters,
        "network": asdict(checkpoint.network_config),
        "input": asdict(checkpoint.input_config),
        "machine": {
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "device": torch.cuda.get_device_name(0) if cuda else "cpu",
            "threads": torch.get_num_threads(),
            "openvino": version("openvino") if is_installed() else "not installed",
        },
    }
    print(yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=100), end="")
    if arguments.json:
        write_json(arguments.json, document)
    return 0
