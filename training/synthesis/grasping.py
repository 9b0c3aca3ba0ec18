# SPDX-License-Identifier: Apache-2.0
"""From a grip of an object to a hand that really touches it."""

from typing import NamedTuple

import numpy as np

from affordance_seg_ros.training.synthesis.contact import ContactSurface, advance, close_fingers
from affordance_seg_ros.training.synthesis.hand import OPEN, Fingers, Hand
from affordance_seg_ros.training.synthesis.objects import Grip
from affordance_seg_ros.training.synthesis.rotations import Array, pose, unit


class Grasp(NamedTuple):
    """A hand on an object.

    Attributes:
        T_object_hand: (4, 4) wrist and hand frame in the object's frame.
        opened: Fingers before and after.
        closed: Fingers that touch.
        approach: (3,) unit direction of the hand's last centimetres, in the object's frame.
    """

    T_object_hand: Array
    opened: Fingers
    closed: Fingers
    approach: Array


def hand_rotation(hand: Hand, thumb: Array, palm: Array) -> Array:
    """Return the hand frame whose thumb and palm face the given directions."""
    back = -unit(palm)
    thumbward = unit(thumb - back * (thumb @ back))
    third = back * hand.sign
    return np.stack([np.cross(thumbward, third), thumbward, third], 1)


def take_hold(
    hand: Hand, grip: Grip, surface: ContactSurface, *, floor_m: float | None = None
) -> Grasp:
    """Place a hand on a grip and close it until it touches.

    Args:
        hand: The hand.
        grip: Where and how, in the object's frame.
        surface: The object's surface in its own frame.
        floor_m: Height in the object's frame that fingertips stay above; None for none.
    """
    rotation = hand_rotation(hand, grip.thumb, grip.palm)
    palm = unit(grip.palm)
    place = {"wrap": _wrap, "pinch": _pinch, "plate": _plate}[grip.style]
    wrist = place(hand, grip, rotation, palm, surface, floor_m)
    closed = close_fingers(hand, grip.style, surface, wrist, rotation, floor_m=floor_m)
    approach = rotation[:, 0] if grip.style == "plate" else palm
    return Grasp(pose(rotation, wrist), OPEN[grip.style], closed, approach)


def _wrap(
    hand: Hand, grip: Grip, rotation: Array, palm: Array, surface: ContactSurface,
    floor_m: float | None,
) -> Array:  # fmt: skip
    """Press the palm on, thumb out of the way."""
    skin = hand.skin(OPEN["wrap"])[hand.owners != 0] @ rotation.T
    centre = np.array([hand.palm_centre[0] + 0.012, hand.palm_centre[1], 0.0])
    return advance(skin, surface, grip.point_m - rotation @ centre - 0.12 * palm, palm)


def _pinch(
    hand: Hand, grip: Grip, rotation: Array, palm: Array, surface: ContactSurface,
    floor_m: float | None,
) -> Array:  # fmt: skip
    """Come down around the grip, then bring the thumb to it; the fingers will meet it."""
    skin = hand.skin(OPEN["pinch"])
    tips = np.array([hand.tip(skin, finger) for finger in (0, 1, 2)])
    centre = 0.5 * tips[0] + 0.25 * (tips[1] + tips[2])
    turned = skin @ rotation.T
    wrist = grip.point_m - rotation @ centre
    if floor_m is not None:
        lowest = float((turned + wrist)[:, 2].min())
        wrist = wrist + np.array([0, 0, max(0.0, floor_m + 0.002 - lowest)])
    back = 0.1
    wrist = advance(turned, surface, wrist - back * palm, palm, limit_m=back)
    thumb = turned[hand.owners == 0]
    return advance(thumb, surface, wrist, rotation[:, 0], limit_m=0.08)


def _plate(
    hand: Hand, grip: Grip, rotation: Array, palm: Array, surface: ContactSurface,
    floor_m: float | None,
) -> Array:  # fmt: skip
    """Slide flat fingers under, thumb above."""
    skin = hand.skin(OPEN["plate"])
    reach = np.array([hand.tip(skin, 0)[0] - 0.01, hand.palm_centre[1], 0.0])
    under = skin[hand.owners != 0] @ rotation.T
    return advance(under, surface, grip.point_m - rotation @ reach - 0.06 * palm, palm)


def lay_against(
    hand: Hand, surface: ContactSurface, point_m: Array, palm: Array, thumb: Array
) -> Grasp:
    """Lay a flat hand against a surface, from the side that it is to be pushed from.

    Args:
        hand: The hand.
        surface: The object's surface in its own frame, standing on z = 0.
        point_m: (3,) what the fingers should meet.
        palm: (3,) direction of the push.
        thumb: (3,) direction that the thumb's side faces.
    """
    rotation = hand_rotation(hand, thumb, palm)
    skin = hand.skin(OPEN["palm"]) @ rotation.T
    reach = np.array([hand.palm_centre[0] + 0.045, hand.palm_centre[1], 0.0])
    start = point_m - rotation @ reach - 0.18 * unit(palm)
    start = start + np.array([0, 0, max(0.0, 0.002 - float((skin + start)[:, 2].min()))])
    wrist = advance(skin, surface, start, unit(palm), limit_m=0.3)
    closed = close_fingers(hand, "palm", surface, wrist, rotation, floor_m=0.001)
    return Grasp(pose(rotation, wrist), OPEN["palm"], closed, unit(palm))
