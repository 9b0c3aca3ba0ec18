# SPDX-License-Identifier: Apache-2.0
"""What a run needs before its first step: processes, a folder, an objective, an optimiser."""

import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import MixedPrecision
from lightning_fabric.strategies import DDPStrategy

from affordance_seg_ros.config import NetworkConfig
from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.pipeline.device import resolve_device
from affordance_seg_ros.training.loss import class_weights
from affordance_seg_ros.training.objective import ActionObjective, AffordanceObjective, Objective
from affordance_seg_ros.training.run_config import RunConfig, differences, parse_run
from affordance_seg_ros.training.run_data import StageData, count_pixels
from affordance_seg_ros.training.stage_config import StageConfig
from affordance_seg_ros.training.training_state import STATE_FILE, TrainingState, load_state

RUN_FILE = "run.yaml"
_PATIENCE = timedelta(days=1)
"""How long processes wait for each other: the flow of a large data set takes hours."""


class _WholeInputs(MixedPrecision):
    """Mixed precision that leaves a batch unrounded: autocast rounds what it computes with.

    A flow of 0.3 mm is 0.5015 as a colour, but 0.5 in bfloat16: the network has to subtract the
    middle first.
    """

    def convert_input(self, data: Any) -> Any:
        """Return the batch."""
        return data


def build_fabric(precision: str) -> Fabric:
    """Return Fabric for this process: alone, or one of those that `torchrun` started."""
    world, local = int(os.environ.get("WORLD_SIZE", "1")), local_processes()
    accelerator = resolve_device("auto").type
    mixed = precision in ("16-mixed", "bf16-mixed")
    fabric = Fabric(
        accelerator=accelerator,
        devices=local,
        num_nodes=max(1, world // local),
        # A stage without actions, or with frozen parts, leaves parameters without a gradient.
        strategy=DDPStrategy(find_unused_parameters=True, timeout=_PATIENCE)
        if world > 1
        else "auto",
        precision=None if mixed else precision,
        plugins=_WholeInputs(precision, accelerator) if mixed else None,
    )
    fabric.launch()
    if accelerator == "cpu" and fabric.is_global_zero:
        _warn_of_slow_arithmetic(precision)
    return fabric


def local_processes() -> int:
    """Return how many processes `torchrun` started on this machine; 1 without it."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def _warn_of_slow_arithmetic(precision: str) -> None:
    """Warn if the CPU would compute bfloat16 value by value."""
    without_avx512 = torch.backends.cpu.get_cpu_capability() in ("NO AVX", "AVX2")
    if precision == "bf16-mixed" and without_avx512:
        print(
            "precision=bf16-mixed on a CPU without AVX-512: about ten times slower than "
            "precision=32-true",
            file=sys.stderr,
        )


def prepare_folder(run: RunConfig, out: Path, *, resume: bool) -> TrainingState | None:
    """Create the folder of a new run, or return the state of the old one.

    Args:
        run: The run.
        out: Its folder.
        resume: Whether to continue an old run.

    Raises:
        ConfigError: The folder holds a run already, or another one than the one to resume.
        CheckpointError: There is nothing to resume, or it is damaged.
    """
    if resume:
        state = load_state(out)
        if different := differences(parse_run(state.run_yaml), run):
            more = f" and {len(different) - 3} more" if len(different) > 3 else ""
            raise ConfigError(
                f"{out} holds another run, not the one to resume: {'; '.join(different[:3])}{more}"
            )
        return state
    if (out / STATE_FILE).exists():
        raise ConfigError(f"{out} holds a run already; expected --resume, or a new folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / RUN_FILE).write_text(run.to_yaml(), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written to ({error.strerror})") from None
    return None


def build_objective(network: AffordanceNetwork, stage: StageConfig, data: StageData) -> Objective:
    """Return what a stage minimises, around the network that learns."""
    if stage.task != "affordances":
        return ActionObjective(network, naming_actions(network.config, data), stage)
    weights = None
    if stage.class_balance != "none":
        pixels = count_pixels(data.train, stage.target, data.labels.class_count)
        weights = class_weights(pixels, stage.class_balance)
    return AffordanceObjective(network, stage, weights)


def build_optimizer(objective: Objective, stage: StageConfig) -> torch.optim.Optimizer:
    """Return the stage's optimiser for what is not frozen."""
    learning = [each for each in objective.parameters() if each.requires_grad]
    if stage.optimizer == "adam":
        return torch.optim.Adam(learning, lr=stage.learning_rate)
    return torch.optim.AdamW(learning, lr=stage.learning_rate, weight_decay=stage.weight_decay)


def as_measured(stage: StageConfig) -> StageConfig:
    """Return the stage as it is measured: at the whole last frame; told if always told."""
    told = float(stage.told_share == 1)
    return replace(stage, supervision="last", end_jitter=0, window=1.0, told_share=told)


def naming_actions(network: NetworkConfig, data: StageData) -> NetworkConfig:
    """Return a network's configuration with the actions of other data."""
    return replace(network, actions=data.labels.actions)
