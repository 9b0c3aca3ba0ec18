# SPDX-License-Identifier: Apache-2.0
"""From a grip on an object to a hand that really touches it."""

from typing import NamedTuple

import numpy as np

from affordance_seg_ros.training.synthesis.contact import (
    ContactSurface,
    advance,
    close_fingers,
    reach_with_thumb,
)
from affordance_seg_ros.training.synthesis.hand import CLOSED, FINGERS, OPEN, Fingers, Hand
from affordance_seg_ros.training.synthesis.objects import Grip
from affordance_seg_ros.training.synthesis.rotations import Array, axis_angle, pose, unit

_PINCH_PITCH_RAD = 0.3
_PINCH_SHIFTS_M = (0.01, 0.0, 0.02, 0.03, -0.01, 0.04)


class Grasp(NamedTuple):
    """A hand on an object.

    Attributes:
        T_object_hand: (4, 4) wrist and hand frame in the object's frame.
        opened: Fingers before and after the grasp.
        closed: Fingers that touch.
        closed_low: The same while the object lies on the table, which is in the fingers' way.
        approach: (3,) unit direction of the hand's last centimetres, in the object's frame.
    """

    T_object_hand: Array
    opened: Fingers
    closed: Fingers
    closed_low: Fingers
    approach: Array


def hand_rotation(hand: Hand, thumb: Array, palm: Array) -> Array:
    """Return the hand frame whose thumb and palm face the given directions."""
    back = -unit(palm)
    thumbward = unit(thumb - back * (thumb @ back))
    third = back * hand.sign
    return np.stack([np.cross(thumbward, third), thumbward, third], 1)


def take_hold(hand: Hand, grip: Grip, surface: ContactSurface) -> Grasp:
    """Place a hand on a grip and close it until it touches.

    Args:
        hand: The hand.
        grip: Where and how, in the object's frame.
        surface: The object's surface in its own frame, standing or lying on z = 0.
    """
    rotation = hand_rotation(hand, grip.thumb, grip.palm)
    palm = unit(grip.palm)
    if grip.style == "pinch":  # wrist high, so that the thumb is no lower than the fingertips
        rotation = axis_angle(rotation[:, 1], _PINCH_PITCH_RAD * hand.sign) @ rotation
    place = {"wrap": _wrap, "pinch": _pinch}[grip.style]
    wrist = place(hand, grip, rotation, palm, surface)
    low = close_fingers(hand, grip.style, surface, wrist, rotation, floor_m=0.001)
    closed = low
    if grip.style == "wrap":
        closed = close_fingers(hand, grip.style, surface, wrist, rotation)
    elif not _thumb_touches(hand, low, surface, wrist, rotation):
        low = reach_with_thumb(hand, low, surface, wrist, rotation, floor_m=0.001)
        closed = low
        if not _thumb_touches(hand, low, surface, wrist, rotation):
            closed = reach_with_thumb(hand, low, surface, wrist, rotation)
    return Grasp(pose(rotation, wrist), OPEN[grip.style], closed, low, palm)


def _wrap(hand: Hand, grip: Grip, rotation: Array, palm: Array, surface: ContactSurface) -> Array:
    """Press the palm on, with the thumb out of the way."""
    skin = hand.skin(OPEN["wrap"])[hand.owners != 0] @ rotation.T
    centre = np.array([hand.palm_centre[0] + 0.012, hand.palm_centre[1], 0.0])
    start = grip.point_m - rotation @ centre - 0.12 * palm
    if abs(palm[2]) < 0.5:  # around something that stands: keep off the table
        start[2] += max(0.0, 0.003 - float((skin + start)[:, 2].min()))
    return advance(skin, surface, start, palm)


def _pinch(hand: Hand, grip: Grip, rotation: Array, palm: Array, surface: ContactSurface) -> Array:
    """Come down around the grip, thumb on one side and fingers on the other."""
    skin = hand.skin(OPEN["pinch"])
    tips = np.array([hand.tip(skin, finger) for finger in (0, 1, 2)])
    centre = 0.5 * tips[0] + 0.25 * (tips[1] + tips[2])
    turned = skin @ rotation.T
    wrist = grip.point_m - rotation @ centre
    # Fingers reach lowest when they are half closed.
    working = (hand.owners == 1) | (hand.owners == 2)
    bending = [OPEN["pinch"].towards(CLOSED["pinch"], share) for share in (0, 0.2, 0.4, 0.6)]
    lowest = min(
        float((hand.skin(bent)[working] @ rotation.T + wrist)[:, 2].min()) for bent in bending
    )
    thumb = turned[hand.owners == 0]
    lowest = min(lowest, float((thumb + wrist)[:, 2].min()))
    wrist = wrist + np.array([0, 0, max(0.0, 0.002 - lowest)])
    back = 0.1
    wrist = advance(turned, surface, wrist - back * palm, palm, limit_m=back)
    # Of a few places along the fingers, take the one where most fingers meet the thing.
    forward = unit(rotation[:, 0] - palm * (rotation[:, 0] @ palm))
    places = [wrist + shift_m * forward for shift_m in _PINCH_SHIFTS_M]
    touching = [_touching(hand, surface, place, rotation) for place in places]
    return places[int(np.argmax(touching))]


def _thumb_touches(
    hand: Hand, fingers: Fingers, surface: ContactSurface, wrist: Array, rotation: Array
) -> bool:
    thumb = hand.skin(fingers)[hand.owners == 0] @ rotation.T + wrist
    return bool(surface.distance(thumb).min() < 0.002)


def _touching(hand: Hand, surface: ContactSurface, wrist: Array, rotation: Array) -> float:
    """Return how well thumb, index and middle finger hold a thing; the others count little."""
    fingers = close_fingers(hand, "pinch", surface, wrist, rotation, floor_m=0.001)
    distance = surface.distance(hand.skin(fingers) @ rotation.T + wrist)
    nearest = np.array([distance[hand.owners == finger].min() for finger in range(FINGERS)])
    in_touch = np.abs(nearest) < 0.002
    return float(in_touch @ np.array([1.6, 1.0, 1.0, 0.3, 0.1]))


def lay_against(
    hand: Hand, surface: ContactSurface, point_m: Array, palm: Array, thumb: Array
) -> Grasp:
    """Lay a flat hand against a surface, from the side that it is to be pushed from.

    Args:
        hand: The hand.
        surface: The object's surface in its own frame, standing on z = 0.
        point_m: (3,) point that the fingers should meet.
        palm: (3,) direction of the push.
        thumb: (3,) direction that the thumb's side of the hand faces.
    """
    rotation = hand_rotation(hand, thumb, palm)
    skin = hand.skin(OPEN["palm"]) @ rotation.T
    reach = np.array([hand.palm_centre[0] + 0.045, hand.palm_centre[1], 0.0])
    start = point_m - rotation @ reach - 0.18 * unit(palm)
    start = start + np.array([0, 0, max(0.0, 0.002 - float((skin + start)[:, 2].min()))])
    wrist = advance(skin, surface, start, unit(palm), limit_m=0.3)
    closed = close_fingers(hand, "palm", surface, wrist, rotation, floor_m=0.001)
    # Fingers that meet nothing stay straight.
    distance = surface.distance(hand.skin(closed) @ rotation.T + wrist)
    idle = [distance[hand.owners == finger].min() > 0.002 for finger in range(FINGERS)]
    flexion = np.where(np.array(idle)[:, None], OPEN["palm"].flexion_rad, closed.flexion_rad)
    closed = closed._replace(flexion_rad=flexion)
    return Grasp(pose(rotation, wrist), OPEN["palm"], closed, closed, unit(palm))
