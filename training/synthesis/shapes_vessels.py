# SPDX-License-Identifier: Apache-2.0
"""Cups, pitchers, bottles and cans: turned about z, some with a handle at +x."""

import numpy as np

from affordance_seg_ros.training.synthesis.mesh import Mesh
from affordance_seg_ros.training.synthesis.objects import Grip, HandledObject, Part, grip
from affordance_seg_ros.training.synthesis.primitives import lathe, tube
from affordance_seg_ros.training.synthesis.rotations import Array
from affordance_seg_ros.training.synthesis.shapes_tools import steel_surface
from affordance_seg_ros.training.synthesis.surface import Surface, any_color, rgb
from affordance_seg_ros.training.synthesis.variation import Variation

# The handle (+x) towards the right hand of a person who sits at +y and looks along -y.
_HEADING_RAD = (np.pi - 0.75, np.pi + 0.35)


def _ceramic(vary: Variation) -> Surface:
    if vary.wide and vary.chance(0.35):
        light = rgb(vary.rng.random(), vary.uniform(0, 0.25), vary.uniform(0.6, 0.95))
        return Surface(light, "drawing", vary.uniform(0.35, 0.7))
    texture = ("plain", "label", "stripes", "dots", "print")[int(vary.rng.integers(5))]
    return Surface(any_color(vary.rng), texture, vary.uniform(0.35, 0.7), wear=vary.uniform(0, 0.4))


def _loop(x_m: Array, low_m: float, high_m: float, out_m: float, radius_m: float) -> Mesh:
    """Return an ear-shaped handle that starts and ends inside the wall.

    Args:
        x_m: (2,) distance of the wall from the axis at its lower and its upper end.
        low_m: Height of the lower end.
        high_m: Height of the upper end.
        out_m: How far it stands out.
        radius_m: Radius of the bar.
    """
    t = np.linspace(-np.pi / 2, np.pi / 2, 21)
    bulge = np.sign(np.cos(t)) * np.abs(np.cos(t)) ** 0.75
    z = (low_m + high_m) / 2 + (high_m - low_m) / 2 * np.sign(np.sin(t)) * np.abs(np.sin(t)) ** 0.85
    path = np.stack([np.interp(z, (low_m, high_m), x_m) + out_m * bulge, 0 * t, z], 1)
    return tube(path, radius_m, flatten=(1.35, 0.8), segments=14)


def _side() -> Grip:
    """Return the grip of a push; point and palm are found when the push is known."""
    return grip((0, 0, 0), (0, 0, 1), (1, 0, 0), "palm")


def _hollow(outside: list[tuple[float, float]], wall_m: float) -> list[tuple[float, float]]:
    """Return a profile with an inside: outside from the foot up, a rim, and down again."""
    rim = outside[-1][1]
    inside = [(max(r - wall_m, 0.001), z) for r, z in outside[::-1] if z > 3 * wall_m]
    top = [(outside[-1][0] - wall_m / 2, rim + wall_m * 0.45)]
    return [(0, 0.0), *outside, *top, *inside, (inside[-1][0], 2 * wall_m), (0, 2 * wall_m)]


