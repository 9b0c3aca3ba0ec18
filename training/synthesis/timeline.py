# SPDX-License-Identifier: Apache-2.0
"""What happens when: rest, approach, close, interact, release, retreat, with pauses."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


def ease(share: float) -> float:
    """Return a smooth step from 0 to 1 with no acceleration at its ends (minimum jerk)."""
    s = min(max(share, 0.0), 1.0)
    return s * s * s * (10 + s * (6 * s - 15))


@dataclass(frozen=True)
class Timeline:
    """Progress of each phase in [0, 1] as a function of time in [0, 1].

    Attributes:
        knots: (6,) start of approach, touch, closed, end of interaction, released, at home.
        approach_warp: (2, n) time in the approach -> share of the way; flat where the hand
            hesitates.
        interact_warp: (2, n) the same for the interaction; flat where the hand pauses.
    """

    knots: npt.NDArray[np.float64]
    approach_warp: npt.NDArray[np.float64]
    interact_warp: npt.NDArray[np.float64]

    def _share(self, time: float, phase: int) -> float:
        start, end = self.knots[phase : phase + 2]
        return float(np.clip((time - start) / (end - start), 0, 1))

    def approach(self, time: float) -> float:
        """Return the share of the way from home to the object."""
        return ease(float(np.interp(self._share(time, 0), *self.approach_warp)))

    def close(self, time: float) -> float:
        """Return how far the fingers have closed, and opened again."""
        return ease(self._share(time, 1)) - ease(self._share(time, 3))

    def interact(self, time: float) -> float:
        """Return the share of the interaction that is done."""
        return float(np.interp(self._share(time, 2), *self.interact_warp))

    def interaction(self, frames: int) -> tuple[int, int]:
        """Return the first and the last frame of a clip in which the interaction is under way.

        Args:
            frames: Frames of the clip; the first is at time 0, the last at time 1.
        """
        start, end = self.knots[2:4] * (frames - 1)
        first = min(math.ceil(start), frames - 1)
        return first, min(max(first, math.floor(end)), frames - 1)

    def retreat(self, time: float) -> float:
        """Return the share of the way back."""
        return ease(self._share(time, 4))


def _warp(rng: np.random.Generator, stops: int) -> npt.NDArray[np.float64]:
    """Return a monotone map of [0, 1] onto itself with some flat stretches."""
    at = np.sort(rng.uniform(0.25, 0.8, stops))
    times, shares = [0.0], [0.0]
    lost = 0.0
    for place in at:
        pause = float(rng.uniform(0.06, 0.16))
        times += [float(place) + lost, float(place) + lost + pause]
        shares += [float(place), float(place) + 0.01]
        lost += pause
    times.append(1 + lost)
    shares.append(1.0)
    return np.array([np.array(times) / (1 + lost), shares])


def draw_timeline(rng: np.random.Generator) -> Timeline:
    """Draw the pace of one demonstration."""
    lengths = np.array(
        [
            rng.uniform(0.0, 0.05),  # rest
            rng.uniform(0.15, 0.22),  # approach
            rng.uniform(0.04, 0.07),  # close
            rng.uniform(0.42, 0.56),  # interact
            rng.uniform(0.04, 0.06),  # release
            rng.uniform(0.13, 0.2),  # retreat
        ]
    )
    # Some end at rest, some while the hand is still on its way back.
    knots = np.cumsum(lengths) / lengths.sum() * rng.uniform(0.92, 1.06)
    return Timeline(
        knots,
        _warp(rng, int(rng.random() < 0.25)),
        _warp(rng, int(rng.random() < 0.35)),
    )
