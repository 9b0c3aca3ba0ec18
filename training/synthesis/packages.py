# SPDX-License-Identifier: Apache-2.0
"""Cartons and tins: a kitchen is full of them, and none of the nine affordances is shown on one."""

import numpy as np

from affordance_seg_ros.training.synthesis.objects import Part
from affordance_seg_ros.training.synthesis.primitives import cylinder, rounded_box
from affordance_seg_ros.training.synthesis.surface import Surface, any_color, metal_color
from affordance_seg_ros.training.synthesis.variation import Variation

_TIN_SHARE = 0.3
_RIM_M = 0.002


def package(vary: Variation) -> tuple[Part, ...]:
    """Return a carton that stands or lies, or a tin, on z = 0."""
    return _tin(vary) if vary.chance(_TIN_SHARE) else _carton(vary)


def _carton(vary: Variation) -> tuple[Part, ...]:
    """Return a box, from a pill box to a cereal box, resting on any of its sides."""
    longest = vary.uniform(0.09, 0.26)
    sides = longest * np.array([1.0, vary.uniform(0.4, 0.8), vary.uniform(0.15, 0.4)])
    size = vary.rng.permutation(sides)
    mesh = rounded_box(size, 0.0015, 2).moved(None, (0, 0, size[2] / 2))
    texture = ("print", "label", "plain")[int(vary.rng.integers(3))]
    look = Surface(any_color(vary.rng), texture, vary.uniform(0.1, 0.5), wear=vary.uniform(0, 0.4))
    return (Part("carton", mesh, look),)


def _tin(vary: Variation) -> tuple[Part, ...]:
    """Return a tin with paper around it; its ends are bare metal."""
    radius, height = vary.uniform(0.03, 0.055), vary.uniform(0.05, 0.18)
    metal = Surface(metal_color(vary.rng), "brushed", 0.7, 1.0)
    can = cylinder(radius, height, 0.002).moved(None, (0, 0, height / 2))
    paper = cylinder(radius + 0.0005, height - 2 * _RIM_M, 0.0005)
    look = Surface(any_color(vary.rng), "label", vary.uniform(0.1, 0.6))
    return (
        Part("tin", can, metal),
        Part("tin", paper.moved(None, (0, 0, height / 2)), look),
    )
