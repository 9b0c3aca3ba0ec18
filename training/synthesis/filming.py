# SPDX-License-Identifier: Apache-2.0
"""From a scenario to frames: rendering, truth, labels and sensors."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.training.synthesis.color_sensor import (
    as_jpeg,
    draw_color_sensor,
    sense_color,
)
from affordance_seg_ros.training.synthesis.depth_sensor import (
    SENSORS,
    draw_sensor_state,
    sense_depth,
)
from affordance_seg_ros.training.synthesis.occlusion import hidden_next
from affordance_seg_ros.training.synthesis.rendering import Renderer, Rendering
from affordance_seg_ros.training.synthesis.scenario import Scenario


class FilmedFrame(NamedTuple):
    """One frame of a clip, as the sensors see it, and its truth.

    Attributes:
        color: (H, W, 3) uint8 RGB.
        jpeg: The same picture, as the camera's JPEG.
        depth_mm: (H, W) uint16, 0 for none.
        labels: (H, W) uint8 ids of what is demonstrated.
        affordances: (H, W) uint8 ids of what every part affords.
        roles: (H, W) uint8 indices of `ROLES`, for what each pixel shows.
        motion_m: (H, W, 3) float32 motion to the next frame; None in the last frame.
        occluded: (H, W) bool, hidden in the next frame; None in the last frame.
        truth: The rendering itself.
    """

    color: npt.NDArray[np.uint8]
    jpeg: bytes
    depth_mm: npt.NDArray[np.uint16]
    labels: npt.NDArray[np.uint8]
    affordances: npt.NDArray[np.uint8]
    roles: npt.NDArray[np.uint8]
    motion_m: npt.NDArray[np.float32] | None
    occluded: npt.NDArray[np.bool_] | None
    truth: Rendering


@dataclass(frozen=True)
class Filming:
    """How a scenario is filmed.

    Attributes:
        frames: Number of frames.
        sensor: Name of a depth sensor, a key of `SENSORS`.
        black_holes: Whether colour is black where there is no depth, as in SOR3D-AFF.
        narrow_depth: Whether depth covers only a part of the picture, as with an Azure Kinect.
    """

    frames: int
    sensor: str
    black_holes: bool = False
    narrow_depth: bool = False


def film(
    scenario: Scenario, renderer: Renderer, filming: Filming, rng: np.random.Generator
) -> Iterator[FilmedFrame]:
    """Yield the frames of a clip in order."""
    stage, viewpoint = scenario.stage, scenario.viewpoint
    renderer.load(stage.model)
    times = np.linspace(0, 1, filming.frames)
    middle = stage.shape(0.4)
    view = viewpoint.at(0.4)
    test = renderer.render(middle, middle, view, view, scenario.lighting.at(0.4), color=True)
    assert test.color is not None
    lighting = scenario.lighting.metered(test.color)
    shot = _Shot(scenario, filming, rng)
    now, waiting = stage.shape(0.0), None
    for index, time in enumerate(times.tolist()):
        after = times[min(index + 1, len(times) - 1)]
        then = stage.shape(after)
        rendering = renderer.render(
            now, then, viewpoint.at(time), viewpoint.at(after), lighting.at(time), color=True
        )
        if waiting is not None:  # a frame is finished when the next one is known
            yield shot.finish(waiting, rendering)
        waiting, now = rendering, then
    assert waiting is not None
    yield shot.finish(waiting, None)


class _Shot:
    """The sensors of one clip, turning renderings into frames."""

    def __init__(self, scenario: Scenario, filming: Filming, rng: np.random.Generator) -> None:
        self._stage, self._filming, self._rng = scenario.stage, filming, rng
        self._camera = scenario.viewpoint.camera
        self._color = draw_color_sensor(rng)
        self._depth = SENSORS[filming.sensor]
        self._state = draw_sensor_state(
            rng, self._camera.height, self._camera.width, narrow=filming.narrow_depth
        )

    def finish(self, rendering: Rendering, following: Rendering | None) -> FilmedFrame:
        stage, rng = self._stage, self._rng
        assert rendering.color is not None
        depth_mm = sense_depth(
            self._depth, self._state, rendering.depth_m, rendering.incidence,
            stage.brightness[rendering.part_id], stage.shine[rendering.part_id],
            self._camera.fx, rng,
        )  # fmt: skip
        color = sense_color(self._color, rendering.color, rng)
        if self._filming.black_holes:
            color[depth_mm == 0] = 0
        motion, occluded = None, None
        if following is not None:
            motion = rendering.motion_m
            occluded = hidden_next(self._camera, rendering.depth_m, motion, following.depth_m)
        return FilmedFrame(
            color, as_jpeg(color, self._color.jpeg_quality), depth_mm,
            stage.demonstrated[rendering.part_id], stage.affordances[rendering.part_id],
            stage.roles[rendering.part_id],
            motion, occluded, rendering,
        )  # fmt: skip
