# SPDX-License-Identifier: Apache-2.0
"""How a surface looks: colour, texture, gloss; and palettes to draw from."""

import colorsys
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.training.synthesis.rotations import Array


class Surface(NamedTuple):
    """Look of one part.

    Attributes:
        color: (3,) linear RGB albedo in [0, 1], multiplied by the texture; more than 1 for what
            outshines the room, such as a window.
        texture: Name of a texture.
        gloss: From 0 for chalk to 1 for polished.
        metal: 1 for bare metal, 0 for everything else.
        softness: Light that creeps around edges: 0 hard, 1 skin.
        wear: Share of stains and scratches in [0, 1].
    """

    color: Array
    texture: str = "plain"
    gloss: float = 0.3
    metal: float = 0.0
    softness: float = 0.0
    wear: float = 0.0


def rgb(hue: float, saturation: float, value: float) -> Array:
    """Return the linear RGB of a display colour in HSV, each in [0, 1]."""
    return np.array(colorsys.hsv_to_rgb(hue, saturation, value)) ** 2.2


def any_color(rng: np.random.Generator, *, brightest: float = 0.9) -> Array:
    """Return a paint, plastic or cloth colour: mostly muted, sometimes vivid, white or black."""
    kind = rng.random()
    if kind < 0.25:
        return rgb(rng.random(), rng.uniform(0, 0.08), rng.uniform(0.15, brightest))
    saturation = rng.uniform(0.5, 0.85) if kind < 0.42 else rng.uniform(0.12, 0.5)
    return rgb(rng.random(), saturation, rng.uniform(0.3, brightest))


def cloth_color(rng: np.random.Generator, *, brightest: float = 0.85) -> Array:
    """Return a colour of large things, which are seldom vivid: cloths, walls, clothes."""
    return rgb(rng.random(), rng.uniform(0, 0.55) ** 1.3, rng.uniform(0.25, brightest))


def wood_color(rng: np.random.Generator) -> Array:
    """Return a colour between ash and walnut."""
    return rgb(rng.uniform(0.06, 0.1), rng.uniform(0.35, 0.65), rng.uniform(0.4, 0.85))


def metal_color(rng: np.random.Generator) -> Array:
    """Return steel, now and then brass or dark iron."""
    if rng.random() < 0.12:
        return rgb(0.12, 0.45, rng.uniform(0.65, 0.85))
    return rgb(0.6, rng.uniform(0, 0.06), rng.uniform(0.5, 0.85))


# Display colours of skin, light to dark, after the ten Monk tones; the lightest are toned down so
# that they do not blow out under a lamp.
_SKIN_TONES = (
    "e2bfa8", "e3ba9c", "dfb594", "d4a582", "c08e68", "a5795a", "825c43", "60412e", "493226",
    "382a24",
)  # fmt: skip


def skin_color(rng: np.random.Generator) -> Array:
    """Return a skin tone."""
    position = rng.uniform(0, len(_SKIN_TONES) - 1)
    tones = [np.array([int(tone[k : k + 2], 16) for k in (0, 2, 4)]) / 255 for tone in _SKIN_TONES]
    low = int(position)
    mixed = tones[low] + (position - low) * (tones[min(low + 1, len(tones) - 1)] - tones[low])
    linear: Array = np.asarray(mixed) ** 2.2 * 0.8
    return linear


def as_rows(surface: Surface, layer: int, count: int) -> npt.NDArray[np.float32]:
    """Return (count, 8) rows for the renderer: RGB, layer, gloss, metal, softness, wear."""
    row = [*surface.color, layer, surface.gloss, surface.metal, surface.softness, surface.wear]
    return np.tile(np.array(row, np.float32), (count, 1))
