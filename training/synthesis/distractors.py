# SPDX-License-Identifier: Apache-2.0
"""Other objects on the table, now and then of the same kind as the one that is used."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from affordance_seg_ros.training.synthesis.catalogue import catalogue
from affordance_seg_ros.training.synthesis.object_shapes import SHAPES
from affordance_seg_ros.training.synthesis.objects import Part
from affordance_seg_ros.training.synthesis.packages import package
from affordance_seg_ros.training.synthesis.rotations import Array, about_z
from affordance_seg_ros.training.synthesis.scene_parts import Piece, Role
from affordance_seg_ros.training.synthesis.variation import Variation

_CLEARANCE_M = 0.13
_GAP_M = 0.02
_SAME_KIND_SHARE = 0.25
_RESTING_HAND_M = (np.array([0.36, 0.06]), np.array([0.37, 0.18]))


class _Taken(NamedTuple):
    """A place on the table, and how far away from it anything else stays."""

    at: Array
    room_m: float


def draw_distractors(vary: Variation, used: str, busy_m: Sequence[Array]) -> list[Piece]:
    """Return up to three objects that nobody touches, clear of where things happen.

    In wide scenes, up to three packages stand among them.

    Args:
        vary: Source of randomness.
        used: Name of the object that is used.
        busy_m: Points on the table to stay away from.
    """
    rng = vary.rng
    taken = [_Taken(np.asarray(p)[:2], _CLEARANCE_M) for p in (*busy_m, *_RESTING_HAND_M)]
    pieces: list[Piece] = []
    for _ in range(int(rng.choice(4, p=(0.4, 0.3, 0.2, 0.1)))):
        name = used if rng.random() < _SAME_KIND_SHARE else str(rng.choice(list(SHAPES)))
        affordances = catalogue()[name].affordances
        pieces += [
            Piece(
                f"other {name} {part.name}",
                part.mesh,
                part.surface,
                Role.DISTRACTOR,
                affordances[part.name],
            )
            for part in _placed(rng, SHAPES[name](vary).parts, taken)
        ]
    if vary.wide:
        for _ in range(int(rng.integers(4))):
            pieces += [Piece(*part) for part in _placed(rng, package(vary), taken)]
    return pieces


def _placed(rng: np.random.Generator, parts: Sequence[Part], taken: list[_Taken]) -> list[Part]:
    """Return a thing's parts at a free place, which is then taken; nothing if none is found.

    The place is that of its middle: a hammer's own frame is at the end of its handle.
    """
    on_table = np.concatenate([part.mesh.vertices for part in parts])[:, :2]
    middle = (on_table.min(0) + on_table.max(0)) / 2
    radius = float(np.linalg.norm(on_table - middle, axis=1).max())
    for _attempt in range(12):
        at = np.array([rng.choice([-1, 1]) * rng.uniform(0.2, 0.5), rng.uniform(-0.22, 0.12)])
        clear = min(float(np.linalg.norm(at - other.at)) - other.room_m for other in taken)
        if clear > radius and not _blocks_arm(at, radius):
            break
    else:
        return []
    taken.append(_Taken(at, max(_CLEARANCE_M, radius + _GAP_M)))
    turn = about_z(float(rng.uniform(-np.pi, np.pi)))
    shift = np.array([*at, 0.0]) - turn @ np.array([*middle, 0.0])
    return [part._replace(mesh=part.mesh.moved(turn, shift)) for part in parts]


def _blocks_arm(at: Array, radius_m: float) -> bool:
    """Tell whether something would stand where the working hand comes from."""
    return bool(at[0] < 0 and at[1] > -0.05 - radius_m)
