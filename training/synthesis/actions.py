# SPDX-License-Identifier: Apache-2.0
"""How an object moves while it is used, one function for each action."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from affordance_seg_ros.training.synthesis.objects import HandledObject
from affordance_seg_ros.training.synthesis.rotations import (
    Array,
    about_x,
    about_z,
    axis_angle,
    pose,
    slerp,
    unit,
)
from affordance_seg_ros.training.synthesis.timeline import ease


class ObjectState(NamedTuple):
    """Where an object is.

    Attributes:
        T_world_object: (4, 4).
        squeeze: How much a soft object is compressed, in [0, 1].
        turn_rad: Turn of its turning parts about their z axis.
    """

    T_world_object: Array
    squeeze: float = 0.0
    turn_rad: float = 0.0


@dataclass(frozen=True)
class Manner:
    """How one demonstration of an action is done.

    Attributes:
        rotation: (3, 3) of the object at the start.
        position_m: (3,) of the object at the start.
        amplitude: Factor on heights, angles and strokes, around 1.
        repeats: Strokes, blows, squeezes.
        shift_m: (3,) displacement from where it is picked up to where it is put down.
        turn_rad: Turn about the vertical during that displacement.
        push_direction: (3,) horizontal unit direction of a push.
        push_m: Length of a push.
        target_m: (3,) point that a tool works on.
        tool_heading_rad: Direction of the tool at work, from straight ahead towards the left.
    """

    rotation: Array
    position_m: Array
    amplitude: float
    repeats: int
    shift_m: Array
    turn_rad: float
    push_direction: Array
    push_m: float
    target_m: Array
    tool_heading_rad: float


CUT_RAISE_RAD = -0.30
"""Largest angle by which the tip of a cutting knife is raised."""
HAMMER_RAISE_RAD = 0.16
"""Angle by which the head of a hammer is raised when it strikes."""

Motion = Callable[[float, HandledObject, Manner], ObjectState]


def _plateau(u: float, ramp: float = 0.2) -> float:
    """Return a rise from 0 to 1 and a fall back to 0, flat in between."""
    return ease(u / ramp) * ease((1 - u) / ramp)


def _placed(manner: Manner, u: float) -> tuple[Array, Array]:
    """Return the rotation and position on the table on the way from start to end."""
    share = ease(u)
    return about_z(manner.turn_rad * share) @ manner.rotation, (
        manner.position_m + manner.shift_m * share
    )


def _lift(u: float, thing: HandledObject, manner: Manner) -> ObjectState:
    rotation, position = _placed(manner, u)
    up = _plateau(u, 0.38)
    sway = axis_angle(manner.rotation[:, 1], 0.12 * up * np.sin(6 * u))
    height = np.array([0, 0, 0.15 * manner.amplitude * up])
    return ObjectState(pose(sway @ rotation, position + height))


def _grasp(u: float, thing: HandledObject, manner: Manner) -> ObjectState:
    """Take hold, feel the weight, let go: it leaves the table for the fingers to close."""
    up = _plateau(u, 0.3)
    height = np.array([0, 0, 0.040 * manner.amplitude * up])
    return ObjectState(pose(manner.rotation, manner.position_m + height))


def sweep_rad(manner: Manner) -> float:
    """Return the largest angle by which a rotated object is turned."""
    most = 1.265 if _there_and_back(manner) else 1.15
    return most * manner.amplitude * (1.0 if manner.turn_rad >= 0 else -1.0)


def final_turn_rad(thing: HandledObject, manner: Manner) -> float:
    """Return how far a rotated object stays turned: some are turned back, or only a part turns."""
    return 0.0 if thing.turning or _there_and_back(manner) else sweep_rad(manner)


def _there_and_back(manner: Manner) -> bool:
    return manner.repeats > 2


def _rotate(u: float, thing: HandledObject, manner: Manner) -> ObjectState:
    angle = sweep_rad(manner)
    angle *= np.sin(np.pi * ease(u)) if _there_and_back(manner) else ease(u)
    if thing.turning:
        return ObjectState(pose(manner.rotation, manner.position_m), turn_rad=float(angle))
    return ObjectState(pose(about_z(float(angle)) @ manner.rotation, manner.position_m))


def _push(u: float, thing: HandledObject, manner: Manner) -> ObjectState:
    way = manner.push_m * ease(u)
    position = manner.position_m + manner.push_direction * way
    if thing.roll_radius_m:
        roll = axis_angle(np.cross((0, 0, 1), manner.push_direction), way / thing.roll_radius_m)
        centre = np.array([0, 0, thing.roll_radius_m])
        rotation = roll @ manner.rotation
        return ObjectState(pose(rotation, position + centre - rotation @ centre))
    return ObjectState(pose(manner.rotation, position))


def _squeeze(u: float, thing: HandledObject, manner: Manner) -> ObjectState:
    pressed = np.sin(np.pi * manner.repeats * float(np.clip((u - 0.04) / 0.92, 0, 1))) ** 2
    up = np.array([0, 0, 0.03 * manner.amplitude * _plateau(u, 0.25)])
    state = pose(manner.rotation, manner.position_m + up)
    return ObjectState(state, squeeze=float(min(1.0, pressed * manner.amplitude)))


def _type(u: float, thing: HandledObject, manner: Manner) -> ObjectState:
    return ObjectState(pose(manner.rotation, manner.position_m))


def working_rotation(manner: Manner, raise_rad: float) -> Array:
    """Return a tool's rotation at work: ahead, edge or face down, its tip raised by an angle."""
    heading = manner.tool_heading_rad
    ahead = np.array([np.sin(heading), -np.cos(heading), 0.0])
    sideways = np.cross(ahead, (0, 0, 1))
    level = np.stack([ahead, np.array([0, 0, 1.0]), sideways], 1)
    return axis_angle(sideways, raise_rad) @ level


