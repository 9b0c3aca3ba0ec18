# SPDX-License-Identifier: Apache-2.0
"""Random object parameters that keep the splits apart."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from affordance_seg_ros.errors import ConfigError

SPLITS = ("train", "val", "test")
SCENES = ("table", "wide")

T = TypeVar("T")

# Bands of a parameter's range that training never draws from, and validation exclusively.
_HELD_OUT = ((0.15, 0.25), (0.55, 0.65), (0.85, 0.95))


class Variation:
    """Random object parameters, kept apart for each split.

    Training and validation draw from different bands of each range. The test split draws from the
    whole range, and chooses among shapes and cloths that the other two never see.

    Args:
        rng: Source of randomness.
        split: One of `SPLITS`.
        scenes: One of `SCENES`: a table that is filmed from above, or also across, with windows
            and with drawings on vessels.

    Raises:
        ConfigError: There is no such split, or there are no such scenes.
    """

    def __init__(self, rng: np.random.Generator, split: str, scenes: str = "table") -> None:
        if split not in SPLITS:
            raise ConfigError(f"split '{split}'; expected one of {', '.join(SPLITS)}")
        if scenes not in SCENES:
            raise ConfigError(f"scenes '{scenes}'; expected one of {', '.join(SCENES)}")
        self.rng = rng
        self.split = split
        self.wide = scenes == "wide"

    def uniform(self, low: float, high: float) -> float:
        """Return a parameter within the range, from the split's own bands of it."""
        share = self.rng.random()
        if self.split == "val":
            band = _HELD_OUT[int(self.rng.integers(len(_HELD_OUT)))]
            share = band[0] + share * (band[1] - band[0])
        elif self.split == "train":
            free = 1 - sum(end - start for start, end in _HELD_OUT)
            share *= free
            for start, end in _HELD_OUT:
                if share >= start:
                    share += end - start
        return low + share * (high - low)

    def kind(self, seen: Sequence[T], unseen: Sequence[T]) -> T:
        """Return a kind of shape or cloth: an unseen one in the test split, else a seen one."""
        kinds = unseen if self.split == "test" else seen
        return kinds[int(self.rng.integers(len(kinds)))]

    def chance(self, share: float) -> bool:
        """Return True in a share of all cases."""
        return bool(self.rng.random() < share)
