# SPDX-License-Identifier: Apache-2.0
"""What a loader's processes prepare, and what they report when they cannot."""

import signal
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from torch.utils.data import DataLoader, Dataset

from affordance_seg_ros.errors import AffordanceError, TrainingError

Item = TypeVar("Item")


def sample_loader(
    samples: Dataset[Item], batches: Sequence[Any], *, workers: int, pin_memory: bool = False
) -> DataLoader[Item]:
    """Return a loader of these batches, whose processes leave Ctrl-C to the calling one."""
    return DataLoader(
        samples,
        batch_sampler=batches,
        num_workers=workers,
        worker_init_fn=_leave_interrupts,
        pin_memory=pin_memory,
    )


def _leave_interrupts(_worker: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def loaded(loader: Iterable[Item]) -> Iterator[Item]:
    """Yield what a PyTorch loader yields; an error keeps its own message.

    A loader raises an error of one of its processes with the whole traceback as its message; what a
    person needs comes last.

    Args:
        loader: The loader.

    Raises:
        AffordanceError: As raised where an item was prepared.
        TrainingError: A process died.
    """
    try:
        yield from loader
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise TrainingError(
            f"a process that prepares samples died ({str(error).splitlines()[0]}), perhaps for "
            "lack of memory; expected fewer data.workers"
        ) from error
    except AffordanceError as error:
        _, process, words = str(error).rpartition(f"{type(error).__name__}: ")
        raise type(error)(words.strip() if process else str(error)) from None
