# SPDX-License-Identifier: Apache-2.0
"""Making one clip: from its seed to its folder."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.options import Options, option
from affordance_seg_ros.sources.clip import ClipInfo, ClipWriter
from affordance_seg_ros.training.synthesis.catalogue import Demonstration, demonstrations
from affordance_seg_ros.training.synthesis.depth_sensor import SENSORS
from affordance_seg_ros.training.synthesis.filming import FilmedFrame, Filming, film
from affordance_seg_ros.training.synthesis.rendering import Renderer
from affordance_seg_ros.training.synthesis.scenario import Scenario, draw_scenario
from affordance_seg_ros.training.synthesis.variation import SPLITS

RATE_HZ = 10.0
_FIRST_STAMP_NS = 1_000_000_000


@dataclass(frozen=True)
class SynthesisConfig(Options):
    """What clips are made; the same values and seed make the same clips on the same machine."""

    seed: int = option(0, "Seed of the whole set", minimum=0, maximum=2**31 - 1)
    width: int = option(320, "Width of the pictures", unit="px", minimum=64, maximum=1920)
    height: int = option(240, "Height of the pictures", unit="px", minimum=64, maximum=1440)
    frames: int = option(21, "Frames of a clip, at 10 frames/s", minimum=4, maximum=1000)
    split: str = option(
        "train", "Share of the objects' variety that is drawn from; test has shapes and cloths "
        "that train and val never show", choices=SPLITS,
    )  # fmt: skip
    sensor: str = option(
        "any", "Depth sensor that is imitated", choices=("any", *SENSORS)
    )
    objects: tuple[str, ...] = option((), "Objects to show; empty for all")
    actions: tuple[str, ...] = option((), "Actions to show; empty for all")
    moving_camera: bool = option(False, "Let the camera sway slowly")
    black_holes: bool = option(
        False, "Make colour black where there is no depth, as in SOR3D-AFF"
    )
    true_flow: bool = option(True, "Store true 3D flow and occlusions")
    true_depth: bool = option(False, "Store depth without sensor noise too")

    def __post_init__(self) -> None:
        super().__post_init__()
        demonstrations(self.objects, self.actions)
        if self.width % 2 or self.height % 2:
            raise ConfigError(f"size {self.width}x{self.height}; expected even numbers")

    def demonstration(self, index: int) -> Demonstration:
        """Return what clip number `index` shows: objects in turn, so that all are as frequent.

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
    """Return the source of all chance of clip number `index`."""
    return np.random.default_rng([config.seed, SPLITS.index(config.split), index])


def draw_clip(config: SynthesisConfig, index: int) -> tuple[Scenario, Filming, np.random.Generator]:
    """Return the scene of clip number `index`, how it is filmed, and the chance that is left."""
    rng = clip_rng(config, index)
    scenario = draw_scenario(
        rng,
        config.demonstration(index),
        split=config.split,
        width=config.width,
        height=config.height,
        moving_camera=config.moving_camera,
    )
    sensor = config.sensor if config.sensor != "any" else str(rng.choice(list(SENSORS)))
    return scenario, Filming(config.frames, sensor, config.black_holes), rng


def make_clip(
    config: SynthesisConfig, index: int, folder: Path, renderer: Renderer
) -> list[FilmedFrame]:
    """Render clip number `index` into a folder, which appears when all is written.

    Returns:
        The frames, for a contact sheet.

    Raises:
        SourceError: The folder exists or cannot be written.
    """
    scenario, filming, rng = draw_clip(config, index)
    info = clip_info(config, index, scenario, filming)
    frames = []
    with ClipWriter(folder, info) as writer:
        for number, frame in enumerate(film(scenario, renderer, filming, rng)):
            truth = config.true_flow and frame.motion_m is not None
            writer.add_frame(
                _FIRST_STAMP_NS + round(number * 1e9 / RATE_HZ),
                frame.jpeg,
                frame.depth_mm,
                labels=frame.labels,
                affordances=frame.affordances,
                motion_m=np.moveaxis(frame.motion_m, 2, 0) if truth else None,
                occluded=frame.occluded if truth else None,
                true_depth_m=frame.truth.depth_m if config.true_depth else None,
            )
            frames.append(frame)
        writer.set_label(frames[-1].labels)
        writer.set_affordances(frames[-1].affordances)
    return frames


def clip_info(
    config: SynthesisConfig, index: int, scenario: Scenario, filming: Filming
) -> ClipInfo:
    """Return what clip.json says of a rendered clip."""
    return ClipInfo(
        object_name=scenario.demonstration.object_name,
        action=scenario.demonstration.action,
        source="rendered",
        camera=scenario.viewpoint.camera,
        rate_hz=RATE_HZ,
        seed=config.seed,
        split=config.split,
        extra={
            "index": index,
            "kind": scenario.kind,
            "left_handed": scenario.left_handed,
            "sensor": filming.sensor,
            "full_frame": scenario.viewpoint.full_frame,
            "moving_camera": config.moving_camera,
        },
    )
