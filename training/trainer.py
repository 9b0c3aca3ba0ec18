# SPDX-License-Identifier: Apache-2.0
"""The training loop, in one place.

Lightning Fabric moves it to one GPU or several (`torchrun`), sets the precision and combines
gradients across processes; the loop itself stays here to be read.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.evaluation.report import write_json
from affordance_seg_ros.training.datasets.kept_records import KeptRecords, keep_all
from affordance_seg_ros.training.epoch_order import epoch_batches
from affordance_seg_ros.training.initialise import initial_network
from affordance_seg_ros.training.loading import loaded, sample_loader
from affordance_seg_ros.training.logbook import Logbook
from affordance_seg_ros.training.objective import ActionObjective
from affordance_seg_ros.training.run_config import InitialiseConfig, RunConfig
from affordance_seg_ros.training.run_data import (
    StageData,
    flow_caches,
    share,
    stage_pictures,
    warn_of_shared,
    warn_of_unlabelled,
)
from affordance_seg_ros.training.run_setup import build_fabric, local_processes, prepare_folder
from affordance_seg_ros.training.schedule import learning_rate
from affordance_seg_ros.training.stage_config import StageConfig
from affordance_seg_ros.training.stage_run import (
    StageRun,
    begin_stage,
    check_stages,
    naming_full_memory,
)
from affordance_seg_ros.training.training_state import Progress, TrainingState, save_state
from affordance_seg_ros.training.validation import (
    Validation,
    ValidationSet,
    validate,
    validate_actions,
)
from affordance_seg_ros.training.weights_output import (
    LAST_WEIGHTS_FILE,
    WEIGHTS_FILE,
    read_origin,
    save_weights,
    stage_weights_file,
)


def train(run: RunConfig, out: Path, *, resume: bool = False, progress: bool = True) -> Path:
    """Train a network, stage by stage.

    Args:
        run: The run.
        out: Folder of the run: state, weights, logs.
        resume: Continue the run that is in the folder.
        progress: Whether to show progress bars.

    Returns:
        Path of the best weights of the last stage.

    Raises:
        ConfigError: The folder holds a run already, or another one than the one to resume.
        SourceError: Data are missing or damaged.
        CheckpointError: A file to start from cannot be used, or writing fails.
        TrainingError: The weights are no longer finite, memory or disk is full, or a process died.
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
        state = prepare_folder(run, out, resume=resume) if self._chief else None
        self._resumed = self._fabric.broadcast(state)  # other machines have no such folder
        if self._resumed:
            self._progress, self._starts_from = self._resumed.progress, self._resumed.starts_from
        else:
            self._progress, self._starts_from = Progress(), read_origin(run.initialise.weights)
        before = self._progress.processes or "an unknown number of"
        if self._progress.share_among(self._fabric.world_size):
            self._say_again(f"with {self._fabric.world_size} instead of {before} processes")
        torch.manual_seed(run.seed)
        # The state replaces the whole network: the weights it began with may be gone.
        begun = replace(run, initialise=InitialiseConfig()) if self._resumed else run
        self._network = initial_network(begun)
        self._data: tuple[StageData, ...] = ()

    def run(self) -> Path:
        """Train what is left to train."""
        if not self._progress.finished:
            self._data = check_stages(self._config, self._network)
            if self._chief:
                warn_of_shared(self._config, self._data)
            with (
                naming_full_memory(self._config, self._progress),
                Logbook(self._out, self._progress.global_step, active=self._chief) as logbook,
            ):
                running: StageRun | None = self._begin()
                while running:
                    running = self._run_stage(running, logbook)
        return self._out / WEIGHTS_FILE

    def _run_stage(self, running: StageRun, logbook: Logbook) -> StageRun | None:
        """Run a stage to its end; return the next one, already begun, or None after the last."""
        stage, done = running.stage, self._progress
        if self._chief:
            warn_of_unlabelled(stage, running.data)
        self._keep_inputs(stage, running.data)
        while done.epoch < running.epochs:
            self._run_epoch(running, logbook)
            done.epoch, done.batch = done.epoch + 1, 0
            last = done.epoch == running.epochs
            if last or done.epoch % stage.validate_every == 0:
                self._validate_and_keep(running, logbook)
            if stage.patience and done.epochs_without_gain >= stage.patience:
                done.epoch = running.epochs
            if done.epoch < running.epochs:
                self._save(running)
        running.average.take_over()
        done.next_stage(running.epochs)
        done.finished = done.stage == len(self._config.stages)
        # The next stage has its own objective, optimiser and mean.
        following = None if done.finished else self._begin()
        self._save(following or running)
        return following

    def _begin(self) -> StageRun:
        """Set up the stage that the run has reached, in the state it was left in, if any."""
        before, self._resumed = self._resumed, None
        number = self._progress.stage
        data = self._data[number]
        if self._progress.learn_from(data.train):
            self._say_again("with other sequences than before")
        return begin_stage(self._config, number, data, self._network, self._fabric, before)

    def _say_again(self, why: str) -> None:
        if self._chief:
            print(f"resumed {why}: the epoch begins again", file=sys.stderr)

    def _run_epoch(self, running: StageRun, logbook: Logbook) -> None:
        from tqdm import tqdm

        fabric, done = self._fabric, self._progress
        stage, module, optimizer = running.stage, running.module, running.optimizer
        batches = epoch_batches(
            running.data.train,
            seed=self._config.seed,
            epoch=done.epochs_before + done.epoch,
            batch_size=stage.batch_size,
            static_share=stage.static_share,
            balance=stage.balance,
            rank=fabric.global_rank,
            world=fabric.world_size,
        )
        if not batches:
            raise ConfigError(
                f"stage '{stage.name}': {len(running.data.train)} sequences for "
                f"{fabric.world_size} processes; expected at least one each"
            )
        accumulate = min(stage.accumulate, len(batches))
        steps = len(batches) // accumulate
        loader = sample_loader(
            running.samples(self._config, train=True),
            batches[done.batch : steps * accumulate],
            workers=self._config.data.workers,
            pin_memory=fabric.device.type == "cuda",
        )
        bar = tqdm(
            loaded(fabric.setup_dataloaders(loader, use_distributed_sampler=False)),
            total=steps * accumulate,
            initial=done.batch,
            unit="batch",
            desc=f"{stage.name} {done.epoch + 1}/{running.epochs}",
            disable=not self._show,
        )
        module.train()
        began = time.monotonic()
        for batch in bar:
            step = done.epoch * steps + done.batch // accumulate
            rate = learning_rate(
                step,
                running.epochs * steps,
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
                # A scaler, if present, handles gradients that are not finite; without one, they
                # end the run before the next state is saved.
                fabric.clip_gradients(
                    module, optimizer, max_norm=stage.gradient_norm, error_if_nonfinite=False
                )
            optimizer.step()
            optimizer.zero_grad()
            running.average.update()
            done.global_step += 1
            logbook.step(done.global_step, losses, rate)
            if done.global_step % self._config.checkpoint_steps == 0:
                done.seconds += time.monotonic() - began
                began = time.monotonic()
                self._save(running)
        done.seconds += time.monotonic() - began

    def _keep_inputs(self, stage: StageConfig, data: StageData) -> None:
        """Compute flow and pictures that do not exist yet."""
        wanted: list[KeptRecords] = [*flow_caches(self._config, stage)]
        pictures = stage_pictures(self._config, stage, data.labels)
        if pictures.keep:
            wanted.append(pictures)
        # Each machine keeps its own, as disks may not be shared; its processes share the work.
        keep_all(
            share((*data.train, *data.validation), self._fabric.local_rank, local_processes()),
            wanted,
            workers=self._config.data.workers,
            progress=self._show,
        )
        self._fabric.barrier()

    def _validate_and_keep(self, running: StageRun, logbook: Logbook) -> None:
        """Validate, and keep the weights, also as the stage's best if they are."""
        done, stage = self._progress, running.stage
        running.check_finite(done.global_step)
        score = 0.0
        if self._chief:
            seen = self._validated(running)
            logbook.validation(done.global_step, stage.name, seen)
            score = seen.score
            metrics = {"validation_at_network_size": seen.document()}
            self._keep(running, metrics, LAST_WEIGHTS_FILE)
            if done.best_score is None or score > done.best_score:
                self._keep(running, metrics, stage_weights_file(stage.name), WEIGHTS_FILE)
                write_json(self._out / "validation.json", {"stage": stage.name, **metrics})
        score = self._fabric.broadcast(score)
        if done.best_score is None or score > done.best_score:
            done.best_score, done.epochs_without_gain = score, 0
        else:
            done.epochs_without_gain += stage.validate_every

    def _validated(self, running: StageRun) -> Validation:
        fabric, workers = self._fabric, self._config.data.workers
        samples, labels = running.samples(self._config, train=False), running.data.labels
        shown = ValidationSet(samples, labels, fabric.device, fabric.autocast, workers)
        objective = running.average.objective
        if isinstance(objective, ActionObjective):
            return validate_actions(objective, shown)
        return validate(objective.network, shown)

    def _keep(self, running: StageRun, metrics: dict[str, Any], *names: str) -> None:
        for name in names:
            save_weights(
                self._out / name,
                running.average.objective.network,
                self._config,
                metrics,
                running.stage,
                self._progress,
                self._starts_from,
            )

    def _save(self, running: StageRun) -> None:
        running.check_finite(self._progress.global_step)
        if self._chief:
            state = TrainingState(
                run_yaml=self._config.to_yaml(),
                starts_from=self._starts_from,
                progress=self._progress,
                objective=running.objective.state_dict(),
                average=running.average.state_dict(),
                optimizer=running.optimizer.state_dict(),
                scaler=self._fabric.strategy.precision.state_dict(),
                random=torch.get_rng_state(),
            )
            save_state(self._out, state)
        self._fabric.barrier()
