# SPDX-License-Identifier: Apache-2.0
"""Data computed once from the frames of a sequence, and kept in a file next to them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from affordance_seg_ros.errors import SourceError, TrainingError
from affordance_seg_ros.training.datasets.labelled_sequence import LabelledSequence
from affordance_seg_ros.whole_file import whole_file

Records = npt.NDArray[np.void]
"""(T,) records of a structured type, one per frame."""


class KeptRecords(ABC):
    """A kind of records; its files are not compressed, so that a sample reads only its own frames.

    Attributes:
        kind: What the records are, for people.
        key: Name of the files; it differs for other settings.
    """

    kind: str
    key: str

    @property
    def wants_gpu(self) -> bool:
        """Whether the records are computed on a GPU, where there is one."""
        return False

    @abstractmethod
    def compute_records(self, sequence: LabelledSequence) -> Records:
        """Compute the records of all frames.

        Raises:
            SourceError: Frames cannot be read.
        """

    def path(self, sequence: LabelledSequence) -> Path | None:
        """Return where a sequence's records are kept; None if it keeps nothing."""
        return sequence.cache_folder and sequence.cache_folder / f"{self.key}.npy"

    def is_kept(self, sequence: LabelledSequence) -> bool:
        """Return whether a sequence's records exist, and none of their sources is newer."""
        path = self.path(sequence)
        if path is None:
            return False
        try:
            kept = path.stat().st_mtime_ns
        except FileNotFoundError:
            return False
        return all(each.stat().st_mtime_ns <= kept for each in sequence.sources() if each.exists())

    def records(self, sequence: LabelledSequence) -> Records:
        """Return the records of a sequence, from its file or, failing that, computed and kept.

        Raises:
            SourceError: Frames cannot be read, or the file cannot be written.
        """
        path = self.path(sequence)
        if path is not None and path.exists():
            try:
                kept: Any = np.load(path, mmap_mode="r")
                return kept
            except (OSError, ValueError, EOFError):
                path.unlink(missing_ok=True)  # truncated: it is only a copy
        records = self.compute_records(sequence)
        if path is not None:
            with whole_file(path, SourceError, make_folder=True) as file:
                np.save(file, records)
        return records


def keep_all(
    sequences: Sequence[LabelledSequence],
    kinds: Sequence[KeptRecords],
    *,
    workers: int,
    progress: bool,
) -> None:
    """Compute all records that do not exist yet, or are older than their sources.

    Args:
        sequences: The sequences.
        kinds: What to keep of each.
        workers: Processes; 0 or 1 computes in this one.
        progress: Whether to show a progress bar.

    Raises:
        SourceError: Frames cannot be read, or a file cannot be written.
        TrainingError: A process died.
    """
    from tqdm import tqdm

    missing = [
        (kind, sequence)
        for sequence in sequences
        for kind in kinds
        if kind.path(sequence) is not None and not kind.is_kept(sequence)
    ]
    for kind, sequence in missing:
        if path := kind.path(sequence):
            path.unlink(missing_ok=True)
    # A GPU serves one process best, and forked processes cannot use it.
    here = [item for item in missing if workers < 2 or item[0].wants_gpu]
    elsewhere = [item for item in missing if workers >= 2 and not item[0].wants_gpu]
    bar = partial(tqdm, unit="clip", desc=_kinds(kinds))
    if elsewhere:
        with ProcessPoolExecutor(workers, initializer=partial(torch.set_num_threads, 1)) as pool:
            done = pool.map(_keep, elsewhere)
            try:
                for _ in bar(done, total=len(elsewhere), disable=not progress):
                    pass
            except BrokenProcessPool as error:
                raise TrainingError(
                    f"a process that computes {_kinds(kinds)} died, perhaps for lack of memory; "
                    "expected fewer data.workers. What was stored so far is kept"
                ) from error
    for kind, sequence in bar(here, disable=not (progress and here)):
        kind.records(sequence)


def _kinds(kinds: Sequence[KeptRecords]) -> str:
    return " and ".join(dict.fromkeys(each.kind for each in kinds))


def _keep(item: tuple[KeptRecords, LabelledSequence]) -> None:
    kind, sequence = item
    kind.records(sequence)
