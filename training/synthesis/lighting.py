# SPDX-License-Identifier: Apache-2.0
"""Lamps, and a camera whose exposure and white balance are imperfect and drift."""

from dataclasses import dataclass, replace

import numpy as np

from affordance_seg_ros.training.synthesis.rendering import Light
from affordance_seg_ros.training.synthesis.rotations import Array, unit

_MEAN_BRIGHTNESS = 0.42  # of a picture, as displayed, in [0, 1]
_HIGHLIGHT_LIMIT = 0.93  # of the brightest 1.5 % of a picture


@dataclass(frozen=True)
class Lighting:
    """Light over the course of a clip.

    Attributes:
        lamps: The light at exposure 1.
        bias: Exposure relative to what a good camera would choose.
        drift: (2,) amplitude and phase of slow exposure changes.
        balance_drift: (3,) change of white balance over the clip, per channel.
    """

    lamps: Light
    bias: float
    drift: Array
    balance_drift: Array

    def at(self, time: float) -> Light:
        """Return the light at a time in [0, 1]."""
        swing = 1 + self.drift[0] * np.sin(2.2 * time * np.pi + self.drift[1])
        balance = self.lamps.balance_rgb * (1 + (time - 0.5) * self.balance_drift)
        return replace_light(self.lamps, self.lamps.exposure * swing, balance)

    def metered(self, picture: np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]) -> "Lighting":
        """Return the lighting with the exposure that a camera would choose from a picture.

        Args:
            picture: (H, W, 3) uint8, rendered with `lamps`.
        """
        bright = picture.mean(2) / 255
        wanted = _MEAN_BRIGHTNESS * self.bias
        factor = (wanted / max(float(bright.mean()), 0.02)) ** 1.6
        # Highlights are protected: a bright shirt must not blow out to save a dark wall.
        peak = float(np.percentile(bright, 98.5)) * factor**0.5
        if peak > _HIGHLIGHT_LIMIT:
            factor *= (_HIGHLIGHT_LIMIT / peak) ** 2.2
        exposure = self.lamps.exposure * float(np.clip(factor, 0.25, 4))
        return replace(self, lamps=replace_light(self.lamps, exposure, self.lamps.balance_rgb))


def replace_light(light: Light, exposure: float, balance_rgb: Array) -> Light:
    """Return the light seen with another exposure and white balance."""
    return light._replace(exposure=exposure, balance_rgb=balance_rgb)


def draw_lighting(rng: np.random.Generator) -> Lighting:
    """Draw a lamp or a window, the sky or ceiling, a fill, and the camera's imperfections."""
    warmth = rng.uniform(-0.12, 0.16)
    key = np.array([1 + warmth, 1.0, 1 - warmth]) * rng.uniform(0.8, 1.5)
    azimuth = rng.uniform(-2.6, 2.6)
    elevation = rng.uniform(0.65, 1.25)
    direction = np.array(
        [
            np.sin(azimuth) * np.cos(elevation),
            -np.cos(azimuth) * np.cos(elevation),
            np.sin(elevation),
        ]
    )
    sky = np.array([1 - 0.5 * warmth, 1.0, 1 + 0.5 * warmth]) * rng.uniform(0.45, 0.9)
    ground = np.array([1.05, 1.0, 0.92]) * rng.uniform(0.15, 0.3)
    side = unit(np.array([rng.uniform(-1, 1), -1, rng.uniform(0.2, 0.8)]))
    lamps = Light(
        key_direction=unit(direction),
        key_rgb=key,
        key_softness_m=float(rng.uniform(0.006, 0.03)),
        sky_rgb=sky,
        ground_rgb=ground,
        fill_direction=side,
        fill_rgb=np.ones(3) * rng.uniform(0.05, 0.35),
        exposure=1.0,
        balance_rgb=1 + rng.normal(0, 0.035, 3),
    )
    return Lighting(
        lamps,
        bias=float(rng.uniform(0.8, 1.12)),
        drift=np.array([rng.uniform(0, 0.06), rng.uniform(0, 6)]),
        balance_drift=rng.normal(0, 0.015, 3),
    )
