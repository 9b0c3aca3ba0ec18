# SPDX-License-Identifier: Apache-2.0
"""The training loop, in one place.

Lightning Fabric moves it to a GPU or to many (`torchrun`), sets the precision and adds gradients
up across processes; the loop itself stays here to be read.
"""

import time
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from affordance_seg_ros.evaluation.report import write_json
from affordance_seg_ros.training.augmentation.augmentation_config import NO_AUGMENTATION
from affordance_seg_ros.training.datasets.kept_records import KeptRecords, keep_all
from affordance_seg_ros.training.epoch_order import epoch_batches
from affordance_seg_ros.training.initialise import initial_network
from affordance_seg_ros.training.logbook import Logbook
from affordance_seg_ros.training.objective import ActionObjective, freeze_for
from affordance_seg_ros.training.run_config import RunConfig
from affordance_seg_ros.training.run_data import (
    StageData,
    flow_caches,
    stage_data,
    stage_pictures,
)
from affordance_seg_ros.training.run_setup import (
    as_measured,
    build_fabric,
    build_objective,
    build_optimizer,
    naming_actions,
    prepare_folder,
)
from affordance_seg_ros.training.samples import TrainingSamples
from affordance_seg_ros.training.schedule import learning_rate, scaled_epochs
from affordance_seg_ros.training.stage_config import StageConfig
from affordance_seg_ros.training.training_state import (
    Progress,
    TrainingState,
    save_state,
)
from affordance_seg_ros.training.validation import (
    Validation,
    ValidationSet,
    validate,
    validate_actions,
)
from affordance_seg_ros.training.weights_output import save_weights

WEIGHTS_FILE = "weights.safetensors"
"""The best weights of the last stage so far; those of each stage lie beside it, by its name."""


def stage_weights_file(stage: str) -> str:
    """Return the name of the file that keeps the best weights of a stage."""
    return f"weights-{stage}.safetensors"


def train(run: RunConfig, out: Path, *, resume: bool = False, progress: bool = True) -> Path:
    """Train a network, stage by stage.

    Args:
        run: The run.
        out: Folder of the run: state, weights, logs.
        resume: Go on with the run that is in the folder.
        progress: Whether to show progress bars.

    Returns:
        Path of the best weights of the last stage.

    Raises:
        ConfigError: The folder holds a run already, or another one than is to be resumed.
        SourceError: Data are missing or damaged.
        CheckpointError: A file to start from cannot be used, or the disk refuses.
    """
    return Trainer(run, out, resume=resume, progress=progress).run()


