# SPDX-License-Identifier: Apache-2.0
"""Hammers, knives and brushes: a handle along x with a working end."""

import numpy as np

from affordance_seg_ros.training.synthesis.mesh import Mesh, merge
from affordance_seg_ros.training.synthesis.objects import HandledObject, Part, grip
from affordance_seg_ros.training.synthesis.primitives import (
    cylinder,
    lathe,
    plate,
    rounded_box,
    tube,
)
from affordance_seg_ros.training.synthesis.rotations import Array, about_x, about_y, about_z
from affordance_seg_ros.training.synthesis.surface import (
    Surface,
    any_color,
    metal_color,
    rgb,
    wood_color,
)
from affordance_seg_ros.training.synthesis.variation import Variation

_HEADING_RAD = (-0.45, 0.6)


def handle_surface(vary: Variation) -> Surface:
    """Return wood, lacquer or rubber."""
    wear = vary.uniform(0, 0.8)
    if vary.chance(0.5):
        return Surface(wood_color(vary.rng), "wood", vary.uniform(0.15, 0.45), wear=wear)
    return Surface(any_color(vary.rng, brightest=0.8), "plain", vary.uniform(0.2, 0.6), wear=wear)


def steel_surface(vary: Variation) -> Surface:
    """Return bare metal."""
    return Surface(metal_color(vary.rng), "brushed", vary.uniform(0.55, 0.8), 1.0, 0.0,
                   vary.uniform(0, 0.6))  # fmt: skip


def hammer(vary: Variation) -> HandledObject:
    """Return a claw hammer, a sledge or a ball-peen; unseen: a mallet."""
    kind = vary.kind(("claw", "sledge", "ball_peen"), ("mallet",))
    length, grip_radius = vary.uniform(0.23, 0.30), vary.uniform(0.0125, 0.0165)
    head_radius = vary.uniform(0.0155, 0.020) * (1.7 if kind == "mallet" else 1.0)
    head_half = vary.uniform(0.048, 0.062)
    z = head_radius if kind == "mallet" else head_radius + 0.001
    x = np.linspace(0, length, 16)
    swell = 1 + 0.12 * np.sin(np.linspace(0.4, vary.uniform(4, 7), 16))
    neck = np.interp(x / length, [0, 0.55, 0.8, 1], [1.05, 1.0, 0.8, 0.75])
    path = np.stack([x, 0 * x, 0 * x + z], 1)
    handle = tube(path, grip_radius * swell * neck, flatten=(1, 0.78), segments=18)
    head = _hammer_head(kind, head_radius, head_half).moved(None, (length, 0, z))
    surface = handle_surface(vary) if kind == "mallet" else steel_surface(vary)
    hold = (length * vary.uniform(0.24, 0.36), 0, z)
    return HandledObject(
        "hammer",
        kind,
        (Part("handle", handle.tiled(1.5), handle_surface(vary)), Part("head", head, surface)),
        {"handle": grip(hold, (1, 0.35, 0), (0, 0, -1), "wrap")},
        _HEADING_RAD,
        tool_m=np.array([length, -head_half, z]),
    )


def _hammer_head(kind: str, radius: float, half: float) -> Mesh:
    """Return the head about its eye; the face looks along -y."""
    r, h = radius, half
    if kind == "mallet":
        return cylinder(r, 1.7 * h, 0.004, 36).moved(about_x(np.pi / 2))
    eye = rounded_box((2.1 * r, 0.95 * h, 1.75 * r), 0.003)
    profile = [(0, -h), (r * 0.92, -h), (r, -h + 0.003), (r, -h * 0.72), (r * 0.74, -h * 0.62),
               (r * 0.72, -h * 0.3), (0, -h * 0.3)]  # fmt: skip
    face = lathe(profile, 30).moved(about_x(-np.pi / 2))
    if kind == "sledge":
        back = face.moved(about_z(np.pi))
    elif kind == "ball_peen":
        t = np.linspace(-np.pi / 2, np.pi / 2, 13)
        ball = np.stack([0.72 * r * np.cos(t), 0.72 * r * np.sin(t)], 1)
        neck = tube([(0, 0.3 * h, 0), (0, 0.8 * h, 0)], [0.6 * r, 0.5 * r])
        back = merge([lathe(ball, 24).moved(None, (0, 0.85 * h, 0)), neck])
    else:
        curve = np.array([(0, 0.3, 0.1), (0, 0.7, 0.12), (0, 1.05, -0.05), (0, 1.35, -0.4)])
        spread = np.array([[0.6], [0.8], [1], [1.3]]) * (0.45 * r, 0, 0)
        prongs = [
            tube(curve * (1, h, 1.8 * r) + s * spread,
                 [0.52 * r, 0.45 * r, 0.36 * r, 0.12 * r], flatten=(1, 0.8), segments=10)
            for s in (-1, 1)
        ]  # fmt: skip
        back = merge(prongs)
    return merge([eye, face, back])


