# SPDX-License-Identifier: Apache-2.0
"""A stage while it runs: what learns, from which samples, and the mean weights that are kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric
from torch import nn

from affordance_seg_ros.errors import TrainingError
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.training.augmentation.augmentation_config import NO_AUGMENTATION
from affordance_seg_ros.training.objective import (
    ActionObjective,
    AffordanceObjective,
    Objective,
    freeze,
)
from affordance_seg_ros.training.run_config import RunConfig
from affordance_seg_ros.training.run_data import (
    StageData,
    flow_caches,
    stage_data,
    stage_pictures,
)
from affordance_seg_ros.training.run_setup import (
    as_measured,
    build_objective,
    build_optimizer,
    naming_actions,
)
from affordance_seg_ros.training.samples import TrainingSamples
from affordance_seg_ros.training.schedule import scaled_epochs
from affordance_seg_ros.training.stage_config import StageConfig
from affordance_seg_ros.training.training_state import Progress, TrainingState
from affordance_seg_ros.training.weight_average import WeightAverage


@dataclass(frozen=True)
class StageRun:
    """One stage of a run.

    Attributes:
        stage: The stage.
        data: Its sequences.
        objective: What it minimises.
        module: The same as wrapped by Fabric, for one process or many.
        optimizer: Its optimiser, as wrapped by Fabric.
        average: The weights that are measured and kept.
        epochs: Number of epochs.
    """

    stage: StageConfig
    data: StageData
    objective: Objective
    module: nn.Module
    optimizer: torch.optim.Optimizer
    average: WeightAverage
    epochs: int

    def samples(self, run: RunConfig, *, train: bool) -> TrainingSamples:
        """Return the samples to learn from, or those to measure on, without augmentation."""
        network = run.network
        if self.stage.task == "actions":
            network = naming_actions(network, self.data)
        return TrainingSamples(
            sequences=self.data.train if train else self.data.validation,
            stage=self.stage if train else as_measured(self.stage),
            network=network,
            input_config=run.input,
            augmentation=run.augmentation if train else NO_AUGMENTATION,
            pictures=stage_pictures(run, self.stage, self.data.labels),
            caches=flow_caches(run, self.stage),
            seed=run.seed,
        )

    def check_finite(self, step: int) -> None:
        """Raise if the weights have become useless, before their state replaces a good one.

        Args:
            step: Number of the last step.

        Raises:
            TrainingError: A weight is not finite.
        """
        weights = list(self.objective.parameters())
        if not torch.stack([each.isfinite().all() for each in weights]).all():
            raise TrainingError(
                f"stage '{self.stage.name}': weights are not finite after step {step}; expected a "
                "lower learning_rate, or a gradient_norm that clips the gradients. What was saved "
                "before is intact"
            )


def check_stages(run: RunConfig, network: AffordanceNetwork) -> tuple[StageData, ...]:
    """Find the data of all stages; raise for a stage that could not begin.

    If it failed only at its turn, hours would be lost.

    Args:
        run: The run.
        network: Network that is to learn; which of its parts learn is undefined afterwards.

    Raises:
        ConfigError: The network lacks a part or stream that a stage names.
        SourceError: There are no data for it, or none that it can learn from.
    """
    for stage in run.stages:
        freeze(network, stage.frozen)
        if stage.task == "affordances":
            AffordanceObjective(network, stage, None)
        else:
            ActionObjective(network, network.config, stage)
    return stage_data(run)


@contextmanager
def naming_full_memory(run: RunConfig, progress: Progress) -> Iterator[None]:
    """Report in which stage the memory of a GPU was full, and what helps.

    Raises:
        TrainingError: It is.
    """
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        raise TrainingError(
            f"stage '{run.stages[progress.stage].name}': the GPU's memory is full "
            f"({str(error).splitlines()[0]}); expected a smaller batch_size with accumulate, or "
            "precision=bf16-mixed. What was saved before is intact"
        ) from error


def begin_stage(
    run: RunConfig,
    number: int,
    data: StageData,
    network: AffordanceNetwork,
    fabric: Fabric,
    before: TrainingState | None,
) -> StageRun:
    """Set up a stage.

    Args:
        run: The run.
        number: Index of the stage.
        data: Its sequences.
        network: Network that learns.
        fabric: Moves it to its device and processes.
        before: State in which the stage was left; None at its beginning.

    Raises:
        ConfigError: The network lacks a part or stream that the stage names.
    """
    stage = run.stages[number]
    # Where a run was stopped must not affect the initial weights of a new stage's own layers.
    torch.manual_seed(run.seed + number)
    objective = build_objective(network, stage, data)
    freeze(network, stage.frozen)
    if fabric.device.type == "cpu":
        objective.to(memory_format=torch.channels_last)  # faster; on a GPU not measured
    module, optimizer = fabric.setup(objective, build_optimizer(objective, stage))
    average = WeightAverage(objective, stage.average_steps)
    if before:
        objective.load_state_dict(before.objective)
        average.load_state_dict(before.average)
        optimizer.load_state_dict(before.optimizer)
        fabric.strategy.precision.load_state_dict(before.scaler)
        torch.set_rng_state(before.random)
    epochs = scaled_epochs(stage.epochs, run.epoch_scale)
    return StageRun(stage, data, objective, module, optimizer, average, epochs)
