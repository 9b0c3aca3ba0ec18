# SPDX-License-Identifier: Apache-2.0
"""The small motions of a living body: nobody holds still."""

import numpy as np

from affordance_seg_ros.training.synthesis.rotations import Array

_WAVES = 3
_CYCLES = (0.3, 3.0)


class Sway:
    """A smooth, aimless motion about the origin: a few slow waves along each axis.

    Args:
        rng: Source of randomness.
        size: Root mean square of each axis, in the unit of what sways.
        axes: Number of axes.
    """

    def __init__(self, rng: np.random.Generator, size: float, axes: int = 3) -> None:
        self._cycles = rng.uniform(*_CYCLES, (_WAVES, axes))  # in a clip of two seconds
        self._phases = rng.uniform(0, 2 * np.pi, (_WAVES, axes))
        self._amplitude = size * np.sqrt(2 / _WAVES)

    def at(self, time: float) -> Array:
        """Return the (axes,) offset at a time in [0, 1]."""
        waves = np.sin(2 * np.pi * self._cycles * time + self._phases)
        offset: Array = self._amplitude * waves.sum(0)
        return offset
