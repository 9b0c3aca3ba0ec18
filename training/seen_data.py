# SPDX-License-Identifier: Apache-2.0
"""Whether the clips that weights are measured on had a part in making them."""

import sys
from collections.abc import Iterator, Mapping
from os.path import normpath
from pathlib import Path
from types import MappingProxyType
from typing import Any

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.training.datasets.data_source import DataSource
from affordance_seg_ros.training.datasets.umd import ALL as UMD_ALL
from affordance_seg_ros.whole_file import user_path

_PARTS = {
    "train": "learned from",
    "validation": "were chosen as the best of their run on",
    "balanced_on": "were balanced on",
}

_SHARING_NOTHING: Mapping[str, tuple[frozenset[str], ...]] = MappingProxyType(
    {
        "umd": (frozenset({"train", "test"}), frozenset({"novel_train", "novel_test"})),
        "iit_aff": (frozenset({"train", "val", "test"}), frozenset({"train_and_val", "test"})),
    }
)
"""Splits that share no picture, by kind; in other kinds no two splits share one."""


def warn_of_seen(recipe: Mapping[str, Any], source: DataSource) -> None:
    """Warn on stderr if weights have seen what they are measured on, by the paths in their recipe.

    Args:
        recipe: Recipe of the weights, and of those that they started from or are a mean of.
        source: What they are measured on.
    """
    for part, words in _PARTS.items():
        if any(_meets(each, source) for data in _data(recipe) for each in data.get(part, ())):
            print(
                f"{source.root}, split '{source.split}': these weights {words} clips of this "
                "folder, according to the paths in their recipe, so the scores look better than "
                "they are; expected clips that had no part in the weights",
                file=sys.stderr,
            )


def _data(recipe: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the data of everything that led to the weights, latest first."""
    yield recipe.get("run", {}).get("data", {})
    yield {"balanced_on": recipe.get("balanced_on", ())}
    for origin in (recipe.get("starts_from", {}), *recipe.get("mean", {}).get("of", ())):
        if origin and isinstance(origin, Mapping):  # early means have names alone
            yield from _data({"mean": origin.get("mean", {}), **origin.get("recipe", {})})


def _meets(seen: Mapping[str, Any], source: DataSource) -> bool:
    """Return whether sources may share clips: one folder is in the other, splits may overlap."""
    return not _are_disjoint(seen, source) and _overlap(seen["root"], source.root)


def _are_disjoint(seen: Mapping[str, Any], source: DataSource) -> bool:
    """Return whether the layout of the data says that two splits hold different clips."""
    splits = frozenset({seen.get("split", ""), source.split})
    if source.kind == "umd":
        splits = frozenset(each.removesuffix(UMD_ALL) for each in splits)
    if "" in splits or len(splits) < 2 or seen.get("kind", source.kind) != source.kind:
        return False
    apart = _SHARING_NOTHING.get(source.kind)
    return apart is None or any(splits <= each for each in apart)


def _overlap(seen: str, asked: str) -> bool:
    """Return whether one folder may be in the other.

    A recipe does not say in which folder its run was started: a relative path may begin in any
    folder above the data.
    """
    try:
        one, other = (user_path(root, SourceError) for root in (seen, asked))
    except SourceError:
        return False  # the home folder of a user who is unknown here
    # The recipe may know the data by the name of a link.
    places = {Path(normpath(other.absolute())), other.resolve()}
    folders = {one.resolve()}
    if not one.is_absolute():
        named = Path(*(each for each in Path(normpath(one)).parts if each != ".."))
        folders.update(base / named for place in places for base in place.parents)
        folders.update(place / named for place in places if (place / named).exists())
    return any(
        folder == place or folder in place.parents or place in folder.parents
        for folder in folders
        for place in places
    )
