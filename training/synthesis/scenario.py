# SPDX-License-Identifier: Apache-2.0
"""One drawn scene: who does what with which object, where, under which light."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.training.synthesis.actions import Manner, working_rotation
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
from affordance_seg_ros.training.synthesis.room import furnish
from affordance_seg_ros.training.synthesis.rotations import about_z, unit
from affordance_seg_ros.training.synthesis.scene_parts import Piece
from affordance_seg_ros.training.synthesis.stage import Stage
from affordance_seg_ros.training.synthesis.timeline import Timeline, draw_timeline
from affordance_seg_ros.training.synthesis.variation import Variation
from affordance_seg_ros.training.synthesis.viewpoint import Viewpoint, draw_viewpoint

_TOOL_ACTIONS = ("hammer", "cut", "paint")
_LEFT_HANDED_SHARE = 0.25


@dataclass(frozen=True)
class Scenario:
    """Everything that a clip is rendered from.

    Attributes:
        demonstration: Object and action.
        kind: Variant of the object's shape.
        left_handed: Whether the person is.
        stage: What is there and how it moves.
        viewpoint: The camera.
        lighting: The light.
        timeline: When what happens.
    """

    demonstration: Demonstration
    kind: str
    left_handed: bool
    stage: Stage
    viewpoint: Viewpoint
    lighting: Lighting
    timeline: Timeline


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
        rng: Source of all chance.
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
    manner, prop = draw_manner(rng, thing, demonstration.action)
    timeline = draw_timeline(rng)
    performance = Performance(person, thing, demonstration.action, use.grip, manner, timeline, rng)
    pieces: list[Piece] = []
    if prop is not None:
        pieces += placed(prop, manner.target_m, float(rng.uniform(-0.3, 0.3)))
    busy = [manner.position_m, manner.target_m, manner.position_m + manner.shift_m]
    if demonstration.action == "push":
        busy.append(manner.position_m + manner.push_direction * manner.push_m)
    pieces += draw_distractors(vary, demonstration.object_name, busy)
    pieces += furnish(vary, float(person.body.head("neck01")[0]))
    left_handed = bool(rng.random() < _LEFT_HANDED_SHARE)
    stage = Stage(
        thing, performance, person, figure, pieces, demonstration, rng,
        mirrored=left_handed, labels=labels or LabelSet(),
    )  # fmt: skip
    viewpoint = draw_viewpoint(
        rng, width, height, stage.action_centre(), stage.object_extent_m(),
        moving=moving_camera, wide=vary.wide,
    )  # fmt: skip
    return Scenario(
        demonstration, thing.kind, left_handed, stage, viewpoint, draw_lighting(rng), timeline
    )


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


def draw_manner(
    rng: np.random.Generator, thing: HandledObject, action: str
) -> tuple[Manner, Prop | None]:
    """Draw where an object is and how it is used, and what a tool is used on."""
    heading = float(rng.uniform(*thing.heading_rad))
    rotation = about_z(heading)
    position = np.array([rng.uniform(-0.12, 0.06), rng.uniform(-0.05, 0.09), 0.0])
    # A tool lies with its handle, not its middle, where the hand expects it.
    if (
        "handle" in thing.grips
        and action in (*_TOOL_ACTIONS, "grasp", "lift")
        and not _stands(thing)
    ):
        position = position - rotation @ (thing.grips["handle"].point_m * (1, 1, 0))
        position = position + np.array([-0.05, 0.02, 0])
    amplitude, repeats = float(rng.uniform(0.8, 1.2)), int(rng.integers(2, 4))
    push = unit(np.array([rng.uniform(0.25, 1.0), -rng.uniform(0.15, 0.9), 0]))
    manner = Manner(
        rotation=rotation,
        position_m=position,
        amplitude=amplitude,
        repeats=repeats,
        shift_m=np.array([rng.uniform(-0.04, 0.06), rng.uniform(-0.05, 0.03), 0]),
        turn_rad=float(rng.uniform(0.15, 0.5) * rng.choice([-1, 1])),
        push_direction=push,
        push_m=float(rng.uniform(0.07, 0.14)),
        target_m=position,
        tool_heading_rad=float(rng.uniform(0.15, 0.55)),
    )
    if action not in _TOOL_ACTIONS:
        return manner, None
    prop = draw_prop(rng, action) if rng.random() < 0.75 else None
    height = prop.height_m if prop is not None else 0.002
    away = np.array([rng.uniform(-0.02, 0.05), -rng.uniform(0.03, 0.08), 0])
    grip_m = thing.grips["handle"].point_m
    held = position + rotation @ grip_m
    turned = rotation if action == "paint" else working_rotation(manner, 0.1)
    target = held + away + turned @ (thing.tool_m - grip_m)
    target[2] = height
    return _with_target(manner, target), prop


def _with_target(manner: Manner, target: npt.NDArray[np.float64]) -> Manner:
    return replace(manner, target_m=target)


def _stands(thing: HandledObject) -> bool:
    return bool(abs(thing.grips["handle"].thumb[2]) > 0.5)
