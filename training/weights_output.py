# SPDX-License-Identifier: Apache-2.0
"""From a run to a weight file that says where it comes from."""

import platform
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from affordance_seg_ros import __version__
from affordance_seg_ros.model.checkpoint import (
    Checkpoint,
    WeightsCard,
    load_weights,
    save_checkpoint,
)
from affordance_seg_ros.model.fingerprint import fingerprint
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.pipeline.device import resolve_device
from affordance_seg_ros.training.marking import marked_network
from affordance_seg_ros.training.run_config import RunConfig
from affordance_seg_ros.training.samples import scaled_input
from affordance_seg_ros.training.stage_config import StageConfig
from affordance_seg_ros.training.training_state import Progress

WEIGHTS_FILE = "weights.safetensors"
"""The best weights of the last stage so far; those of each stage are next to it, by its name."""

LAST_WEIGHTS_FILE = "last.safetensors"
"""The weights of the last validation, better or not: a validation on few clips is inexact."""


def stage_weights_file(stage: str) -> str:
    """Return the name of the file that keeps the best weights of a stage."""
    return f"weights-{stage}.safetensors"


LICENSE = "Apache-2.0"


def read_origin(weights: str) -> dict[str, Any]:
    """Return what weights say about themselves, for the recipe of those trained on from them.

    Args:
        weights: Weight file, or the name of one in the package; empty for random weights.

    Returns:
        Their name, fingerprint and recipe, with their own origin in it; empty for random weights.

    Raises:
        CheckpointError: The file is missing or damaged.
    """
    if not weights:
        return {}
    started = load_weights(weights, "cpu")
    return {
        "name": started.card.name,
        "fingerprint": fingerprint(started.network),
        "recipe": dict(started.card.recipe),
    }


def save_weights(
    path: Path,
    network: AffordanceNetwork,
    run: RunConfig,
    metrics: Mapping[str, Any],
    stage: StageConfig,
    progress: Progress,
    starts_from: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Write a network in half precision with the whole recipe, for input of its stage's size.

    Args:
        path: File to write.
        network: The network.
        run: The run that trained it.
        metrics: What was measured, anything that JSON can express.
        stage: The stage that the weights come from.
        progress: How far the run has come.
        starts_from: Origin of the weights that the run started from; see `read_origin`.

    Raises:
        CheckpointError: Weights are not finite, or the file cannot be written.
    """
    card = WeightsCard(
        name=run.name,
        trained=True,
        description=f"Trained by the run '{run.name}', stage '{stage.name}'.",
        license=LICENSE,
        metrics=dict(metrics),
        recipe={
            "starts_from": dict(starts_from),
            "run": asdict(run),
            "stage": stage.name,
            "steps": progress.global_step,
            "hours": round(progress.seconds / 3600, 3),
            "hardware": hardware(),
            "torch": torch.__version__,
            "version": __version__,
        },
    )
    size = scaled_input(run.input, stage.input_scale)
    checkpoint = Checkpoint(network, marked_network(run.network, stage), size, card)
    save_checkpoint(path, checkpoint, dtype=torch.float16)


def hardware() -> str:
    """Return the hardware of a run in words."""
    if resolve_device("auto").type == "cuda":
        return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name(0)}"
    return f"{torch.get_num_threads()} threads of {_cpu_name()}"


def _cpu_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
