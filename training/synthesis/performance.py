# SPDX-License-Identifier: Apache-2.0
"""One demonstration: where the object and the hands are at every moment."""

from typing import NamedTuple

import numpy as np

from affordance_seg_ros.training.synthesis.actions import (
    ACTIONS,
    DETACHED,
    Manner,
    ObjectState,
    final_turn_rad,
    sweep_rad,
)
from affordance_seg_ros.training.synthesis.arm import UpperBody
from affordance_seg_ros.training.synthesis.contact import ContactSurface, close_fingers
from affordance_seg_ros.training.synthesis.grasping import (
    Grasp,
    hand_rotation,
    lay_against,
    take_hold,
)
from affordance_seg_ros.training.synthesis.hand import OPEN, RELAXED, Fingers, Hand, HandPose
from affordance_seg_ros.training.synthesis.mesh import Mesh
from affordance_seg_ros.training.synthesis.objects import Grip, HandledObject
from affordance_seg_ros.training.synthesis.rotations import (
    Array,
    about_z,
    axis_angle,
    frame,
    invert,
    move,
    pose,
    slerp,
    unit,
)
from affordance_seg_ros.training.synthesis.softness import squeezed
from affordance_seg_ros.training.synthesis.sway import Sway
from affordance_seg_ros.training.synthesis.timeline import Timeline, ease

_DRIFT_M = (0.0004, 0.0015)
_WOBBLE_RAD = (0.002, 0.007)
_IDLE_RAD = (0.001, 0.005)
"""Root mean squares of the involuntary motion of a held object and of the back: guesses."""
_COMFORTABLE_RAD = 0.45
"""Turn of a wrist in the middle of its range, relative to how it would take an object: with it no
wrist bends by more than 85 degrees (8 each of cup, bottle, can, ball)."""
_APART_M = 0.01
"""Least distance between a hand at rest and the object."""
_MAX_RESTS = 12
"""Draws of a place for it at most; 5 of 4080 hands found none, all of them next to a hammer."""
_FREE_M = 0.01
"""Height from which a held object no longer rests on anything."""


class Moment(NamedTuple):
    """State of everything that moves.

    Attributes:
        thing: The object.
        right: The working hand.
        left: The other hand.
        idle_rad: (2,) lean and twist of the back beyond what the hands require.
    """

    thing: ObjectState
    right: HandPose
    left: HandPose
    idle_rad: Array


