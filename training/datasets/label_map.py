# SPDX-License-Identifier: Apache-2.0
"""How the label ids of one data set become those of a run; the maps are YAML files."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.labels import BACKGROUND, IGNORE, LabelSet

LABEL_MAPS = Path(__file__).parent / "label_maps"

_SPECIAL = {"background": BACKGROUND, "ignore": IGNORE}


@dataclass(frozen=True)
class LabelMap:
    """Names of a data set's labels and what each becomes; a map read from a file needs `of`.

    Attributes:
        affordances: Names of the data set's ids 1..N, in order.
        affordance_to: New name by old name: an affordance of the run, ``background`` or ``ignore``.
        action_to: New action name by old name; actions that it does not name become unknown.
    """

    affordances: tuple[str, ...]
    affordance_to: Mapping[str, str]
    action_to: Mapping[str, str]

    @classmethod
    def same_names(cls, labels: LabelSet) -> "LabelMap":
        """Return the map of a data set whose names are those of the run."""
        return cls(
            labels.affordances,
            {name: name for name in labels.affordances},
            {name: name for name in labels.actions},
        )

    def of(self, affordances: tuple[str, ...], actions: Sequence[str], run: LabelSet) -> "LabelMap":
        """Return the map for a data set that names its own ids.

        Args:
            affordances: Names of its ids 1..N, in order; the order in a file means nothing.
            actions: Its actions. If the map names none, those that the run knows keep their names.
            run: Labels of the run.
        """
        same = {name: name for name in actions if name in run.actions}
        return replace(self, affordances=affordances, action_to=self.action_to or same)

    def table(self, labels: LabelSet) -> npt.NDArray[np.uint8]:
        """Return the (256,) lookup table from the data set's ids to those of a run.

        Ids that the data set does not name become ignore.

        Raises:
            ConfigError: A label is not mapped, or mapped to a name that the run does not know.
        """
        table = np.full(256, IGNORE, np.uint8)
        table[BACKGROUND] = BACKGROUND
        for index, name in enumerate(self.affordances):
            if name not in self.affordance_to:
                raise ConfigError(f"label map has no entry for '{name}'; expected all labels")
            target = self.affordance_to[name]
            table[index + 1] = _SPECIAL[target] if target in _SPECIAL else labels.label_id(target)
        return table

    def action(self, name: str, labels: LabelSet) -> str:
        """Return the run's name of an action; empty if the map does not name it.

        Raises:
            ConfigError: It is mapped to a name that the run does not know.
        """
        target = self.action_to.get(name, "")
        if target:
            labels.action_id(target)
        return target


def table_key(table: npt.NDArray[np.uint8], labels: LabelSet) -> str:
    """Return a short digest of a table, empty for one that changes no id of the run.

    Args:
        table: (256,) as from `LabelMap.table`.
        labels: Labels of the run.
    """
    same = np.full(256, IGNORE, np.uint8)
    same[: labels.class_count] = np.arange(labels.class_count)
    return "" if np.array_equal(table, same) else hashlib.sha256(table.tobytes()).hexdigest()[:8]


def read_label_map(path: Path | str) -> LabelMap:
    """Read a label map.

    Args:
        path: YAML file, or the name of one that comes with the package, such as ``umd_to_sor3d``.
            Its labels may be in any order: data sets state their own ids with `LabelMap.of`.

    Raises:
        ConfigError: The file is missing or is not a label map.
    """
    file = Path(path)
    if not file.suffix:
        file = LABEL_MAPS / f"{path}.yaml"
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        names = ", ".join(sorted(each.stem for each in LABEL_MAPS.glob("*.yaml")))
        raise ConfigError(f"label map {path}; expected a YAML file or one of {names}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"label map {file} cannot be read: {error}") from None
    maps = content if isinstance(content, dict) else {}
    affordances, actions = maps.get("affordances"), maps.get("actions") or {}
    if not isinstance(affordances, dict) or not isinstance(actions, dict):
        raise ConfigError(
            f"label map {file}; expected a mapping 'affordances' from old to new names, and one "
            "'actions' if it maps these too"
        )
    return LabelMap(
        tuple(map(str, affordances)),
        {str(old): str(new) for old, new in affordances.items()},
        {str(old): str(new) for old, new in actions.items()},
    )
