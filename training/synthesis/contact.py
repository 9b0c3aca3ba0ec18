# SPDX-License-Identifier: Apache-2.0
"""Hands that touch what they hold: fingers close, and palms advance, until the skin meets it."""

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from affordance_seg_ros.training.synthesis.distance_field import DistanceField
from affordance_seg_ros.training.synthesis.hand import CLOSED, FINGERS, OPEN, Fingers, Hand
from affordance_seg_ros.training.synthesis.mesh import Mesh, face_normals
from affordance_seg_ros.training.synthesis.rotations import Array

SKIN_GIVE_M = 0.0012
"""Soft skin may overlap the thing it presses by this much."""

_SPACING_M = 0.003
_MAX_SAMPLES = 12000
_NEAR_M = 0.004
_STEPS, _HALVINGS = 14, 4
_THUMB_BENDS = ((-0.3, 0.0, 0.1), (0.0, 0.2, 0.2), (0.3, 0.4, 0.3))


class ContactSurface:
    """A closed surface that tells how far points are from it.

    Args:
        mesh: The surface; only the faces' outsides count.
        rng: Draws the samples.
    """

    def __init__(self, mesh: Mesh, rng: np.random.Generator) -> None:
        normals = face_normals(mesh.vertices, mesh.faces)
        area = np.linalg.norm(normals, axis=1) / 2
        count = int(np.clip(4 * area.sum() / _SPACING_M**2, 500, _MAX_SAMPLES))
        face = rng.choice(len(area), count, p=area / area.sum())
        a, b = rng.random((2, count))
        a, b = np.where(a + b > 1, 1 - a, a), np.where(a + b > 1, 1 - b, b)
        corners = mesh.vertices[mesh.faces[face]]
        self._points = (
            corners[:, 0]
            + a[:, None] * (corners[:, 1] - corners[:, 0])
            + b[:, None] * (corners[:, 2] - corners[:, 0])
        )
        self._normals = normals[face] / (2 * area[face])[:, None]
        self._tree = cKDTree(self._points)
        self._field = DistanceField(mesh)

    def distance(self, points: Array) -> Array:
        """Return (n,) distances [m] of (n, 3) points, negative inside."""
        distance = self._field(points)
        near = np.flatnonzero(np.abs(distance) < _NEAR_M)
        if len(near):
            # Close by, the tangent plane of the nearest sample is finer than the grid.
            _, nearest = self._tree.query(points[near])
            height = ((points[near] - self._points[nearest]) * self._normals[nearest]).sum(1)
            distance[near] = np.copysign(np.minimum(np.abs(height), _NEAR_M), distance[near])
        return distance


def advance(
    skin: Array, surface: ContactSurface, start: Array, along: Array, *, limit_m: float = 0.2
) -> Array:
    """Move an open hand until it touches.

    Args:
        skin: (n, 3) vertices that may touch, in the axes of the surface, wrist at the origin.
        surface: What the hand is to touch.
        start: (3,) position of the wrist to start from.
        along: (3,) unit direction to move in.
        limit_m: How far to move at most.

    Returns:
        (3,) position of the wrist at contact; the furthest one if there is no contact.
    """
    reached = 0.0
    for step_m in (0.008, 0.002, 0.0005):
        while reached + step_m <= limit_m:
            moved = skin + start + (reached + step_m) * along
            if surface.distance(moved).min() < -SKIN_GIVE_M:
                break
            reached += step_m
    return start + reached * along