class Performance:
    """A planned demonstration.

    Args:
        body: The person who shows it.
        thing: The object.
        action: What is done, a key of `ACTIONS`.
        grip_name: How it is gripped, a key of the object's grips.
        manner: How it is done.
        timeline: When it is done.
        rng: Source of randomness for small details.
    """

    def __init__(
        self,
        body: UpperBody,
        thing: HandledObject,
        action: str,
        grip_name: str,
        manner: Manner,
        timeline: Timeline,
        rng: np.random.Generator,
    ) -> None:
        self._body, self._thing, self._action = body, thing, action
        self._manner, self._timeline = manner, timeline
        self._motion = ACTIONS[action]
        self._surface = ContactSurface(thing.solid(), rng)
        self._start = pose(manner.rotation, manner.position_m)
        self._tight: Fingers | None = None
        self._home_right = self._home(body.right, rng, (0.2, 0.34))
        self._home_left = self._home(body.left, rng, (0.33, 0.42))
        self._taps: list[Array] = []
        self._drift_m = Sway(rng, float(rng.uniform(*_DRIFT_M)))
        self._wobble_rad = Sway(rng, float(rng.uniform(*_WOBBLE_RAD)))
        self._idle_rad = Sway(rng, float(rng.uniform(*_IDLE_RAD)), axes=2)
        grip = thing.grips[grip_name]
        self._support: Grasp | None = None
        if action == "push":
            self._grasp = self._push_grasp()
        elif action == "type":
            self._grasp = self._tap_grasp(rng)
        elif grip.style == "palms":
            self._grasp = self._press(body.right, grip)
            self._support = self._press(body.left, grip)
        else:
            self._grasp = self._hold(grip)
            if thing.turning and action == "rotate" and rng.random() < 0.6:
                self._support = take_hold(body.left, thing.grips["support"], self._surface)

    def at(self, time: float) -> Moment:
        """Return the state at a time in [0, 1]."""
        line = self._timeline
        u = line.interact(time)
        thing = self._in_hand(time, self._motion(u, self._thing, self._manner))
        right = self._right(time, u, thing)
        left = self._home_left
        if self._support is not None:
            T = thing.T_world_object @ self._support.T_object_hand
            held = _hand_pose(T, _bent(self._support, line.close(time), 0.0))
            straight = unit(held.wrist_m - self._home_left.wrist_m)
            share = line.approach(time) * (1 - line.retreat(time))
            left = _between(self._home_left, held, straight, share)
        return Moment(thing, right, left, self._idle_rad.at(time))

    def _in_hand(self, time: float, state: ObjectState) -> ObjectState:
        """Return an object as a living hand holds it: off the table it is never quite still."""
        T = state.T_world_object
        free = float(np.clip((T[2, 3] - self._start[2, 3]) / _FREE_M, 0, 1))
        if not free or self._action in DETACHED:
            return state
        turn = free * self._wobble_rad.at(time)
        rotation = axis_angle(turn, float(np.linalg.norm(turn))) @ T[:3, :3]
        return state._replace(
            T_world_object=pose(rotation, T[:3, 3] + free * self._drift_m.at(time))
        )

    def _right(self, time: float, u: float, thing: ObjectState) -> HandPose:
        """Return the working hand: on its way, on the object, or on its way back."""
        line, grasp = self._timeline, self._grasp
        height = float(thing.T_world_object[2, 3] - self._start[2, 3])
        fingers = _bent(grasp, line.close(time), height)
        if self._tight is not None:
            fingers = fingers.towards(self._tight, thing.squeeze * line.close(time))
        T = thing.T_world_object @ pose(about_z(thing.turn_rad)) @ grasp.T_object_hand
        if self._action == "push":
            way = thing.T_world_object[:3, 3] - self._start[:3, 3]
            if self._thing.roll_radius_m:
                way = self._manner.push_direction * self._manner.push_m * ease(u)
            T = pose(None, way) @ self._start @ grasp.T_object_hand
        elif self._action == "type":
            T = pose(None, self._tap_offset(u)) @ self._start @ grasp.T_object_hand
        held = _hand_pose(T, fingers)
        rolls = self._thing.roll_radius_m > 0 and self._action == "push"
        # If the object was turned meanwhile, the hand leaves in the direction that turned with it.
        now = self._start if rolls else thing.T_world_object
        share = line.approach(time) if u <= 0 else 1 - line.retreat(time)
        return _between(self._home_right, held, now[:3, :3] @ grasp.approach, share)

    def _home(self, hand: Hand, rng: np.random.Generator, at_x_m: tuple[float, float]) -> HandPose:
        """Return a relaxed hand on the table, clear of the object at the beginning and the end."""
        ends = [self._motion(u, self._thing, self._manner).T_world_object for u in (0.0, 1.0)]
        homes: list[tuple[float, HandPose]] = []
        for _ in range(_MAX_RESTS):
            home = _resting(hand, rng, at_x_m)
            skin = hand.skin(home.fingers) @ home.rotation.T + home.wrist_m
            apart_m = min(float(self._surface.distance(move(invert(T), skin)).min()) for T in ends)
            homes.append((apart_m, home))
            if apart_m > _APART_M:
                break
        return max(homes, key=lambda each: each[0])[1]

    def _turning(self, grip: Grip) -> Grip:
        """Return a grip from which a wrist can follow the whole turn: its middle is comfortable."""
        manner = self._manner
        begun_rad = -final_turn_rad(self._thing, manner)
        R = about_z(_COMFORTABLE_RAD - begun_rad - 0.5 * sweep_rad(manner))
        return grip._replace(thumb=R @ grip.thumb, palm=R @ grip.palm)

    def _hold(self, grip: Grip) -> Grasp:
        if self._action == "rotate":
            grip = self._turning(grip)
        grasp = take_hold(self._body.right, grip, self._surface)
        if self._thing.soft_height_m:
            solid = self._thing.solid()
            soft = solid._replace(vertices=squeezed(solid.vertices, self._thing, 1.0))
            self._tight = _bend_again(self._body.right, grip, grasp, soft)
        return grasp

    def _press(self, hand: Hand, grip: Grip) -> Grasp:
        """Lay a flat hand against its side of an object that is lifted between both hands."""
        return lay_against(hand, self._surface, grip.point_m, hand.sign * grip.palm, grip.thumb)

    def _push_grasp(self) -> Grasp:
        """Lay the flat hand against the side that the push comes from."""
        solid = self._thing.solid()
        inverse = invert(self._start)[:3, :3]
        along = inverse @ self._manner.push_direction
        centre = (solid.vertices.min(0) + solid.vertices.max(0)) / 2
        height = float(np.ptp(solid.vertices[:, 2]))
        # The hand stands on its little finger; a low object meets only that finger.
        centre[2] = np.clip(0.5 * height, 0.044, 0.09)
        palm, thumb = unit(along), np.array([0, 0, 1.0])
        return lay_against(self._body.right, self._surface, centre, palm, thumb)

    def _tap_grasp(self, rng: np.random.Generator) -> Grasp:
        """Point with the index finger, its tip on the screen."""
        hand = self._body.right
        thumb = self._start[:3, :3].T @ np.array([1.0, 0.2, 0.0])
        palm = self._start[:3, :3].T @ np.array([0.15, 0.55, -1.0])
        rotation = hand_rotation(hand, thumb, palm)
        fingers = OPEN["point"]
        skin = hand.skin(fingers) @ rotation.T
        tip = rotation @ hand.tip(hand.skin(fingers), 1)
        near = np.linalg.norm(skin - tip, axis=1) < 0.02
        width, length, top = self._thing.screen_m
        self._taps = [
            np.array([rng.uniform(-0.36, 0.36) * width, rng.uniform(-0.4, 0.4) * length, 0])
            for _ in range(3 + self._manner.repeats)
        ]
        lift = top - float(skin[near, 2].min()) - 0.0008
        wrist = np.array([-tip[0], -tip[1], lift]) + self._taps[0]
        return Grasp(pose(rotation, wrist), fingers, fingers, fingers, np.array([0, 0, -1.0]))

    def _tap_offset(self, u: float) -> Array:
        """Return the finger's offset from the first tap: it moves from key to key in small arcs."""
        place = float(np.clip(u, 0, 0.999)) * (len(self._taps) - 1)
        index = int(place)
        share = place - index
        # Touch at both ends of each arc, and stay for a moment.
        eased = float(np.clip((share - 0.2) / 0.6, 0, 1))
        smooth = eased * eased * (3 - 2 * eased)
        here, there = self._taps[index], self._taps[index + 1]
        flat = here + smooth * (there - here) - self._taps[0]
        up = np.array([0, 0, 0.022 * np.sin(np.pi * eased)])
        offset: Array = self._start[:3, :3] @ flat + up
        return offset


