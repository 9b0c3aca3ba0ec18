# SPDX-License-Identifier: Apache-2.0
"""Whether the clips that are to measure weights had a part in making them."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.training.datasets.data_source import DataSource
from affordance_seg_ros.whole_file import user_path

_PARTS = {"train": "learned from", "validation": "were chosen, as the best of their run, by"}


def warn_of_seen(recipe: Mapping[str, Any], source: DataSource) -> None:
    """Say on stderr if weights have seen what they are measured on, by the paths in their recipe.

    Args:
        recipe: Recipe of the weights; of those that they started from, too.
        source: What they are measured on.
    """
    for part, words in _PARTS.items():
        if any(_meets(each, source) for run in _runs(recipe) for each in run.get(part, ())):
            print(
                f"{source.root}, split '{source.split}': these weights {words} clips of this "
                "folder, by their recipe; expected clips that had no part in them: the figures "
                "flatter",
                file=sys.stderr,
            )


def _runs(recipe: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the data of each run that led to the weights, the last one first."""
    while recipe:
        yield recipe.get("run", {}).get("data", {})
        recipe = recipe.get("starts_from", {}).get("recipe", {})


def _meets(seen: Mapping[str, Any], source: DataSource) -> bool:
    """Whether two sources may share clips: one folder is in the other, and splits are the same."""
    try:
        roots = (user_path(root, SourceError) for root in (seen["root"], source.root))
        one, other = (root.resolve() for root in roots)
    except SourceError:
        return False  # the folder of somebody who is unknown here
    folders = one == other or one in other.parents or other in one.parents
    splits = seen.get("split", "")
    return folders and (splits == source.split or not splits or not source.split)
