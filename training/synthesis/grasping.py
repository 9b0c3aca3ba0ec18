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
    opened = OPEN[grip.style]
    skin = hand.skin(opened)
    turned = skin @ rotation.T
    if grip.style == "wrap":
        centre = np.array([hand.palm_centre[0] + 0.012, hand.palm_centre[1], 0.0])
        start = grip.point_m - rotation @ centre - 0.12 * palm
        wrist = advance(hand, turned, surface, start, palm)
    elif grip.style == "plate":
        thumb_tip = hand.tip(skin, 0)
        centre = np.array([thumb_tip[0] + 0.008, hand.palm_centre[1], thumb_tip[2] * 0.42])
        wrist = grip.point_m - rotation @ centre
    else:
        tips = np.array([hand.tip(skin, finger) for finger in (0, 1, 2)])
        wrist = grip.point_m - rotation @ (0.5 * tips[0] + 0.25 * (tips[1] + tips[2]))
        if floor_m is not None:
            lowest = float((turned + wrist)[:, 2].min())
            wrist = wrist + np.array([0, 0, max(0.0, floor_m + 0.002 - lowest)])
    closed = close_fingers(hand, grip.style, surface, wrist, rotation, floor_m=floor_m)
    approach = palm if grip.style != "plate" else rotation[:, 0]
    return Grasp(pose(rotation, wrist), opened, closed, approach)


def lay_against(hand: Hand, surface: ContactSurface, point_m: Array, palm: Array, thumb: Array) -> Grasp:
    """Lay a flat hand against a surface, from the side that it is to be pushed from."""
    rotation = hand_rotation(hand, thumb, palm)
    opened = OPEN["palm"]
    skin = hand.skin(opened)
    reach = np.array([hand.palm_centre[0] + 0.045, hand.palm_centre[1], 0.0])
    start = point_m - rotation @ reach - 0.15 * unit(palm)
    wrist = advance(hand, skin @ rotation.T, surface, start, unit(palm))
    closed = close_fingers(hand, "palm", surface, wrist, rotation)
    return Grasp(pose(rotation, wrist), opened, closed, unit(palm))
