# SPDX-License-Identifier: Apache-2.0
"""One randomly drawn scene: who does what with which object, where, under which light."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.training.synthesis.actions import (
    CUT_RAISE_RAD,
    HAMMER_RAISE_RAD,
    Manner,
    final_turn_rad,
    working_rotation,
)
from affordance_seg_ros.training.synthesis.arm import UpperBody
from affordance_seg_ros.training.synthesis.body import Body
from affordance_seg_ros.training.synthesis.catalogue import Demonstration, catalogue
from affordance_seg_ros.training.synthesis.clothes import draw_outfit, dress
from affordance_seg_ros.training.synthesis.distractors import draw_distractors
from affordance_seg_ros.training.synthesis.figure import Figure
from affordance_seg_ros.training.synthesis.lighting import Lighting, draw_lighting
from affordance_seg_ros.training.synthesis.object_shapes import SHAPES
from affordance_seg_ros.training.synthesis.objects import HandledObject
from affordance_seg_ros.training.synthesis.performance import Performance
from affordance_seg_ros.training.synthesis.props import Prop, draw_prop, placed
from affordance_seg_ros.training.synthesis.rendering import View
from affordance_seg_ros.training.synthesis.room import furnish
from affordance_seg_ros.training.synthesis.rotations import (
    Array,
    about_z,
    move,
    pose,
    unit,
)
from affordance_seg_ros.training.synthesis.scene_parts import Piece
from affordance_seg_ros.training.synthesis.stage import Stage
from affordance_seg_ros.training.synthesis.timeline import Timeline, draw_timeline
from affordance_seg_ros.training.synthesis.variation import Variation
from affordance_seg_ros.training.synthesis.viewpoint import Viewpoint, draw_viewpoint

_TOOL_ACTIONS = ("hammer", "cut", "paint")
_LEFT_HANDED_SHARE = 0.25
_RAISE_RAD = {"hammer": HAMMER_RAISE_RAD, "cut": CUT_RAISE_RAD}
_MIMED_HEIGHT_M = {"hammer": 0.05, "cut": 0.03, "paint": 0.002}
"""Height above the table at which a tool works if it has nothing to work on: the fist around it
stays above the table, too."""
_LOOKED_AT = {1.0: 0.9, 0.0: 0.5, 0.35: 0.5, 0.5: 0.5, 0.65: 0.5}
"""Share of the object that has to be in the picture, by time: nearly all of it at the end."""
_MAX_DRAWS = 1000
"""Draws of a viewpoint at most; 6 was the most needed in some thousand scenes of usual shape."""
_CLEAR_M = 0.12
"""Free space around the eye of a camera that stands among things."""


class Workpiece(NamedTuple):
    """What a tool is used on, and where: (3,) the point that the tool meets."""

    prop: Prop
    at_m: Array


@dataclass(frozen=True)
class Scenario:
    """Everything that a clip is rendered from.

    Attributes:
        demonstration: Object and action.
        kind: Variant of the object's shape.
        left_handed: Whether the person is left-handed.
        stage: What is there and how it moves.
        viewpoint: The camera.
        lighting: The light.
        timeline: What happens when.
        wide: Whether it is a wide scene.
    """

    demonstration: Demonstration
    kind: str
    left_handed: bool
    stage: Stage
    viewpoint: Viewpoint
    lighting: Lighting
    timeline: Timeline
    wide: bool

    def nearest_m(self) -> float:
        """Return how near the object comes to the camera [m]."""
        return min(
            _distance_m(self.stage.object_vertices(time), self.viewpoint.eye_m)
            for time in _LOOKED_AT
        )

    def from_another_viewpoint(
        self, rng: np.random.Generator, *, moving_camera: bool
    ) -> "Scenario":
        """Return the same scene from another viewpoint.

        Args:
            rng: Source of randomness.
            moving_camera: Whether the camera sways slowly.
        """
        camera = self.viewpoint.camera
        viewpoint = _draw_viewpoint(
            rng, self.stage, camera.width, camera.height, moving=moving_camera, wide=self.wide
        )
        return replace(self, viewpoint=viewpoint)


def draw_scenario(
    rng: np.random.Generator,
    demonstration: Demonstration,
    *,
    split: str,
    width: int,
    height: int,
    scenes: str = "table",
    moving_camera: bool = False,
    labels: LabelSet | None = None,
) -> Scenario:
    """Draw a scene in which a demonstration is shown.

    Args:
        rng: Source of all randomness.
        demonstration: Object and action.
        split: Which part of the objects' variety may be drawn.
        width: Picture width [px].
        height: Picture height [px].
        scenes: One of `SCENES`.
        moving_camera: Whether the camera sways slowly.
        labels: Label ids; None for the paper's nine.
    """
    vary = Variation(rng, split, scenes)
    thing = SHAPES[demonstration.object_name](vary)
    use = catalogue()[demonstration.object_name].actions[demonstration.action]
    person, figure = draw_person(rng)
    manner, workpiece = draw_manner(rng, thing, demonstration.action)
    timeline = draw_timeline(rng)
    performance = Performance(person, thing, demonstration.action, use.grip, manner, timeline, rng)
    pieces: list[Piece] = []
    busy = [manner.position_m, manner.target_m, manner.position_m + manner.shift_m]
    if workpiece is not None:
        pieces += placed(workpiece.prop, workpiece.at_m, float(rng.uniform(-0.3, 0.3)))
        busy.append(workpiece.at_m)
    if demonstration.action == "push":
        busy.append(manner.position_m + manner.push_direction * manner.push_m)
    pieces += draw_distractors(vary, demonstration.object_name, busy)
    pieces += furnish(vary, float(person.body.head("neck01")[0]))
    left_handed = bool(rng.random() < _LEFT_HANDED_SHARE)
    stage = Stage(
        thing, performance, person, figure, pieces, demonstration, rng,
        mirrored=left_handed, labels=labels or LabelSet(),
    )  # fmt: skip
    viewpoint = _draw_viewpoint(rng, stage, width, height, moving=moving_camera, wide=vary.wide)
    return Scenario(
        demonstration, thing.kind, left_handed, stage, viewpoint, draw_lighting(rng), timeline,
        vary.wide,
    )  # fmt: skip


def draw_person(rng: np.random.Generator) -> tuple[UpperBody, Figure]:
    """Draw somebody at the table, and how they look."""
    mix = rng.dirichlet((0.6, 0.6, 0.6))
    shoulder = (rng.uniform(0.02, 0.08), rng.uniform(0.47, 0.54), rng.uniform(0.36, 0.43))
    body = Body(mix, shoulder)
    figure = Figure(body, dress(body, draw_outfit(rng)))
    person = UpperBody(
        body,
        lean_rad=float(rng.uniform(0.08, 0.24)),
        gaze_rad=float(rng.uniform(0.3, 0.6)),
        swivel_rad=float(rng.uniform(0.1, 0.45)),
    )
    return person, figure


def _draw_viewpoint(
    rng: np.random.Generator,
    stage: Stage,
    width: int,
    height: int,
    *,
    moving: bool,
    wide: bool,
) -> Viewpoint:
    """Draw a camera that shows the object and that nothing comes too close to.

    Raises:
        ConfigError: None of many viewpoints does: the picture is too narrow for the object.
    """
    times = np.linspace(0, 1, 9) if wide else ()
    everything = [stage.shape(float(time)).positions for time in times]
    seen = {time: stage.object_vertices(time) for time in _LOOKED_AT}
    centre_m, extent_m = stage.scene_centre(), stage.object_extent_m()
    for _ in range(_MAX_DRAWS):
        viewpoint = draw_viewpoint(rng, width, height, centre_m, extent_m, moving=moving, wide=wide)
        clear_m = _CLEAR_M + float(np.linalg.norm(viewpoint.sway_m))
        if all(
            _share_in_view(seen[time], viewpoint.at(time)) > least
            for time, least in _LOOKED_AT.items()
        ) and all(_distance_m(each, viewpoint.eye_m) > clear_m for each in everything):
            return viewpoint
    raise ConfigError(
        f"pictures of {width}x{height} pixels: none of {_MAX_DRAWS} viewpoints shows all of the "
        "object; expected wider pictures"
    )


def _share_in_view(points_m: Array, view: View) -> float:
    """Return the share of an object's vertices that is in the picture, hidden or not."""
    pixels = view.camera.project(move(view.T_camera_world, points_m))
    inside = (pixels > -0.5) & (pixels < np.array([view.camera.width, view.camera.height]) - 0.5)
    return float(inside.all(-1).mean())


