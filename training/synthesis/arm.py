# SPDX-License-Identifier: Apache-2.0
"""Posing of the whole upper body: torso, head, and two arms that follow their hands."""

import numpy as np

from affordance_seg_ros.training.synthesis.body import Body, Posed
from affordance_seg_ros.training.synthesis.hand import Hand, HandPose
from affordance_seg_ros.training.synthesis.rotations import (
    Array,
    about_x,
    about_z,
    axis_angle,
    frame,
    slerp,
    unit,
)

# Share of the lean that is reached at each bone of the back, from the hips up.
_SPINE = (
    ("spine05", 0.15), ("spine04", 0.4), ("spine03", 0.65), ("spine02", 0.85), ("spine01", 1.0),
)  # fmt: skip
_MAX_STRETCH = 0.985


class UpperBody:
    """Poses a body so that its hands reach the requested poses.

    Args:
        body: The person.
        lean_rad: How far the back leans forward at rest.
        gaze_rad: How far the head looks down, beyond the lean.
        swivel_rad: Turn of the elbows outwards.
    """

    def __init__(self, body: Body, *, lean_rad: float, gaze_rad: float, swivel_rad: float) -> None:
        self.body = body
        self.right, self.left = Hand(body, "R"), Hand(body, "L")
        self._lean_rad, self._gaze_rad, self._swivel_rad = lean_rad, gaze_rad, swivel_rad

    def pose(
        self, right: HandPose, left: HandPose, idle_rad: tuple[float, float] | Array = (0.0, 0.0)
    ) -> Posed:
        """Return the skeleton that brings both hands to the given poses.

        Args:
            right: Pose of the right hand.
            left: Pose of the left hand.
            idle_rad: Lean and twist of the back beyond what the hands require.
        """
        reach = max(self._missing_m(self.right, right), self._missing_m(self.left, left))
        twist = 0.5 * (self._missing_m(self.right, right) - self._missing_m(self.left, left))
        lean, turn = (float(each) for each in idle_rad)
        posed = self._torso(self._lean_rad + 1.6 * reach + lean, 1.2 * twist + turn)
        self._arm(posed, self.right, right)
        self._arm(posed, self.left, left)
        return posed

    def _missing_m(self, hand: Hand, target: HandPose) -> float:
        """Return a smooth measure of how much too short the arm is to reach comfortably."""
        upper, fore = self._lengths(hand)
        shoulder = self.body.head(f"upperarm01.{hand.side}")
        over = float(np.linalg.norm(target.wrist_m - shoulder)) - 0.86 * (upper + fore)
        return float(np.logaddexp(0, over * 30) / 30)

    def _lengths(self, hand: Hand) -> tuple[float, float]:
        shoulder, elbow, wrist = (
            self.body.head(f"{bone}.{hand.side}") for bone in ("upperarm01", "lowerarm01", "wrist")
        )
        return float(np.linalg.norm(elbow - shoulder)), float(np.linalg.norm(wrist - elbow))

    def _torso(self, lean_rad: float, twist_rad: float) -> Posed:
        body = self.body
        names, parents = body.data.names, body.data.parents
        chosen = {
            bone: about_z(twist_rad * share) @ about_x(lean_rad * share) for bone, share in _SPINE
        }
        upright = chosen["spine01"]
        chosen["neck01"] = about_x(self._gaze_rad * 0.4) @ upright
        chosen["head"] = about_x(self._gaze_rad) @ upright
        rotations = np.tile(np.eye(3), (len(names), 1, 1))
        positions = body.heads.copy()
        for k, (name, parent) in enumerate(zip(names, parents.tolist(), strict=True)):
            if parent >= 0:
                R = rotations[parent]
                positions[k] = positions[parent] + R @ (body.heads[k] - body.heads[parent])
                rotations[k] = chosen.get(name, R)
        return Posed(rotations, positions)

    def _arm(self, posed: Posed, hand: Hand, target: HandPose) -> None:
        """Solve two-bone inverse kinematics; the shoulder follows where the arm is too short."""
        body, side, sign = self.body, hand.side, hand.sign
        at = {bone: body.index(f"{bone}.{side}") for bone in _ARM_BONES}
        rest = {bone: body.head(f"{bone}.{side}") for bone in _ARM_BONES}
        upper, fore = self._lengths(hand)
        shoulder = posed.positions[at["upperarm01"]].copy()
        distance = float(np.linalg.norm(target.wrist_m - shoulder))
        stretch = max(0.0, distance - _MAX_STRETCH * (upper + fore))
        shift = stretch * unit(target.wrist_m - shoulder)
        shoulder += shift
        to_wrist = target.wrist_m - shoulder
        distance = float(np.linalg.norm(to_wrist))
        towards = to_wrist / distance
        cosine = np.clip((upper**2 + distance**2 - fore**2) / (2 * upper * distance), -1, 1)
        down = axis_angle(towards, sign * self._swivel_rad) @ np.array([-0.55 * sign, 0.15, -1])
        outward = unit(down - towards * (down @ towards))
        elbow = shoulder + upper * (cosine * towards + np.sqrt(1 - cosine**2) * outward)

        rest_upper = rest["lowerarm01"] - rest["upperarm01"]
        rest_fore = hand.wrist - rest["lowerarm01"]
        rest_hinge, hinge = (
            np.cross(rest_upper, rest_fore),
            np.cross(elbow - shoulder, target.wrist_m - elbow),
        )
        R_upper = frame(elbow - shoulder, hinge) @ frame(rest_upper, rest_hinge).T
        R_fore = frame(target.wrist_m - elbow, hinge) @ frame(rest_fore, rest_hinge).T
        R_hand = target.rotation @ hand.rest_frame.T
        axis = unit(target.wrist_m - elbow)
        twist = _twist(axis, R_fore @ hand.rest_frame[:, 1], R_hand @ hand.rest_frame[:, 1])
        near, far = axis_angle(axis, 0.3 * twist) @ R_fore, axis_angle(axis, 0.75 * twist) @ R_fore

        def put(bone: str, rotation: Array, position: Array) -> None:
            posed.rotations[at[bone]], posed.positions[at[bone]] = rotation, position

        for bone, share in (("clavicle", 0.2), ("shoulder01", 0.6)):
            posed.positions[at[bone]] += shift * share
        torso = posed.rotations[at["clavicle"]]
        put("upperarm01", slerp(torso, R_upper, 0.8), shoulder)
        put("upperarm02", R_upper, shoulder + R_upper @ (rest["upperarm02"] - rest["upperarm01"]))
        put("lowerarm01", near, elbow)
        put("lowerarm02", far, elbow + near @ (rest["lowerarm02"] - rest["lowerarm01"]))
        for name, (rotation, start) in hand.bones(target.fingers).items():
            k = body.index(name)
            posed.rotations[k] = R_hand @ rotation
            posed.positions[k] = target.wrist_m + R_hand @ (start - hand.wrist)


_ARM_BONES = ("clavicle", "shoulder01", "upperarm01", "upperarm02", "lowerarm01", "lowerarm02")


def _twist(axis: Array, start: Array, end: Array) -> float:
    """Return the angle about an axis that turns one direction into another."""
    a, b = (v - axis * (v @ axis) for v in (start, end))
    return float(np.arctan2(np.cross(a, b) @ axis, a @ b))
