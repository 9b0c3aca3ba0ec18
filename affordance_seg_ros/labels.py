# SPDX-License-Identifier: Apache-2.0
"""Affordance labels and actions: ids, names and colours."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import ConfigError

BACKGROUND = 0
IGNORE = 255
"""Label id of pixels that neither loss nor metrics look at."""

SOR3D_AFF = ("cut", "grasp", "hammer", "lift", "paint", "push", "rotate", "squeeze", "type")
"""The nine affordances of SOR3D-AFF in id order; the first has id 1. Its actions are the same."""

# Any two are at least 19 apart in CIEDE2000, in full colour vision and in each kind of dichromacy.
# Okabe and Ito's palette with two more colours reached 11, and was moved until nothing improved.
_COLORS_RGB = {
    "cut": (199, 0, 1),
    "grasp": (101, 232, 176),
    "hammer": (179, 170, 43),
    "lift": (5, 67, 196),
    "paint": (139, 46, 83),
    "push": (255, 255, 0),
    "rotate": (200, 103, 141),
    "squeeze": (83, 134, 253),
    "type": (199, 203, 253),
}
_PALETTE_RGB = tuple(_COLORS_RGB.values())


@dataclass(frozen=True)
class LabelSet:
    """The affordances and actions that one set of weights knows.

    Label ids are 1..N in the order of ``affordances`` (0 is background, 255 is ignore); action ids
    are 0..M-1 in the order of ``actions``.
    """

    affordances: tuple[str, ...] = SOR3D_AFF
    actions: tuple[str, ...] = SOR3D_AFF
    colors_rgb: npt.NDArray[np.uint8] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for kind, names in (("affordances", self.affordances), ("actions", self.actions)):
            if not names or len(set(names)) != len(names) or not all(names):
                raise ConfigError(f"{kind} {list(names)}; expected unique, non-empty names")
        if len(self.affordances) >= IGNORE:
            raise ConfigError(f"{len(self.affordances)} affordances; expected at most 254")
        table = np.zeros((256, 3), np.uint8)
        for index, name in enumerate(self.affordances):
            fallback = _PALETTE_RGB[index % len(_PALETTE_RGB)]
            table[index + 1] = _COLORS_RGB.get(name, fallback)
        table.setflags(write=False)
        object.__setattr__(self, "colors_rgb", table)

    @property
    def class_count(self) -> int:
        """Number of mask classes, background included."""
        return len(self.affordances) + 1

    def name(self, label_id: int) -> str:
        """Return the name of a label id; ``background`` for 0.

        Raises:
            ConfigError: The id is not in 0..N.
        """
        if not 0 <= label_id <= len(self.affordances):
            raise ConfigError(f"label id {label_id}; expected 0 to {len(self.affordances)}")
        return "background" if label_id == BACKGROUND else self.affordances[label_id - 1]

    def label_id(self, name: str) -> int:
        """Return the label id (1..N) of an affordance name."""
        return 1 + _index(self.affordances, name, "affordance")

    def ids_from(self, other: "LabelSet") -> npt.NDArray[np.uint8]:
        """Return the table (256,) that maps another set's label ids to this set's, by name.

        Affordances that this set does not know become background, as nothing else can be said of
        them: for these weights they do not exist. Other ids become `IGNORE`.
        """
        table = np.full(256, IGNORE, np.uint8)
        table[BACKGROUND] = BACKGROUND
        for index, name in enumerate(other.affordances, start=1):
            table[index] = self.label_id(name) if name in self.affordances else BACKGROUND
        return table

    def action_id(self, name: str) -> int:
        """Return the action id (0..M-1) of an action name."""
        return _index(self.actions, name, "action")


def _index(names: Sequence[str], name: str, kind: str) -> int:
    try:
        return names.index(name)
    except ValueError:
        raise ConfigError(f"{kind} '{name}'; expected one of {', '.join(names)}") from None