class Trainer:
    """One run of training; see `train`."""

    def __init__(self, run: RunConfig, out: Path, *, resume: bool, progress: bool) -> None:
        if run.threads:
            torch.set_num_threads(run.threads)
        self._config = run
        self._out = out
        self._fabric = build_fabric(run.precision)
        self._chief = self._fabric.is_global_zero
        self._show = progress and self._chief
        self._resumed = prepare_folder(run, out, resume=resume, chief=self._chief)
        self._fabric.barrier()
        self._progress = self._resumed.progress if self._resumed else Progress()
        torch.manual_seed(run.seed)
        self._network = initial_network(run)

    def run(self) -> Path:
        """Train what is left to train."""
        stages = self._config.stages
        with Logbook(self._out, self._progress.global_step, active=self._chief) as logbook:
            while self._progress.stage < len(stages):
                self._run_stage(stages[self._progress.stage], logbook)
        return self._out / WEIGHTS_FILE

    def _run_stage(self, stage: StageConfig, logbook: Logbook) -> None:
        data = stage_data(self._config, stage)
        self._keep_inputs(stage, data)
        objective = build_objective(self._network, stage, data)
        freeze_for(stage, self._network)
        optimizer = build_optimizer(objective, stage)
        if self._resumed:
            objective.load_state_dict(self._resumed.objective)
        module, wrapped = self._fabric.setup(objective, optimizer)
        if self._resumed:
            optimizer.load_state_dict(self._resumed.optimizer)
            self._fabric.strategy.precision.load_state_dict(self._resumed.scaler)
            torch.set_rng_state(self._resumed.random)
            self._resumed = None
        epochs = scaled_epochs(stage.epochs, self._config.epoch_scale)
        done = self._progress
        while done.epoch < epochs:
            self._run_epoch(stage, data, module, wrapped, epochs, logbook)
            done.epoch, done.batch = done.epoch + 1, 0
            last = done.epoch == epochs
            if last or done.epoch % stage.validate_every == 0:
                self._look(stage, data, objective, logbook)
            if stage.patience and done.epochs_without_gain >= stage.patience:
                done.epoch = epochs
            if done.epoch < epochs:
                self._save(objective, optimizer)
        done.next_stage(epochs)
        done.finished = done.stage == len(self._config.stages)
        if done.finished:
            self._save(objective, optimizer)
        else:
            # The next stage has an objective and an optimiser of its own.
            self._save_between_stages()

    def _run_epoch(
        self,
        stage: StageConfig,
        data: StageData,
        module: nn.Module,
        optimizer: torch.optim.Optimizer,
        epochs: int,
        logbook: Logbook,
    ) -> None:
        from tqdm import tqdm

        fabric, done = self._fabric, self._progress
        batches = epoch_batches(
            [sequence.action for sequence in data.train],
            seed=self._config.seed,
            epoch=done.epochs_before + done.epoch,
            batch_size=stage.batch_size,
            static_share=stage.static_share,
            balance_actions=stage.balance_actions,
            rank=fabric.global_rank,
            world=fabric.world_size,
        )
        accumulate = min(stage.accumulate, len(batches))
        steps = len(batches) // accumulate
        loader = DataLoader(
            self._samples(stage, data, train=True),
            batch_sampler=batches[done.batch : steps * accumulate],
            num_workers=self._config.data.workers,
            pin_memory=fabric.device.type == "cuda",
        )
        bar = tqdm(
            fabric.setup_dataloaders(loader, use_distributed_sampler=False),
            total=steps * accumulate,
            initial=done.batch,
            unit="batch",
            desc=f"{stage.name} {done.epoch + 1}/{epochs}",
            disable=not self._show,
        )
        module.train()
        began = time.monotonic()
        for batch in bar:
            step = done.epoch * steps + done.batch // accumulate
            rate = learning_rate(
                step,
                epochs * steps,
                largest=stage.learning_rate,
                schedule=stage.schedule,
                warmup_share=stage.warmup_share,
            )
            for group in optimizer.param_groups:
                group["lr"] = rate
            completes = (done.batch + 1) % accumulate == 0
            with fabric.no_backward_sync(module, enabled=not completes):
                losses = module(batch)
                fabric.backward(losses.total / accumulate)
            done.batch += 1
            if not completes:
                continue
            if stage.gradient_norm:
                fabric.clip_gradients(module, optimizer, max_norm=stage.gradient_norm)
            optimizer.step()
            optimizer.zero_grad()
            done.global_step += 1
            logbook.step(done.global_step, losses, rate)
            if done.global_step % self._config.checkpoint_steps == 0:
                done.seconds += time.monotonic() - began
                began = time.monotonic()
                self._save(module.module, optimizer.optimizer)
        done.seconds += time.monotonic() - began

    def _samples(self, stage: StageConfig, data: StageData, *, train: bool) -> TrainingSamples:
        run = self._config
        network = run.network
        if stage.task == "actions":
            network = naming_actions(network, data)
        return TrainingSamples(
            sequences=data.train if train else data.validation,
            stage=stage if train else as_measured(stage),
            network=network,
            input_config=run.input,
            augmentation=run.augmentation if train else NO_AUGMENTATION,
            pictures=stage_pictures(run, stage, data.labels),
            caches=flow_caches(run) if stage.task != "actions" else (),
            seed=run.seed,
        )

    def _keep_inputs(self, stage: StageConfig, data: StageData) -> None:
        """Compute flow and pictures that are not there yet."""
        wanted: list[KeptRecords] = []
        if stage.task != "actions" and stage.frames != 1:
            wanted.extend(flow_caches(self._config))
        pictures = stage_pictures(self._config, stage, data.labels)
        if pictures.keep:
            wanted.append(pictures)
        if self._chief:
            keep_all(
                (*data.train, *data.validation),
                wanted,
                workers=self._config.data.workers,
                progress=self._show,
            )
        self._fabric.barrier()

    def _look(
        self, stage: StageConfig, data: StageData, objective: nn.Module, logbook: Logbook
    ) -> None:
        """Validate, and keep the weights if they are the best of the stage."""
        done = self._progress
        score = 0.0
        if self._chief:
            seen = self._validated(stage, data, objective)
            logbook.validation(done.global_step, stage.name, seen)
            score = seen.score
            if done.best_score is None or score > done.best_score:
                done.best_metrics = seen.document()
                self._keep(stage, done.best_metrics)
        score = self._fabric.broadcast(score)
        if done.best_score is None or score > done.best_score:
            done.best_score, done.epochs_without_gain = score, 0
        else:
            done.epochs_without_gain += stage.validate_every

    def _validated(self, stage: StageConfig, data: StageData, objective: nn.Module) -> Validation:
        fabric, workers = self._fabric, self._config.data.workers
        samples = self._samples(stage, data, train=False)
        shown = ValidationSet(samples, data.labels, fabric.device, fabric.autocast, workers)
        if isinstance(objective, ActionObjective):
            return validate_actions(objective, shown)
        return validate(self._network, shown)

    def _keep(self, stage: StageConfig, seen: dict[str, Any]) -> None:
        run = self._config
        metrics = {"validation_at_network_size": seen}
        for name in (stage_weights_file(stage.name), WEIGHTS_FILE):
            path = self._out / name
            save_weights(path, self._network, run, metrics, stage, self._progress)
        write_json(self._out / "validation.json", {"stage": stage.name, **metrics})

    def _save(self, objective: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        if self._chief:
            state = TrainingState(
                run_yaml=self._config.to_yaml(),
                progress=self._progress,
                objective=objective.state_dict(),
                optimizer=optimizer.state_dict(),
                scaler=self._fabric.strategy.precision.state_dict(),
                random=torch.get_rng_state(),
            )
            save_state(self._out, state)
        self._fabric.barrier()

    def _save_between_stages(self) -> None:
        stage = self._config.stages[self._progress.stage]
        objective = build_objective(self._network, stage, stage_data(self._config, stage))
        freeze_for(stage, self._network)
        self._save(objective, build_optimizer(objective, stage))
