# SPDX-License-Identifier: Apache-2.0
"""Everything that a killed run needs to continue as if it had not been killed."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from affordance_seg_ros.errors import CheckpointError
from affordance_seg_ros.training.datasets.labelled_sequence import LabelledSequence
from affordance_seg_ros.whole_file import whole_file

STATE_FILE = "state.pt"
_VERSION = 3


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        stage: Index of the stage.
        epoch: Epoch of the stage.
        batch: Batches of the epoch that are done.
        epochs_before: Epochs of all earlier stages.
        global_step: Steps of all stages.
        best_score: Best validation score of the stage; None before the first.
        epochs_without_gain: Epochs since that score.
        seconds: Time spent in training.
        processes: Processes that share the batches of an epoch; 0 if not recorded.
        sequences: Digest of the sequences that the stage learns from, in order; empty if
            not recorded.
        finished: Whether all stages are done.
    """

    stage: int = 0
    epoch: int = 0
    batch: int = 0
    epochs_before: int = 0
    global_step: int = 0
    best_score: float | None = None
    epochs_without_gain: int = 0
    seconds: float = 0.0
    processes: int = 1
    sequences: str = ""
    finished: bool = False

    def share_among(self, processes: int) -> bool:
        """Continue with this many processes; return whether the epoch has to begin again.

        Each process has its own batches of an epoch, so other processes have done other batches.
        """
        again = processes != self.processes and self.batch > 0
        self.processes = processes
        self.batch = 0 if again else self.batch
        return again

    def learn_from(self, sequences: Sequence[LabelledSequence]) -> bool:
        """Continue with these sequences; return whether they differ from those before.

        Which of them an epoch shows is drawn by their numbers, so it then has to begin again.
        """
        digest = _digest(sequences)
        others = self.sequences not in ("", digest)
        self.sequences = digest
        self.batch = 0 if others else self.batch
        return others

    def next_stage(self, epochs_done: int) -> None:
        """Begin the next stage."""
        self.stage += 1
        self.epoch = self.batch = self.epochs_without_gain = 0
        self.epochs_before += epochs_done
        self.best_score = None
        self.sequences = ""


@dataclass(frozen=True)
class TrainingState:
    """A snapshot between two steps.

    Attributes:
        run_yaml: The run.
        starts_from: Origin of the weights that it started from.
        progress: How far it has come.
        objective: State of the objective, with the network in it.
        average: State of the mean of the weights; empty where a stage has none.
        optimizer: State of the optimiser.
        scaler: State of the gradient scaler of mixed precision.
        random: PyTorch's random state.
    """

    run_yaml: str
    starts_from: dict[str, Any]
    progress: Progress
    objective: dict[str, Any]
    average: dict[str, Any]
    optimizer: dict[str, Any]
    scaler: dict[str, Any]
    random: torch.Tensor


def save_state(folder: Path, state: TrainingState) -> None:
    """Write the state, whole or not at all.

    Raises:
        CheckpointError: It cannot be written.
    """
    path = folder / STATE_FILE
    content = {"version": _VERSION, **vars(state), "progress": asdict(state.progress)}
    with whole_file(path, CheckpointError) as file:
        torch.save(content, file)


def load_state(folder: Path) -> TrainingState:
    """Read the state of a run; nothing in the file is executed.

    Raises:
        CheckpointError: There is none, or it is damaged or of another version.
    """
    path = folder / STATE_FILE
    if not path.is_file():
        raise CheckpointError(f"{folder} holds no run to resume; expected {STATE_FILE}")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch has no common base for errors of damaged files
        raise CheckpointError(f"{path}: damaged: {error}") from None
    if not isinstance(content, dict) or content.pop("version", None) != _VERSION:
        raise CheckpointError(f"{path}: state of another version; expected version {_VERSION}")
    content["progress"] = Progress(**{"processes": 0, **content["progress"]})
    return TrainingState(**content)


def _digest(sequences: Sequence[LabelledSequence]) -> str:
    """Return a short digest of what determines which sequences an epoch shows."""
    lines = [f"{each.name}\t{each.action}\t{each.object_name}\t{len(each)}" for each in sequences]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
