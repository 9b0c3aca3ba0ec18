# SPDX-License-Identifier: Apache-2.0
"""The table of objects, their actions, and the parts that each action labels."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import yaml

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.labels import SOR3D_AFF


class Use(NamedTuple):
    """One action on one object: how it is gripped, and the parts labelled with the action."""

    grip: str
    parts: tuple[str, ...]


class Entry(NamedTuple):
    """One object: the affordance of each part, and its actions."""

    affordances: Mapping[str, str]
    actions: Mapping[str, Use]


class Demonstration(NamedTuple):
    """An object and what is done with it."""

    object_name: str
    action: str


@cache
def catalogue() -> Mapping[str, Entry]:
    """Return every object by name, as written in objects.yaml."""
    table = yaml.safe_load(Path(__file__).with_name("objects.yaml").read_text())
    return MappingProxyType({name: _entry(name, row) for name, row in table.items()})


def demonstrations(
    objects: Sequence[str] = (), actions: Sequence[str] = ()
) -> tuple[Demonstration, ...]:
    """Return all pairs of the chosen objects and actions that go together; empty means all.

    Raises:
        ConfigError: A name is unknown, or goes with none of the other names and would not be shown.
    """
    table = catalogue()
    for kind, chosen, known in (("object", objects, tuple(table)), ("action", actions, SOR3D_AFF)):
        for name in chosen:
            if name not in known:
                raise ConfigError(f"{kind} '{name}'; expected one of {', '.join(known)}")
    found = tuple(
        Demonstration(name, action)
        for name, entry in table.items()
        for action in entry.actions
        if (not objects or name in objects) and (not actions or action in actions)
    )
    partners = {
        f"object {name}": tuple(table[name].actions)
        for name in objects
        if name not in {pair.object_name for pair in found}
    } | {
        f"action {action}": tuple(name for name in table if action in table[name].actions)
        for action in actions
        if action not in {pair.action for pair in found}
    }
    if partners:
        raise ConfigError(
            f"{', '.join(partners)}: cannot be combined with the other names; expected "
            + "; ".join(f"with {what}: {', '.join(names)}" for what, names in partners.items())
        )
    return found


def _entry(name: str, row: Mapping[str, Mapping[str, object]]) -> Entry:
    affordances = {part: str(label) for part, label in row["affordances"].items()}
    actions = {}
    for action, use in row["actions"].items():
        assert isinstance(use, Mapping)
        parts = tuple(use["parts"])
        assert action in SOR3D_AFF, (name, action)
        assert set(parts) <= set(affordances), (name, action)
        actions[action] = Use(str(use["grip"]), parts)
    assert set(affordances.values()) <= set(SOR3D_AFF), name
    return Entry(MappingProxyType(affordances), MappingProxyType(actions))
