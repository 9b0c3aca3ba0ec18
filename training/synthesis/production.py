# SPDX-License-Identifier: Apache-2.0
"""Making one clip, from its seed to its folder."""

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

import numpy as np

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.sources.clip import ClipInfo, ClipWriter
from affordance_seg_ros.training.synthesis.depth_sensor import SENSORS
from affordance_seg_ros.training.synthesis.filming import FilmedFrame, Filming, film
from affordance_seg_ros.training.synthesis.rendering import Renderer
from affordance_seg_ros.training.synthesis.scenario import Scenario, draw_scenario
from affordance_seg_ros.training.synthesis.settings import SynthesisConfig, clip_rng

RATE_HZ = 10.0
_FIRST_STAMP_NS = 1_000_000_000
_NARROW_DEPTH_SHARE = 0.3  # of wide scenes
_MOST_VIEWPOINTS = 100
"""Viewpoints tried for a clip at most; 1 of 132 scenes needed a second one."""
_LEAST_LABELLED = 25 / (320 * 240)  # share of the last picture


def draw_clip(
    config: SynthesisConfig, index: int, shows: Callable[[Scenario], bool] = lambda _: True
) -> tuple[Scenario, Filming, np.random.Generator]:
    """Return the scene of clip number `index`, how it is filmed, and the generator to go on with.

    Args:
        config: What the clips are like.
        index: Number of the clip.
        shows: Whether a scene is seen well from its viewpoint; another viewpoint is drawn if not,
            or if the object is nearer than the clips' sensor can measure.

    Raises:
        ConfigError: No viewpoint shows the scene well in pictures of that shape.
    """
    rng = clip_rng(config, index)
    scenario = draw_scenario(
        rng,
        config.demonstration(index),
        split=config.split,
        width=config.width,
        height=config.height,
        scenes=config.scenes,
        moving_camera=config.moving_camera,
    )
    for _ in range(_MOST_VIEWPOINTS):
        if not _is_too_near(scenario, config.sensor) and shows(scenario):
            break
        scenario = scenario.from_another_viewpoint(rng, moving_camera=config.moving_camera)
    else:
        raise ConfigError(
            f"clip {index}: none of {_MOST_VIEWPOINTS} viewpoints shows the part in "
            f"{config.width}x{config.height} pixels; expected larger pictures"
        )
    sensor = config.sensor
    if sensor == "any":
        sensor = str(rng.choice(list(SENSORS)))
        if _is_too_near(scenario, sensor):  # nobody would film with that sensor from there
            sensor = min(SENSORS, key=lambda name: SENSORS[name].min_m)
    narrow = config.scenes == "wide" and bool(rng.random() < _NARROW_DEPTH_SHARE)
    return scenario, Filming(config.frames, sensor, config.black_holes, narrow), rng


def _is_too_near(scenario: Scenario, sensor: str) -> bool:
    return sensor != "any" and scenario.nearest_m() < SENSORS[sensor].min_m


def make_clip(
    config: SynthesisConfig,
    index: int,
    folder: Path,
    renderer: Renderer,
    kept: Collection[int] = (),
) -> list[FilmedFrame]:
    """Render clip number `index` into a folder, which appears once everything is written.

    Args:
        config: What the clips are like.
        index: Number of the clip.
        folder: Where it goes.
        renderer: Draws it.
        kept: Numbers of the frames to return: a frame with all its truth is large.

    Returns:
        Those frames, in order.

    Raises:
        SourceError: The folder exists or cannot be written.
    """
    scenario, filming, rng = draw_clip(config, index, partial(_shows_its_part, renderer))
    info = clip_info(config, index, scenario, filming)
    frames = []
    with ClipWriter(folder, info) as writer:
        for number, frame in enumerate(film(scenario, renderer, filming, rng)):
            motion_m = frame.motion_m if config.true_flow else None
            writer.add_frame(
                _FIRST_STAMP_NS + round(number * 1e9 / RATE_HZ),
                frame.jpeg,
                frame.depth_mm,
                labels=frame.labels,
                affordances=frame.affordances,
                roles=frame.roles,
                motion_m=None if motion_m is None else np.moveaxis(motion_m, 2, 0),
                occluded=frame.occluded if config.true_flow else None,
                true_depth_m=frame.truth.depth_m if config.true_depth else None,
            )
            if number in kept:
                frames.append(frame)
        writer.set_label(frame.labels)
        writer.set_affordances(frame.affordances)
    return frames


def _shows_its_part(renderer: Renderer, scenario: Scenario) -> bool:
    """Tell whether the demonstrated part is visible at the end: a cup may hide its handle."""
    stage, view = scenario.stage, scenario.viewpoint.at(1.0)
    renderer.load(stage.model)
    shape = stage.shape(1.0)
    seen = renderer.render(shape, shape, view, view, scenario.lighting.at(1.0), color=False)
    labelled = stage.demonstrated[seen.part_id] > 0
    return bool(labelled.mean() > _LEAST_LABELLED)


def clip_info(
    config: SynthesisConfig, index: int, scenario: Scenario, filming: Filming
) -> ClipInfo:
    """Return what clip.json says about a rendered clip."""
    return ClipInfo(
        object_name=scenario.demonstration.object_name,
        action=scenario.demonstration.action,
        source="rendered",
        camera=scenario.viewpoint.camera,
        rate_hz=RATE_HZ,
        seed=config.seed,
        split=config.split,
        interaction=scenario.timeline.interaction(config.frames),
        extra={
            "index": index,
            "kind": scenario.kind,
            "left_handed": scenario.left_handed,
            "sensor": filming.sensor,
            "full_frame": scenario.viewpoint.full_frame,
            "scenes": config.scenes,
            "moving_camera": config.moving_camera,
        },
    )