def cup(vary: Variation) -> HandledObject:
    """Return a straight, tapered or bellied mug; unseen: a footed one."""
    kind = vary.kind(("straight", "tapered", "bellied"), ("footed",))
    radius, height = vary.uniform(0.036, 0.046), vary.uniform(0.078, 0.108)
    share = np.linspace(0, 1, 12)
    shape = {
        "straight": np.ones(12),
        "tapered": 0.72 + 0.28 * share,
        "bellied": 0.84 + 0.2 * np.sin(np.pi * share),
        "footed": np.interp(share, [0, 0.1, 0.25, 0.55, 1], [0.72, 0.5, 0.62, 0.98, 1.04]),
    }[kind]
    wall = 0.0032
    outside = [(float(radius * s), float(height * t)) for s, t in zip(shape, share, strict=True)]
    foot = outside[0][0]
    body = lathe(_hollow([(foot - 0.003, 0.0), (foot, 0.003), *outside[1:]], wall), 44)
    ends = np.interp((0.14, 0.88), share, shape) * radius - wall / 2
    out, bar = vary.uniform(0.031, 0.037), vary.uniform(0.0045, 0.006)
    handle = _loop(ends, height * 0.14, height * 0.88, out, bar)
    reach = float(ends.mean()) + wall / 2 + out
    look = _ceramic(vary)
    handle_look = look._replace(texture="plain")
    if vary.chance(0.25):
        handle_look = handle_look._replace(color=any_color(vary.rng))
    return HandledObject(
        "cup",
        kind,
        (Part("body", body.tiled(1), look), Part("handle", handle, handle_look)),
        {
            "handle": grip((reach, 0, height * 0.5), (0, 0, 1), (-1, 0, 0), "wrap"),
            "side": _side(),
            "top": grip((0, 0, height), (-1, 0, 0), (0, 0, -1), "pinch"),
        },
        _HEADING_RAD,
    )


def pitcher(vary: Variation) -> HandledObject:
    """Return a straight or a pear-shaped jug; unseen: a waisted one."""
    kind = vary.kind(("straight", "pear"), ("waisted",))
    radius, height = vary.uniform(0.048, 0.058), vary.uniform(0.16, 0.205)
    share = np.linspace(0, 1, 18)
    shape = {
        "straight": 1 - 0.12 * share,
        "pear": 0.86 + 0.2 * np.sin(np.pi * np.clip(share * 1.25, 0, 1)) - 0.1 * share,
        "waisted": 1 - 0.26 * np.sin(np.pi * share) ** 2 + 0.04 * share,
    }[kind]
    wall = 0.0035
    outside = [(float(radius * s), float(height * t)) for s, t in zip(shape, share, strict=True)]
    foot = outside[0][0]
    body = lathe(_hollow([(foot - 0.003, 0.0), (foot, 0.003), *outside[1:]], wall), 48)
    v = body.vertices.copy()
    rim = np.clip((v[:, 2] - height * 0.78) / (height * 0.22), 0, 1)
    v[:, 0] -= 0.024 * rim**1.5 * np.exp(-((np.arctan2(v[:, 1], -v[:, 0]) / 0.38) ** 2))
    body = body._replace(vertices=v)
    ends = np.interp((0.2, 0.86), share, shape) * radius - wall / 2
    out, bar = vary.uniform(0.040, 0.048), vary.uniform(0.0065, 0.008)
    handle = _loop(ends, height * 0.2, height * 0.86, out, bar)
    reach = float(ends.mean()) + wall / 2 + out
    look = _ceramic(vary)
    darker = look._replace(texture="plain", color=look.color * vary.uniform(0.6, 1))
    return HandledObject(
        "pitcher",
        kind,
        (Part("body", body, look), Part("handle", handle, darker)),
        {
            "handle": grip((reach, 0, height * 0.56), (0, 0, 1), (-1, 0, 0), "wrap"),
            "side": _side(),
        },
        _HEADING_RAD,
    )