def knife(vary: Variation) -> HandledObject:
    """Return a chef's knife, a table knife or a bread knife; unseen: a cleaver."""
    kind = vary.kind(("chef", "table", "bread"), ("cleaver",))
    length, blade = vary.uniform(0.10, 0.125), vary.uniform(0.13, 0.20)
    width = vary.uniform(0.028, 0.046)
    if kind == "table":
        blade, width = blade * 0.75, width * 0.55
    elif kind == "cleaver":
        width *= 1.9
    z = 0.0114
    outline = _blade_outline(kind, blade, width)
    edge = plate(outline, 0.0018).moved(None, (0, 0, z - 0.0009))
    bolster = rounded_box((0.012, min(width, 0.03) * 0.62, 0.013), 0.003).moved(None, (0.002, 0, z))
    x = np.linspace(-length, 0, 12)
    swell = 0.0155 * (1 + 0.16 * np.sin(np.linspace(0.5, 5.5, 12)))
    handle = tube(np.stack([x, 0 * x, 0 * x + z], 1), swell, flatten=(0.95, 0.62), segments=18)
    steel = steel_surface(vary)._replace(gloss=0.75)
    handle_part = Part("handle", handle.tiled(1.5), handle_surface(vary))
    return HandledObject(
        "knife",
        kind,
        (handle_part, Part("blade", merge([edge.tiled(1), bolster]), steel)),
        {"handle": grip((-length * 0.5, 0, z), (1, 1.0, 0), (0, 0, -1), "wrap")},
        _HEADING_RAD,
        tool_m=np.array([blade * 0.85, float(outline[:, 1].min()), z]),
    )


def _blade_outline(kind: str, length: float, width: float) -> Array:
    """Return the blade's (K, 2) outline; the edge is towards -y, the point towards +x."""
    t = np.linspace(0, 1, 16)
    spine = np.full(16, 0.35 * width)
    belly = np.full(16, -0.65 * width)
    if kind in ("chef", "table"):
        belly += 0.65 * width * np.clip((t - 0.5) / 0.5, 0, 1) ** 2 * 1.25
        spine -= 0.30 * width * np.clip((t - 0.75) / 0.25, 0, 1) ** 2
    elif kind == "bread":
        belly += 0.05 * width * np.sin(t * 75)
        spine -= 0.7 * width * np.clip((t - 0.85) / 0.15, 0, 1)
    else:
        spine += 0.1 * width * np.sin(np.pi * t)
    low = np.stack([t * length, np.minimum(belly, spine - 0.001)], 1)
    high = np.stack([t * length, spine], 1)[::-1]
    return np.concatenate([low, high])


def brush(vary: Variation) -> HandledObject:
    """Return a flat brush or a round one; unseen: a broad wall brush."""
    kind = vary.kind(("flat", "round"), ("wall",))
    length = vary.uniform(0.13, 0.19)
    width = {"flat": vary.uniform(0.026, 0.045), "round": 0.018, "wall": 0.075}[kind]
    thickness = 0.018 if kind == "round" else 0.014 if kind == "flat" else 0.022
    z = max(0.0125, thickness / 2 + 0.003)
    share = np.linspace(0, 1, 14)
    radius = np.interp(share, [0, 0.12, 0.5, 0.8, 1], [0.006, 0.0095, 0.0075, 0.012, 0.0115])
    x = np.linspace(-length, 0, 14)
    handle = tube(np.stack([x, 0 * x, 0 * x + z], 1), radius, flatten=(1.05, 0.8), segments=16)
    hair = vary.uniform(0.045, 0.062)
    if kind == "round":
        ferrule = cylinder(width / 2, 0.034, 0.001).moved(about_y(np.pi / 2), (0.013, 0, z))
        r = width / 2
        profile = [(0, 0), (r * 0.92, 0), (r * 1.04, hair * 0.4), (r * 0.68, hair * 0.8)]
        profile.append((0.001, hair))
        bristles = lathe(profile, 24).moved(about_y(np.pi / 2), (0.028, 0, z))
    else:
        ferrule = rounded_box((0.034, width, thickness), 0.002).moved(None, (0.013, 0, z))
        block = rounded_box((hair, width * 0.97, thickness * 0.86), 0.003, 4)
        v = block.vertices.copy()
        reach = np.clip(v[:, 0] / hair + 0.5, 0, 1)
        v[:, 2] *= 1 - 0.65 * reach
        v[:, 1] *= 1 + 0.05 * reach
        bristles = block._replace(vertices=v).moved(None, (0.028 + hair / 2, 0, z))
    paint = any_color(vary.rng) if vary.chance(0.5) else rgb(0.1, vary.uniform(0.1, 0.5), 0.6)
    parts = (
        Part("handle", handle.tiled(1.5), handle_surface(vary)),
        Part("ferrule", ferrule, steel_surface(vary)),
        Part("bristles", bristles, Surface(paint, "bristle", 0.1)),
    )
    return HandledObject(
        "brush",
        kind,
        parts,
        {"handle": grip((-length * 0.34, 0, z), (1, 0, 0), (0, 0, -1), "pinch")},
        _HEADING_RAD,
        tool_m=np.array([0.028 + hair, 0, z]),
    )
