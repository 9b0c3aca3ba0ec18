# SPDX-License-Identifier: Apache-2.0
"""A household object: labelled parts, places to hold it, and how it moves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from affordance_seg_ros.training.synthesis.mesh import Mesh, merge
from affordance_seg_ros.training.synthesis.rotations import Array
from affordance_seg_ros.training.synthesis.surface import Surface


class Part(NamedTuple):
    """A part with its own label and look; its mesh in the object's frame."""

    name: str
    mesh: Mesh
    surface: Surface


class Grip(NamedTuple):
    """How a right hand takes hold, in the object's frame.

    Attributes:
        point_m: (3,) what the hand is centred on.
        thumb: (3,) direction that the thumb's side of the hand faces.
        palm: (3,) direction that the palm faces.
        style: Style of grip: wrap, pinch, point, palm (one
            flat hand) or palms (between two flat hands).
    """

    point_m: Array
    thumb: Array
    palm: Array
    style: str


@dataclass(frozen=True)
class HandledObject:
    """An object that stands or lies on z = 0.

    Attributes:
        name: Its name in the catalogue.
        kind: Which variant of the shape.
        parts: Its parts.
        grips: Places to hold it, by the names that the catalogue uses.
        heading_rad: Range of turns about z that let a seated right-hander reach the grips.
        tool_m: (3,) where a tool acts: face of a hammer, edge of a blade, tip of a brush.
        turning: Parts that turn about z when the object is rotated, while the rest stays; empty
            if all turn.
        roll_radius_m: Radius of something that rolls when pushed; 0 if it slides.
        soft_height_m: Height of something that gives way when squeezed; 0 if it is hard.
        screen_m: (3,) width, length and height of what is typed on; zeros if there is none.
    """

    name: str
    kind: str
    parts: tuple[Part, ...]
    grips: Mapping[str, Grip]
    heading_rad: tuple[float, float]
    tool_m: Array = field(default_factory=lambda: np.zeros(3))
    turning: tuple[str, ...] = ()
    roll_radius_m: float = 0.0
    soft_height_m: float = 0.0
    screen_m: Array = field(default_factory=lambda: np.zeros(3))

    def solid(self, without: tuple[str, ...] = ()) -> Mesh:
        """Return all parts as one mesh, without the named ones."""
        return merge([part.mesh for part in self.parts if part.name not in without])


def grip(
    point_m: tuple[float, float, float],
    thumb: tuple[float, float, float],
    palm: tuple[float, float, float],
    style: str,
) -> Grip:
    """Return a grip made from plain numbers."""
    return Grip(np.array(point_m), np.array(thumb, float), np.array(palm, float), style)
