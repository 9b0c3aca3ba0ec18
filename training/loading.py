# SPDX-License-Identifier: Apache-2.0
"""What a loader's processes prepare, and what they say where they cannot."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from affordance_seg_ros.errors import AffordanceError

Item = TypeVar("Item")


def loaded(loader: Iterable[Item]) -> Iterator[Item]:
    """Yield what a PyTorch loader does; an error keeps its own words.

    A loader raises what happened in one of its processes with the whole traceback as its message;
    what a person needs comes last.

    Args:
        loader: The loader.

    Raises:
        AffordanceError: As raised where an item was prepared.
    """
    try:
        yield from loader
    except AffordanceError as error:
        _, process, words = str(error).rpartition(f"{type(error).__name__}: ")
        raise type(error)(words.strip() if process else str(error)) from None
