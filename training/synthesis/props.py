# SPDX-License-Identifier: Apache-2.0
"""Things that tools are used on: a nail in a block, food on a board, a sheet to paint."""

from typing import NamedTuple

import numpy as np

from affordance_seg_ros.training.synthesis.mesh import merge
from affordance_seg_ros.training.synthesis.primitives import cylinder, rounded_box, sphere, tube
from affordance_seg_ros.training.synthesis.rotations import Array, about_z
from affordance_seg_ros.training.synthesis.scene_parts import Piece
from affordance_seg_ros.training.synthesis.surface import Surface, any_color, rgb, wood_color


class Prop(NamedTuple):
    """What a tool works on: its pieces around the origin, and the height that the tool meets."""

    pieces: tuple[Piece, ...]
    height_m: float


def draw_prop(rng: np.random.Generator, action: str) -> Prop:
    """Return what goes with a tool's action."""
    return {"hammer": _nail, "cut": _food, "paint": _sheet}[action](rng)


def placed(prop: Prop, at_m: Array, heading_rad: float) -> list[Piece]:
    """Return a prop's pieces where they belong."""
    turn = about_z(heading_rad)
    foot = (at_m[0], at_m[1], 0.0)
    return [piece._replace(mesh=piece.mesh.moved(turn, foot)) for piece in prop.pieces]


def _nail(rng: np.random.Generator) -> Prop:
    height = float(rng.uniform(0.02, 0.045))
    size = (float(rng.uniform(0.06, 0.09)), float(rng.uniform(0.06, 0.09)), height)
    block = rounded_box(size, 0.002).moved(None, (0, 0, height / 2))
    out = float(rng.uniform(0.006, 0.02))
    nail = merge([
        cylinder(0.0018, out, 0.0003, 10).moved(None, (0, 0, height + out / 2)),
        cylinder(0.0045, 0.0015, 0.0003, 14).moved(None, (0, 0, height + out - 0.0008)),
    ])  # fmt: skip
    return Prop(
        (
            Piece("block", block, Surface(wood_color(rng), "wood", 0.1)),
            Piece("nail", nail, Surface(rgb(0.6, 0.03, 0.7), "brushed", 0.7, 1.0)),
        ),
        height + out,
    )


def _food(rng: np.random.Generator) -> Prop:
    thick = float(rng.uniform(0.008, 0.016))
    size = (float(rng.uniform(0.12, 0.16)), float(rng.uniform(0.13, 0.17)), thick)
    board = rounded_box(size, 0.004).moved(None, (0, 0, thick / 2))
    radius = float(rng.uniform(0.014, 0.026))
    length = float(rng.uniform(0.10, 0.16))
    x = np.linspace(-length / 2, length / 2, 14)
    round_end = radius * np.sqrt(np.clip(1 - (2 * x / length) ** 6, 0.03, 1))
    # It lies across the blade.
    path = np.stack([x, 0 * x, 0 * x + thick + radius * 0.92], 1)
    color = rgb(*[(0.08, 0.55, 0.75), (0.3, 0.6, 0.5), (0.06, 0.75, 0.85), (0.12, 0.6, 0.9)][
        int(rng.integers(4))])  # fmt: skip
    food = tube(path, round_end, segments=18)
    look = Surface(wood_color(rng) if rng.random() < 0.7 else any_color(rng), "wood", 0.15)
    return Prop(
        (Piece("board", board, look), Piece("food", food, Surface(color, "plain", 0.3))),
        thick + radius * float(rng.uniform(0.5, 1.3)),
    )


def _sheet(rng: np.random.Generator) -> Prop:
    size = (float(rng.uniform(0.14, 0.2)), float(rng.uniform(0.18, 0.28)), 0.0008)
    sheet = rounded_box(size, 0.0003, 1).moved(None, (0, 0, 0.0006))
    look = Surface(rgb(0.13, rng.uniform(0, 0.15), rng.uniform(0.7, 0.9)), "plain", 0.05)
    pieces = [Piece("sheet", sheet, look)]
    color = any_color(rng)
    for _ in range(int(rng.integers(0, 5))):  # paint that is there already
        blob = sphere(1.0, 16).moved(
            None,
            (float(rng.uniform(-0.05, 0.05)), float(rng.uniform(-0.08, 0.08)), 0.0008),
            (float(rng.uniform(0.008, 0.02)), float(rng.uniform(0.02, 0.04)), 0.0006),
        )
        pieces.append(Piece("paint", blob, Surface(color, "plain", 0.5)))
    return Prop(tuple(pieces), 0.002)
