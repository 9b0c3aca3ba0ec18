# SPDX-License-Identifier: Apache-2.0
"""What clips a seed produces: size, length, objects, actions, sensors."""

from dataclasses import dataclass

import numpy as np

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.labels import SOR3D_AFF
from affordance_seg_ros.options import Options, option
from affordance_seg_ros.training.synthesis.catalogue import (
    Demonstration,
    catalogue,
    demonstrations,
)
from affordance_seg_ros.training.synthesis.depth_sensor import SENSORS
from affordance_seg_ros.training.synthesis.variation import SCENES, SPLITS


@dataclass(frozen=True)
class SynthesisConfig(Options):
    """What clips to make; the same values and seed give the same clips on the same machine."""

    seed: int = option(0, "Seed of the whole set", minimum=0, maximum=2**31 - 1)
    width: int = option(320, "Width of the pictures", unit="px", minimum=64, maximum=1920)
    height: int = option(240, "Height of the pictures", unit="px", minimum=64, maximum=1440)
    frames: int = option(
        21, "Frames in which the whole demonstration is shown, 0.1 s each: with more of them the "
        "person moves more slowly", minimum=4, maximum=1000,
    )  # fmt: skip
    split: str = option(
        "train", "Share of the objects' variety that is drawn from; test has shapes and cloths "
        "that train and val never show", choices=SPLITS,
    )  # fmt: skip
    scenes: str = option(
        "table", "table is filmed from above; wide is also filmed across the table, with windows, "
        "drawings on vessels, and depth that covers only part of the picture", choices=SCENES,
    )  # fmt: skip
    sensor: str = option("any", "Depth sensor to imitate", choices=("any", *SENSORS))
    objects: tuple[str, ...] = option((), "Objects to show; none means all")
    actions: tuple[str, ...] = option((), "Actions to show; none means all")
    moving_camera: bool = option(False, "Let the camera sway slowly")
    black_holes: bool = option(False, "Make colour black where there is no depth, as in SOR3D-AFF")
    true_flow: bool = option(True, "Store true 3D flow and occlusions")
    true_depth: bool = option(False, "Store depth without sensor noise too")

    def __post_init__(self) -> None:
        super().__post_init__()
        demonstrations(self.objects, self.actions)
        for name, table in (("objects", tuple(catalogue())), ("actions", SOR3D_AFF)):
            chosen = getattr(self, name)  # the order in which they are named makes no difference
            object.__setattr__(self, name, tuple(each for each in table if each in chosen))
        if self.width % 2 or self.height % 2:
            raise ConfigError(f"size {self.width}x{self.height}; expected even numbers")

    def demonstration(self, index: int) -> Demonstration:
        """Return what clip number `index` shows: objects take turns, so all are equally frequent.

        Each object's actions take turns in a shuffled order that depends on the seed.
        """
        table = demonstrations(self.objects, self.actions)
        names = list(dict.fromkeys(pair.object_name for pair in table))
        order = np.random.default_rng([self.seed, 7]).permutation(len(names))
        name = names[int(order[index % len(names)])]
        pairs = [pair for pair in table if pair.object_name == name]
        turn = np.random.default_rng([self.seed, 8, names.index(name)]).permutation(len(pairs))
        return pairs[int(turn[(index // len(names)) % len(pairs)])]


def clip_name(config: SynthesisConfig, index: int) -> str:
    """Return the folder name of clip number `index`."""
    shown = config.demonstration(index)
    return f"{index:06}_{shown.object_name}_{shown.action}"


def clip_rng(config: SynthesisConfig, index: int) -> np.random.Generator:
    """Return the source of all randomness in clip number `index`."""
    return np.random.default_rng([config.seed, SPLITS.index(config.split), index])