def bottle(vary: Variation) -> HandledObject:
    """Return a round, a slim or a squeeze bottle; unseen: one with a waist."""
    kind = vary.kind(("round", "slim", "flask"), ("waisted",))
    radius, height = vary.uniform(0.030, 0.038), vary.uniform(0.175, 0.235)
    neck = vary.uniform(0.0125, 0.0150)
    shoulder = {"round": 0.68, "slim": 0.55, "flask": 0.74, "waisted": 0.68}[kind]
    top = height * 0.93
    share = np.linspace(0, 1, 9)
    blend = share**2 * (3 - 2 * share)
    walls = np.linspace(0.04, shoulder, 9)
    waist = 1 - (0.24 * np.exp(-(((walls - 0.38) / 0.1) ** 2)) if kind == "waisted" else 0)
    side = [
        (float(radius * w), float(height * t))
        for t, w in zip(walls, waist * np.ones(9), strict=True)
    ]
    up = [
        (float(radius + (neck - radius) * b), float(height * (shoulder + s * (0.88 - shoulder))))
        for s, b in zip(share[1:], blend[1:], strict=True)
    ]
    ring = [(neck, height * 0.9), (neck * 1.18, height * 0.905), (neck * 1.18, height * 0.918),
            (neck * 0.98, height * 0.92), (neck * 0.98, top)]  # fmt: skip
    body = lathe([(0, 0.002), (radius - 0.006, 0), (radius - 0.001, 0.004), *side, *up, *ring], 40)
    cap_radius = neck * 1.22
    cap = lathe(
        [(cap_radius * 0.98, height * 0.926), (cap_radius, height * 0.93),
         (cap_radius, height - 0.0015), (cap_radius - 0.0015, height), (0, height)], 28,
    )  # fmt: skip
    texture = "label" if vary.chance(0.75) else "plain"
    look = Surface(any_color(vary.rng), texture, vary.uniform(0.4, 0.75), wear=vary.uniform(0, 0.3))
    cap_look = Surface(any_color(vary.rng), "stripes" if vary.chance(0.4) else "plain", 0.35)
    held = (0, 0, height * 0.40)
    return HandledObject(
        "bottle",
        kind,
        (Part("body", body, look), Part("cap", cap, cap_look)),
        {
            "body": grip(held, (0, 0, 1), (-1, 0, 0), "wrap"),
            "support": grip(held, (0, 0, 1), (1, 0, 0), "wrap"),
            "side": _side(),
            "cap": grip((0, 0, height * 0.965), (-1, 0, 0), (0, 0, -1), "pinch"),
        },
        _HEADING_RAD,
        turning=("cap",),
    )


def can(vary: Variation) -> HandledObject:
    """Return a drink can or a food tin; unseen: a jar with a lid."""
    kind = vary.kind(("drink", "tin"), ("jar",))
    radius, height = vary.uniform(0.031, 0.037), vary.uniform(0.095, 0.122)
    r, h = radius, height
    if kind == "drink":
        wall = [
            (0, 0.003),
            (r * 0.8, 0.002),
            (r * 0.84, 0),
            (r, 0.008),
            (r, h - 0.012),
            (r * 0.86, h),
        ]
        lid = [(r * 0.86, h), (r * 0.84, h + 0.0012), (r * 0.81, h - 0.003), (0, h - 0.003)]
    elif kind == "tin":
        r, h = r * 1.1, h * 0.85
        wall = [(0, 0.002), (r, 0.0), (r + 0.001, 0.001), (r + 0.001, 0.003), (r, 0.004),
                *((r - 0.0006 * (k % 2), 0.3 * h + k * 0.4 * h / 8) for k in range(9)),
                (r, h - 0.004), (r + 0.001, h - 0.002)]  # fmt: skip
        lid = [(r + 0.001, h - 0.002), (r + 0.0005, h), (r - 0.002, h - 0.003), (0, h - 0.003)]
    else:
        wall = [(0, 0.0), (r - 0.003, 0), (r, 0.004), (r, h * 0.72), (r * 0.86, h * 0.8)]
        lid = [
            (r * 0.86, h * 0.8),
            (r * 0.93, h * 0.81),
            (r * 0.93, h - 0.002),
            (r * 0.9, h),
            (0, h),
        ]
    look = Surface(any_color(vary.rng), "label", vary.uniform(0.4, 0.7), wear=vary.uniform(0, 0.5))
    parts = (
        Part("body", lathe(wall, 44), look),
        Part("top", lathe(lid, 44), steel_surface(vary)),
    )
    held = (0, 0, h * 0.5)
    return HandledObject(
        "can",
        kind,
        parts,
        {
            "body": grip(held, (0, 0, 1), (-1, 0, 0), "wrap"),
            "side": _side(),
            "top": grip((0, 0, h), (-1, 0, 0), (0, 0, -1), "pinch"),
        },
        _HEADING_RAD,
    )