def _bend_again(hand: Hand, grip: Grip, grasp: Grasp, mesh: Mesh) -> Fingers:
    """Return fingers that touch another shape of the same thing, with the hand staying in place."""
    surface = ContactSurface(mesh, np.random.default_rng(0))
    T = grasp.T_object_hand
    return close_fingers(hand, grip.style, surface, T[:3, 3], T[:3, :3])


def _bent(grasp: Grasp, share: float, height_m: float) -> Fingers:
    """Return the fingers when closed to a share, on an object lifted to a height."""
    free = float(np.clip((height_m - 0.018) / 0.014, 0, 1))  # fingertips reach under it
    return grasp.opened.towards(grasp.closed_low.towards(grasp.closed, free), share)


def _hand_pose(T: Array, fingers: Fingers) -> HandPose:
    return HandPose(T[:3, 3], T[:3, :3], fingers)


def _resting(hand: Hand, rng: np.random.Generator, at_x_m: tuple[float, float]) -> HandPose:
    """Return a relaxed hand on the table near its edge."""
    sign = hand.sign
    along = np.array([rng.uniform(0.0, 0.5) * sign, -1, 0.0])
    rotation = frame(along, (sign, 0.2, -0.12 * sign))
    fingers = RELAXED
    lowest = float((hand.skin(fingers) @ rotation.T)[:, 2].min())
    wrist = np.array([-sign * rng.uniform(*at_x_m), rng.uniform(0.2, 0.27), 0.003 - lowest])
    return HandPose(wrist, rotation, fingers)


def _between(home: HandPose, there: HandPose, approach: Array, share: float) -> HandPose:
    """Return a hand on its way: up, over, and in along the approach direction."""
    if share >= 1:
        return there
    over = there.wrist_m - 0.13 * unit(approach)
    over = np.array([over[0], over[1], max(over[2], there.wrist_m[2] + 0.04)])
    s = share
    wrist = (1 - s) ** 2 * home.wrist_m + 2 * s * (1 - s) * over + s * s * there.wrist_m
    wrist = wrist + np.array([0, 0, 0.05 * np.sin(np.pi * s) ** 2])
    rotation = slerp(home.rotation, there.rotation, min(1.0, 1.25 * s))
    return HandPose(wrist, rotation, home.fingers.towards(there.fingers, min(1.0, 1.4 * s)))
