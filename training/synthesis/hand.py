# SPDX-License-Identifier: Apache-2.0
"""One hand: its frame, how its fingers bend, and where its skin is."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from affordance_seg_ros.training.synthesis.body import Body, Posed, is_hand
from affordance_seg_ros.training.synthesis.rotations import Array, axis_angle, frame

FINGERS = 5
"""Thumb first."""


class Fingers(NamedTuple):
    """How the fingers are bent.

    Attributes:
        flexion_rad: (5, 3) bend of each joint, thumb first, knuckle first.
        opposition_rad: How far the thumb turns across the palm.
        reach_rad: How far the thumb swings from the wrist towards the fingertips.
    """

    flexion_rad: Array
    opposition_rad: float
    reach_rad: float = 0.0

    def towards(self, other: "Fingers", share: float) -> "Fingers":
        """Return the pose at a share of the way to another one."""
        return Fingers(
            self.flexion_rad + share * (other.flexion_rad - self.flexion_rad),
            self.opposition_rad + share * (other.opposition_rad - self.opposition_rad),
            self.reach_rad + share * (other.reach_rad - self.reach_rad),
        )


def _fingers(opposition: float, *rows: tuple[float, float, float], reach: float = 0.0) -> Fingers:
    return Fingers(np.array(rows), opposition, reach)


RELAXED = _fingers(0.15, (0.05, 0.1, 0.15), (0.0, 0.12, 0.1), (0.02, 0.15, 0.1),
                   (0.06, 0.17, 0.1), (0.1, 0.2, 0.1))  # fmt: skip
# The base mesh's own hand is bent by about 0.5 rad, hence the negative angles.
FLAT = _fingers(0.0, (-0.1, 0.0, 0.05), (-0.36, -0.06, 0.0), (-0.4, -0.06, 0.0),
                (-0.38, -0.06, 0.0), (-0.34, -0.06, 0.0))  # fmt: skip

OPEN: Mapping[str, Fingers] = MappingProxyType(
    {
        "wrap": _fingers(-0.35, (-0.2, 0.0, 0.1), (-0.3, 0.05, 0.1), (-0.3, 0.05, 0.1),
                         (-0.28, 0.06, 0.1), (-0.26, 0.08, 0.1)),
        "pinch": _fingers(1.3, (-0.3, 0.0, 0.1), (-0.2, 0.35, 0.2), (-0.18, 0.35, 0.2),
                          (-0.12, 0.38, 0.22), (-0.05, 0.42, 0.25), reach=-0.45),
        "palm": FLAT,
        "point": _fingers(0.5, (0.3, 0.5, 0.5), (0.25, 0.25, 0.15), (1.25, 1.3, 0.8),
                          (1.3, 1.35, 0.8), (1.35, 1.35, 0.8)),
    }
)  # fmt: skip
"""The hand before it takes hold, by style of grip."""

CLOSED: Mapping[str, Fingers] = MappingProxyType(
    {
        "wrap": _fingers(0.7, (0.8, 0.8, 0.9), (1.5, 1.7, 1.2), (1.5, 1.7, 1.2),
                         (1.5, 1.7, 1.2), (1.5, 1.7, 1.2)),
        "pinch": _fingers(1.3, (-0.2, 0.1, 0.2), (1.3, 1.0, 0.7), (1.35, 1.05, 0.7),
                          (1.4, 1.1, 0.75), (1.4, 1.15, 0.8), reach=0.5),
        "palm": _fingers(0.0, (0.35, 0.4, 0.4), (0.6, 0.6, 0.5), (0.6, 0.6, 0.5),
                         (0.6, 0.6, 0.5), (0.6, 0.6, 0.5)),
        "point": _fingers(0.5, (0.3, 0.5, 0.5), (0.25, 0.25, 0.15), (1.25, 1.3, 0.8),
                          (1.3, 1.35, 0.8), (1.35, 1.35, 0.8)),
    }
)  # fmt: skip
"""How far each style closes if nothing is in the way."""


class HandPose(NamedTuple):
    """Where a hand is and how it is bent.

    Attributes:
        wrist_m: (3,) position, world frame.
        rotation: (3, 3) hand frame: along the fingers, towards the thumb, and their cross product
            (which points out of the back of a right hand, and out of the palm of a left one).
        fingers: Bend of the fingers.
    """

    wrist_m: Array
    rotation: Array
    fingers: Fingers


class Hand:
    """The rest geometry of one hand of a body.

    Args:
        body: The person.
        side: "R" or "L".
    """

    def __init__(self, body: Body, side: str) -> None:
        self._body = body
        self.side = side
        self.sign = 1.0 if side == "R" else -1.0
        self.wrist = body.head(f"wrist.{side}")
        along = body.head(f"finger3-1.{side}") - self.wrist
        across = body.head(f"finger2-1.{side}") - body.head(f"finger5-1.{side}")
        self.rest_frame = frame(along, across)
        self.palm_normal_rest = -self.sign * self.rest_frame[:, 2]
        weights = body.data.weights
        chosen = is_hand(side)
        of_hand = body.weight_of(chosen) > 0.5
        self.vertex_ids = np.flatnonzero(of_hand)
        owner = np.asarray(weights[self.vertex_ids].argmax(1)).ravel()
        names = np.array(body.data.names)[owner]
        self.owners = np.array(
            [int(n[6]) - 1 if n.startswith("finger") else -1 for n in names]
        )  # finger of each vertex, -1 for the palm
        self._weights = weights[self.vertex_ids]
        knuckles = np.mean([body.head(f"finger{k}-1.{side}") for k in (2, 3, 4, 5)], 0)
        self.palm_centre = self.to_hand(0.7 * knuckles + 0.3 * self.wrist)

    def to_hand(self, rest_points: Array) -> Array:
        """Return points of the rest pose in the hand frame (origin at the wrist)."""
        moved: Array = (rest_points - self.wrist) @ self.rest_frame
        return moved

    def bones(self, fingers: Fingers) -> dict[str, tuple[Array, Array]]:
        """Return each bone's rotation from rest and its start, with the hand itself at rest."""
        body, side = self._body, self.side
        placed = {f"wrist.{side}": (np.eye(3), self.wrist)}
        for k in range(1, 5):
            name = f"metacarpal{k}.{side}"
            placed[name] = (np.eye(3), body.head(name))
        along, thumbward, _ = self.rest_frame.T
        palm = self.palm_normal_rest
        for finger in range(1, FINGERS + 1):
            rotation, start = np.eye(3), body.head(f"finger{finger}-1.{side}")
            previous = start
            for joint in range(1, 4):
                name = f"finger{finger}-{joint}.{side}"
                rest_start = body.head(name)
                start = start + rotation @ (rest_start - previous)
                previous = rest_start
                bone = body.tails[body.index(name)] - rest_start
                # The thumb bends across the palm, the others towards it.
                towards = palm * 0.45 - thumbward * 0.9 if finger == 1 else palm
                if finger == 1 and joint == 1:
                    rotation = axis_angle(thumbward, -self.sign * fingers.reach_rad) @ axis_angle(
                        along, -self.sign * fingers.opposition_rad
                    )
                bend = fingers.flexion_rad[finger - 1, joint - 1]
                rotation = rotation @ axis_angle(np.cross(bone, towards), float(bend))
                placed[name] = (rotation, start)
        return placed

    def skin(self, fingers: Fingers) -> Array:
        """Return the (n, 3) vertices of the bent hand, in the hand frame."""
        posed = Posed(
            np.tile(np.eye(3), (len(self._body.data.names), 1, 1)), self._body.heads.copy()
        )
        for name, (rotation, start) in self.bones(fingers).items():
            index = self._body.index(name)
            posed.rotations[index], posed.positions[index] = rotation, start
        rest = self._body.rest[self.vertex_ids]
        return self.to_hand(self._body.skin_points(rest, self._weights, posed))

    def tip(self, skin: Array, finger: int) -> Array:
        """Return (3,) the outermost point of a finger (0 is the thumb) in the hand frame."""
        name = f"finger{finger + 1}-3.{self.side}"
        column = self._weights[:, self._body.index(name)].toarray().ravel()
        rest = self._body.rest[self.vertex_ids]
        end = self._body.tails[self._body.index(name)]
        distance = np.linalg.norm(rest - end, axis=1) + 10 * (column < 0.5)
        nearest = np.argsort(distance)[:12]
        tip: Array = skin[nearest].mean(0)
        return tip
