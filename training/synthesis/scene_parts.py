# SPDX-License-Identifier: Apache-2.0
"""A piece of a scene: its mesh, its look, and what it counts as."""

from enum import Enum
from typing import NamedTuple

from affordance_seg_ros.sources.clip import ROLES
from affordance_seg_ros.training.synthesis.mesh import Mesh
from affordance_seg_ros.training.synthesis.surface import Surface


class Role(Enum):
    """What a part of the scene is to labels and measurements."""

    SURROUNDINGS = "surroundings"
    OBJECT = "object"
    DISTRACTOR = "distractor"
    HAND = "hand"
    PERSON = "person"

    @property
    def role_id(self) -> int:
        """Its id in the role map of a clip."""
        return ROLES.index(self.value)


class Piece(NamedTuple):
    """Something that does not move.

    Attributes:
        name: Its part name.
        mesh: Its mesh, in the world frame.
        surface: Its look.
        role: What it counts as.
        affordance: What it affords; empty for nothing.
    """

    name: str
    mesh: Mesh
    surface: Surface
    role: Role = Role.SURROUNDINGS
    affordance: str = ""