def _at_work(
    u: float, thing: HandledObject, manner: Manner, rotation: Array, tool_at_m: Array
) -> ObjectState:
    """Carry a tool from the table to where its tip should be, and back."""
    share = _plateau(u, 0.22)
    turned = slerp(manner.rotation, rotation, share)
    grip = thing.grips["handle"].point_m
    rest = manner.position_m + manner.shift_m * ease(u) + manner.rotation @ grip
    work = tool_at_m + rotation @ (grip - thing.tool_m)
    held = rest + share * (work - rest)
    # The tool must not pass through the table on the way: it turns while it is held higher.
    held = held + np.array([0, 0, 0.05 * 4 * share * (1 - share)])
    return ObjectState(pose(turned, held - turned @ grip))


def _hammer(u: float, thing: HandledObject, manner: Manner) -> ObjectState:
    beat = manner.repeats * float(np.clip((u - 0.16) / 0.68, 0, 1))
    # Stay on the nail for a moment between two blows: a camera at 10 frames/s has to see it.
    up = float(np.clip((beat % 1.0 - 0.15) / 0.7, 0, 1))
    swing = float(np.sin(np.pi * up)) ** 1.2 if 0 < beat < manner.repeats else 0.0
    rotation = working_rotation(manner, HAMMER_RAISE_RAD + 0.85 * manner.amplitude * swing)
    at_rest = working_rotation(manner, HAMMER_RAISE_RAD)
    arm = thing.grips["handle"].point_m - thing.tool_m
    hand_up = np.array([0, 0, 0.07 * manner.amplitude * swing])
    # The hand turns in place, so the tip is where the turn takes it.
    tip = manner.target_m + at_rest @ arm + hand_up - rotation @ arm
    return _at_work(u, thing, manner, rotation, tip)


def _cut(u: float, thing: HandledObject, manner: Manner) -> ObjectState:
    stroke = np.sin(2 * np.pi * manner.repeats * u)
    # The handle is the higher end: there is a fist around it.
    lower = 0.10 * manner.amplitude * (0.5 - 0.5 * stroke)
    rotation = working_rotation(manner, CUT_RAISE_RAD - lower)
    ahead = unit(rotation[:, 0] * (1, 1, 0))
    slide = 0.035 * manner.amplitude * stroke * ahead
    rise = np.array([0, 0, 0.012 * (0.5 + 0.5 * np.cos(4 * np.pi * manner.repeats * u))])
    return _at_work(u, thing, manner, rotation, manner.target_m + slide + rise)


def _paint(u: float, thing: HandledObject, manner: Manner) -> ObjectState:
    stroke = np.sin(2 * np.pi * manner.repeats * u)
    tilt = about_z(manner.turn_rad * 0.6) @ manner.rotation
    across = tilt[:, 1]
    dip = axis_angle(across, 0.62 + 0.08 * stroke)
    sweep = about_z(0.25 * stroke)
    rotation = sweep @ dip @ tilt @ about_x(0.15 * stroke)
    way = 0.06 * manner.amplitude * stroke * across
    return _at_work(u, thing, manner, rotation, manner.target_m + way)


ACTIONS: Mapping[str, Motion] = MappingProxyType(
    {
        "cut": _cut,
        "grasp": _grasp,
        "hammer": _hammer,
        "lift": _lift,
        "paint": _paint,
        "push": _push,
        "rotate": _rotate,
        "squeeze": _squeeze,
        "type": _type,
    }
)
"""Motion of the object for each action."""

DETACHED = ("push", "type")
"""Actions in which the hand does not hold the object."""
