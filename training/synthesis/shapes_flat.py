# SPDX-License-Identifier: Apache-2.0
"""Sponges, balls, books and smartphones: pushed, squeezed, opened and typed on."""

import numpy as np

from affordance_seg_ros.training.synthesis.mesh import merge
from affordance_seg_ros.training.synthesis.objects import Grip, HandledObject, Part, grip
from affordance_seg_ros.training.synthesis.primitives import plate, rounded_box, sphere
from affordance_seg_ros.training.synthesis.rotations import about_x, about_z
from affordance_seg_ros.training.synthesis.surface import Surface, any_color, rgb
from affordance_seg_ros.training.synthesis.variation import Variation

_STATIONS = 9
"""Rings of a sponge between its ends: it gives way in its middle."""


def _side() -> Grip:
    return grip((0, 0, 0), (0, 0, 1), (1, 0, 0), "palm")


def sponge(vary: Variation) -> HandledObject:
    """Return a block or one with a scouring pad; unseen: an oval."""
    kind = vary.kind(("block", "scourer"), ("oval",))
    size = np.array(
        [vary.uniform(0.085, 0.115), vary.uniform(0.055, 0.072), vary.uniform(0.03, 0.045)]
    )
    look = Surface(
        rgb(vary.rng.choice([0.13, 0.55, 0.95, 0.3, 0.08]), vary.uniform(0.35, 0.8), 0.85),
        "foam", 0.03, softness=0.4,
    )  # fmt: skip
    if kind == "oval":
        turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        outline = np.stack([np.cos(turn) * size[0] / 2, np.sin(turn) * size[1] / 2], 1)
        foam = plate(outline, size[2])
    else:
        foam = rounded_box(size, 0.007, stations=_STATIONS).moved(None, (0, 0, size[2] / 2))
    parts = [Part("foam", foam.tiled(1.5), look)]
    if kind == "scourer":
        pad = rounded_box((*size[:2], 0.008), 0.003, stations=_STATIONS)
        pad = pad.moved(None, (0, 0, size[2] + 0.003))
        dark = rgb(0.33, 0.6, vary.uniform(0.25, 0.45))
        parts.append(Part("foam", pad.tiled(2), Surface(dark, "foam", 0.02)))
    return HandledObject(
        "sponge",
        kind,
        tuple(parts),
        {
            "body": grip((0, 0, size[2] * 0.55), (1, 0, 0), (0, 0, -1), "pinch"),
            "side": _side(),
        },
        (-0.7, 0.5),
        soft_height_m=float(size[2]),
    )


def ball(vary: Variation) -> HandledObject:
    """Return a plain, checked or striped ball; unseen: a dotted one."""
    kind = vary.kind(("plain", "check", "stripes", "print"), ("dots",))
    radius = vary.uniform(0.031, 0.048)
    look = Surface(any_color(vary.rng), kind, vary.uniform(0.15, 0.6), wear=vary.uniform(0, 0.6))
    # Its pattern is turned at random: a pole on top would reveal that it was never rolled.
    turn, spin = (about_z(float(vary.rng.uniform(-np.pi, np.pi))) for _ in range(2))
    tilt = about_x(float(np.arccos(vary.rng.uniform(-1, 1))))
    skin = sphere(radius, 40).tiled(2).moved(turn @ tilt @ spin, (0, 0, radius))
    return HandledObject(
        "ball",
        kind,
        (Part("ball", skin, look),),
        {
            "side": _side(),
            "top": grip((0, 0, radius * 1.15), (-1, 0, 0), (0, 0, -1), "pinch"),
        },
        (np.pi - 0.75, np.pi + 0.35),  # the hand comes from its own side, not from anywhere
        roll_radius_m=radius,
    )


def book(vary: Variation) -> HandledObject:
    """Return a hardcover or a paperback; unseen: a square one."""
    kind = vary.kind(("hardcover", "paperback"), ("square",))
    width, length = vary.uniform(0.125, 0.165), vary.uniform(0.185, 0.235)
    if kind == "square":
        width = length = vary.uniform(0.16, 0.19)
    thick, board = vary.uniform(0.016, 0.034), 0.0028 if kind == "hardcover" else 0.0012
    covers = [
        rounded_box((width, length, board), board * 0.4, 2).moved(None, (0, 0, z))
        for z in (board / 2, thick - board / 2)
    ]
    spine = rounded_box((board, length, thick), board * 0.4, 2).moved(
        None, (-width / 2, 0, thick / 2)
    )
    lip = 0.005 if kind == "hardcover" else 0.001
    pages = rounded_box((width - lip, length - 2 * lip, thick - 2 * board), 0.0005, 1)
    pages = pages.moved(None, (-lip / 2 + board / 2, 0, thick / 2))
    look = Surface(any_color(vary.rng), "print", vary.uniform(0.15, 0.5), wear=vary.uniform(0, 0.6))
    return HandledObject(
        "book",
        kind,
        (
            Part("cover", merge([*covers, spine]), look),
            Part("pages", pages, Surface(rgb(0.13, 0.14, 0.9), "paper", 0.05)),
        ),
        {
            "both": grip((0, 0, thick / 2), (0, 0, 1), (1, 0, 0), "palms"),
            "side": _side(),
        },
        (-0.3, 0.35),
    )


def smartphone(vary: Variation) -> HandledObject:
    """Return a phone with round or square corners; unseen: a small tablet."""
    kind = vary.kind(("phone", "slab"), ("tablet",))
    size = np.array(
        [vary.uniform(0.068, 0.078), vary.uniform(0.14, 0.165), vary.uniform(0.0085, 0.011)]
    )
    if kind == "tablet":
        size[:2] *= 1.45
    corner = 0.012 if kind == "phone" else 0.004
    turn = np.linspace(0, np.pi / 2, 6)
    arcs = [
        np.stack([np.cos(turn + q), np.sin(turn + q)], 1) * corner
        + np.array([sx * (size[0] / 2 - corner), sy * (size[1] / 2 - corner)])
        for q, sx, sy in ((0, 1, 1), (np.pi / 2, -1, 1), (np.pi, -1, -1), (1.5 * np.pi, 1, -1))
    ]
    outline = np.concatenate(arcs)
    body = plate(outline, size[2])
    inset = 1 - 0.0025 * 2 / size[:2]
    screen = plate(outline * inset, 0.0004, size[2])
    shade = rgb(vary.rng.random(), vary.uniform(0, 0.5), vary.uniform(0.08, 0.75))
    texture = "screen" if vary.chance(0.7) else "keys"
    return HandledObject(
        "smartphone",
        kind,
        (
            Part("body", body, Surface(shade, "plain", 0.6, 0.3)),
            Part("screen", screen, Surface(np.ones(3) * vary.uniform(0.6, 0.95), texture, 0.85)),
        ),
        {
            "screen": grip((0, 0, float(size[2])), (1, 0, 0), (0, 0, -1), "point"),
            "body": grip((0, 0, float(size[2] * 0.55)), (0.3, 1, 0), (0, 0, -1), "pinch"),
            "side": _side(),
        },
        (-0.5, 0.5),
        screen_m=np.array([*(size[:2] * 0.9), size[2]]),
    )
