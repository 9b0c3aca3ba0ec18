# SPDX-License-Identifier: Apache-2.0
"""The surroundings: table, cloth, walls, floor, chair, and things in the background."""

import numpy as np

from affordance_seg_ros.training.synthesis.mesh import Mesh
from affordance_seg_ros.training.synthesis.primitives import cylinder, grid_faces, rounded_box
from affordance_seg_ros.training.synthesis.rotations import about_z
from affordance_seg_ros.training.synthesis.scene_parts import Piece
from affordance_seg_ros.training.synthesis.surface import (
    Surface,
    any_color,
    cloth_color,
    rgb,
    wood_color,
)
from affordance_seg_ros.training.synthesis.textures import SIZE_PX, cloud
from affordance_seg_ros.training.synthesis.variation import Variation

TABLE_EDGE_Y_M = 0.31
"""Where the table ends towards the person."""

_FLOOR_Z_M = -0.72


def furnish(vary: Variation, seat_x_m: float) -> list[Piece]:
    """Return a room with a table; the table's top, cloth included, is at z = 0 or just below."""
    rng = vary.rng
    width, depth = float(rng.uniform(1.15, 1.8)), float(rng.uniform(0.65, 0.85))
    middle_y = TABLE_EDGE_Y_M - depth / 2
    has_cloth = rng.random() < 0.7
    top_z = -0.0045 if has_cloth else 0.0
    wood = rng.random() < 0.65
    board = Surface(
        wood_color(rng) if wood else cloth_color(rng),
        "wood" if wood else "plain",
        float(rng.uniform(0.15, 0.45)),
        wear=float(rng.uniform(0, 0.5)),
    )
    top = rounded_box((width, depth, 0.028), 0.004).tiled(2.5)
    # The cloth first: what it hides is not shaded.
    pieces = [_cloth(vary, width, depth, middle_y)] if has_cloth else []
    pieces.append(Piece("table", top.moved(None, (0, middle_y, top_z - 0.014)), board))
    for x in (-1, 1):
        for y in (-1, 1):
            leg = rounded_box((0.05, 0.05, 0.68), 0.004)
            at = (x * (width / 2 - 0.06), middle_y + y * (depth / 2 - 0.06), top_z - 0.37)
            pieces.append(Piece("table", leg.moved(None, at), board))
    pieces.append(_chair(rng, seat_x_m))
    pieces += _background(rng)
    return pieces + _walls(vary)