def _distance_m(points_m: Array, from_m: Array) -> float:
    return float(np.linalg.norm(points_m - from_m, axis=1).min())


def draw_manner(
    rng: np.random.Generator, thing: HandledObject, action: str
) -> tuple[Manner, Workpiece | None]:
    """Draw where an object is, how it is used, and the workpiece that a tool is used on.

    The workpiece lies there as often when the tool is grasped or lifted; otherwise it would give
    the action away.
    """
    rotation_at_end = about_z(float(rng.uniform(*thing.heading_rad)))
    amplitude, repeats = float(rng.uniform(0.8, 1.2)), int(rng.integers(2, 4))
    push = unit(np.array([rng.uniform(0.25, 1.0), -rng.uniform(0.15, 0.9), 0]))
    push_m = float(rng.uniform(0.07, 0.14))
    shift = np.array([rng.uniform(-0.04, 0.06), rng.uniform(-0.05, 0.03), 0])
    turn_rad = float(rng.uniform(0.15, 0.5) * rng.choice([-1, 1]))
    tool_heading_rad = float(rng.uniform(0.15, 0.55))
    # The place and turn at the end are drawn: the last picture must not reveal what was done.
    end = np.array([rng.uniform(-0.06, 0.12), rng.uniform(-0.13, 0.03), 0.0])
    if "handle" in thing.grips and not _stands(thing):
        turn_rad = -abs(turn_rad)  # the wrist does not go the other way
        # A tool lies with its handle, not its middle, where the hand expects it.
        end = end - rotation_at_end @ (thing.grips["handle"].point_m * (1, 1, 0))
        end = end + np.array([-0.11, 0.10, 0])
    manner = Manner(
        rotation=rotation_at_end,
        position_m=end,
        amplitude=amplitude,
        repeats=repeats,
        shift_m=shift,
        turn_rad=turn_rad,
        push_direction=push,
        push_m=push_m,
        target_m=end,
        tool_heading_rad=tool_heading_rad,
    )
    moved, turned_rad = np.zeros(3), 0.0
    if action == "push":
        moved = push * push_m
    elif action in (*_TOOL_ACTIONS, "lift"):
        moved = shift
    if action == "lift":
        turned_rad = turn_rad
    elif action == "rotate":
        turned_rad = final_turn_rad(thing, manner)
    begun = about_z(-turned_rad) @ rotation_at_end
    manner = replace(manner, rotation=begun, position_m=end - moved, target_m=end - moved)
    own = next((each for each in catalogue()[thing.name].actions if each in _TOOL_ACTIONS), "")
    if not own:
        return manner, None
    prop = draw_prop(rng, own) if rng.random() < 0.75 else None
    at_m = _draw_target(rng, thing, manner, own, pose(rotation_at_end, end))
    at_m[2] = prop.height_m if prop is not None else _MIMED_HEIGHT_M[own]
    if action == own:
        manner = replace(manner, target_m=at_m)
    return manner, None if prop is None else Workpiece(prop, at_m)


def _draw_target(
    rng: np.random.Generator, thing: HandledObject, manner: Manner, own: str, T_world_end: Array
) -> Array:
    """Draw the (3,) point a tool works on: in front of where it lies at the end, within reach."""
    away = np.array([rng.uniform(-0.02, 0.05), -rng.uniform(0.03, 0.08), 0])
    grip_m = thing.grips["handle"].point_m
    turned = T_world_end[:3, :3] if own == "paint" else working_rotation(manner, _RAISE_RAD[own])
    at_m: Array = move(T_world_end, grip_m) + away + turned @ (thing.tool_m - grip_m)
    return at_m


def _stands(thing: HandledObject) -> bool:
    return bool(abs(thing.grips["handle"].thumb[2]) > 0.5)