def close_fingers(
    hand: Hand,
    style: str,
    surface: ContactSurface,
    wrist: Array,
    rotation: Array,
    *,
    floor_m: float | None = None,
) -> Fingers:
    """Close each finger until it touches, then its outer joints, as a hand does.

    Args:
        hand: The hand.
        style: Style of grip, a key of `OPEN`.
        surface: What is held.
        wrist: (3,) position in the frame of the surface.
        rotation: (3, 3) hand frame in the frame of the surface.
        floor_m: Height that the fingers must stay above, in the same frame; None for none.
    """
    opened, closed = OPEN[style], CLOSED[style]
    bent = opened
    chosen = [np.flatnonzero(hand.owners == finger) for finger in range(FINGERS)]

    def reached(moving: Array, share: Array) -> Fingers:
        room = (closed.flexion_rad - bent.flexion_rad) * moving
        thumb = float(share[0]) * moving[0]
        return Fingers(
            bent.flexion_rad + room * share[:, None],
            bent.opposition_rad + thumb * (closed.opposition_rad - bent.opposition_rad),
            bent.reach_rad + thumb * (closed.reach_rad - bent.reach_rad),
        )

    def free(fingers: Fingers) -> npt.NDArray[np.bool_]:
        """Tell for each finger whether it is clear of the surface and the floor."""
        skin = hand.skin(fingers) @ rotation.T + wrist
        distance = surface.distance(skin)
        if floor_m is not None:
            distance = np.minimum(distance, skin[:, 2] - floor_m)
        return np.array([distance[ids].min() > -SKIN_GIVE_M for ids in chosen])

    # Whole finger, the two outer joints, the last joint.
    for moving in (np.array([1.0, 1, 1]), np.array([0.0, 1, 1]), np.array([0.0, 0, 1])):
        low, high = np.zeros(FINGERS), np.ones(FINGERS)
        stuck = np.zeros(FINGERS, bool)
        # Find the first contact in steps, then refine it between two steps by bisection.
        for step in range(1, _STEPS + 1):
            clear = free(reached(moving, np.where(stuck, low, step / _STEPS)))
            high = np.where(~stuck & ~clear, step / _STEPS, high)
            low = np.where(~stuck & clear, step / _STEPS, low)
            stuck |= ~clear
            if stuck.all():
                break
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            clear = free(reached(moving, np.where(stuck, middle, low)))
            low, high = np.where(clear & stuck, middle, low), np.where(clear, high, middle)
        bent = reached(moving, np.where(stuck, low, 1.0))
    return bent


def reach_with_thumb(
    hand: Hand,
    fingers: Fingers,
    surface: ContactSurface,
    wrist: Array,
    rotation: Array,
    *,
    floor_m: float | None = None,
) -> Fingers:
    """Bring a thumb that closed on nothing to the surface, near the fingers.

    Args:
        hand: The hand.
        fingers: How the hand is bent, with the other fingers touching.
        surface: What is held.
        wrist: (3,) position in the frame of the surface.
        rotation: (3, 3) hand frame in the frame of the surface.
        floor_m: Height that the thumb must stay above; None for none.

    Returns:
        The same bend with a thumb that touches, or unchanged if none of the tried poses does.
    """
    thumb = hand.owners == 0
    index_tip = rotation @ hand.tip(hand.skin(fingers), 1) + wrist
    best, best_cost = fingers, np.inf
    for opposition in (0.5, 0.8, 1.1, 1.4):
        for bend in _THUMB_BENDS:
            for reach in np.linspace(-0.45, 0.75, 9):
                flexion = fingers.flexion_rad.copy()
                flexion[0] = bend
                tried = Fingers(flexion, opposition, float(reach))
                skin = hand.skin(tried)
                placed = skin[thumb] @ rotation.T + wrist
                if floor_m is not None and placed[:, 2].min() < floor_m - SKIN_GIVE_M:
                    continue
                gap = float(surface.distance(placed).min())
                if not -2 * SKIN_GIVE_M < gap < 2 * SKIN_GIVE_M:
                    continue
                tip = rotation @ hand.tip(skin, 0) + wrist
                # Touch with the tip, not the ball of the thumb, and not behind the fingertip.
                pad = float(surface.distance(tip[None])[0])
                cost = abs(pad - 0.006) + 0.3 * float(np.linalg.norm(tip - index_tip))
                if cost < best_cost:
                    best, best_cost = tried, cost
    return best