def _cloth(vary: Variation, width: float, depth: float, middle_y: float) -> Piece:
    """Return a cloth that lies on the table with faint wrinkles and hangs over its edges."""
    rng = vary.rng
    pattern = vary.kind(("weave", "plain", "check", "stripes", "weave"), ("dots", "herringbone"))
    count = 90
    over = float(rng.uniform(0.05, 0.12))
    runner = rng.random() < 0.25  # a placemat rather than a cloth
    x_half = width / 2 + over if not runner else float(rng.uniform(0.28, 0.42))
    y_half = depth / 2 + (over if not runner else -0.06)
    x, y = np.linspace(-x_half, x_half, count), np.linspace(-y_half, y_half, count)
    X, Y = np.meshgrid(x, y, indexing="ij")
    wrinkles = cloud(rng, falloff=2.2)[:: SIZE_PX // count, :: SIZE_PX // count][:count, :count]
    height = -0.0035 + 0.003 * (wrinkles - wrinkles.max()) * float(rng.uniform(0.2, 1))
    height = np.maximum(height, -0.0043)
    beyond = np.maximum(np.abs(X) - width / 2, np.abs(Y) - depth / 2)
    # Hanging parts are folded straight down, a little outside the table's edge.
    hang = np.maximum(beyond, 0)
    X = np.clip(X, -width / 2 - 0.006, width / 2 + 0.006)
    Y = np.clip(Y, -depth / 2 - 0.006, depth / 2 + 0.006)
    vertices = np.stack([X, Y + middle_y, height - hang], -1).reshape(-1, 3)
    scale = float(rng.uniform(2.5, 6))
    U, V = np.meshgrid(x * scale, y * scale, indexing="ij")
    mesh = Mesh(vertices, grid_faces(count, count), np.stack([U, V], -1).reshape(-1, 2))
    return Piece("cloth", mesh, Surface(cloth_color(rng), pattern, 0.03))


def _walls(vary: Variation) -> list[Piece]:
    rng = vary.rng
    paint = rgb(rng.random(), rng.uniform(0, 0.3), rng.uniform(0.45, 0.85))
    texture = ("plaster", "plaster", "plain", "stripes", "wood")[int(rng.integers(5))]
    wall = Surface(paint, texture, 0.05)
    floor_wood = rng.random() < 0.5
    floor = Surface(
        wood_color(rng) * 0.8 if floor_wood else cloth_color(rng, brightest=0.6),
        "wood" if floor_wood else "weave",
        0.2,
    )
    back = float(rng.uniform(1.1, 2.2))
    sides = float(rng.uniform(1.6, 2.6))
    height = 2.6
    scale = float(rng.uniform(2, 5))

    def panel(size: tuple[float, float, float], at: tuple[float, float, float]) -> Mesh:
        return rounded_box(size, 0.001, 1).tiled(scale).moved(None, at)

    z = _FLOOR_Z_M + height / 2
    pieces = [
        Piece("floor", panel((8, 8, 0.02), (0, 0, _FLOOR_Z_M - 0.01)), floor),
        Piece("wall", panel((8, 0.05, height), (0, back, z)), wall),
        Piece("wall", panel((0.05, 8, height), (-sides, 0, z)), wall),
        Piece("wall", panel((0.05, 8, height), (sides, 0, z)), wall),
        Piece("wall", panel((8, 0.05, height), (0, -3.0, z)), wall),
    ]
    if rng.random() < 0.5:
        size = (float(rng.uniform(0.3, 0.9)), 0.02, float(rng.uniform(0.3, 0.7)))
        poster = rounded_box(size, 0.002, 1)
        at = (float(rng.uniform(-0.8, 0.8)), back - 0.035, float(rng.uniform(0.2, 0.7)))
        pieces.append(Piece("poster", poster.moved(None, at), Surface(np.full(3, 0.8), "print")))
    if vary.wide:
        pieces += _windows(rng, back, sides)
    return pieces


def _windows(rng: np.random.Generator, back_m: float, sides_m: float) -> list[Piece]:
    """Return up to three windows in daylight: panes that outshine the room, each in a frame."""
    pieces = []
    frame = Surface(rgb(0.1, rng.uniform(0, 0.1), rng.uniform(0.5, 0.9)))
    for turn_rad, away_m in ((0, back_m), (np.pi / 2, sides_m), (-np.pi / 2, sides_m)):
        if rng.random() < 0.5:
            continue
        width, height = float(rng.uniform(0.5, 1.2)), float(rng.uniform(0.6, 1.2))
        middle = (float(rng.uniform(-0.9, 0.9)), away_m - 0.04, float(rng.uniform(0.3, 0.9)))
        daylight = rgb(0.58, rng.uniform(0, 0.12), 1.0) * rng.uniform(1.5, 4.0)
        turn = about_z(turn_rad)
        for name, border_m, depth_m, look in (
            ("window frame", 0.06, 0.02, frame),
            ("window", 0.0, 0.03, Surface(daylight, "plain", 0.6)),
        ):
            panel = rounded_box((width + border_m, depth_m, height + border_m), 0.002, 1)
            pieces.append(Piece(name, panel.moved(None, middle).moved(turn), look))
    return pieces


def _chair(rng: np.random.Generator, x_m: float) -> Piece:
    back = rounded_box((float(rng.uniform(0.36, 0.46)), 0.045, float(rng.uniform(0.5, 0.75))), 0.02)
    at = (x_m, 0.80, 0.0)
    look = Surface(any_color(rng, brightest=0.6), ("weave", "plain", "wood")[int(rng.integers(3))])
    return Piece("chair", back.moved(None, at), look)


def _background(rng: np.random.Generator) -> list[Piece]:
    """Return boxes, shelves and bins behind the person."""
    pieces = []
    for _ in range(int(rng.integers(0, 4))):
        size = rng.uniform(0.12, 0.6, 3)
        at = (
            float(rng.choice([-1, 1]) * rng.uniform(0.45, 1.3)),
            float(rng.uniform(0.85, 1.1)),
            float(_FLOOR_Z_M + size[2] / 2 + rng.choice([0, 0.5])),
        )
        if rng.random() < 0.7:
            mesh = rounded_box(size, 0.01)
        else:
            mesh = cylinder(float(size[0]) / 3, float(size[2]))
        texture = ("print", "plain", "wood", "label")[int(rng.integers(4))]
        look = Surface(any_color(rng, brightest=0.75), texture, 0.2)
        pieces.append(Piece("furniture", mesh.moved(about_z(rng.uniform(0, 3)), at), look))
    return pieces
