# SPDX-License-Identifier: Apache-2.0
"""Hands that touch what they hold: fingers close, and palms advance, until the skin meets it."""

import numpy as np
from scipy.spatial import cKDTree

from affordance_seg_ros.training.synthesis.hand import CLOSED, FINGERS, OPEN, Fingers, Hand
from affordance_seg_ros.training.synthesis.mesh import Mesh, face_normals
from affordance_seg_ros.training.synthesis.rotations import Array

SKIN_GIVE_M = 0.0012
"""Soft skin may overlap the thing it presses by this much."""

_SPACING_M = 0.003
_MAX_SAMPLES = 12000


class ContactSurface:
    """A closed surface that answers how far points are from it.

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

    def distance(self, points: Array) -> Array:
        """Return (n,) distances [m] of (n, 3) points, negative inside."""
        gap, nearest = self._tree.query(points)
        height = ((points - self._points[nearest]) * self._normals[nearest]).sum(1)
        # Close by, the tangent plane of the sample is better than the sample itself.
        signed: Array = np.where(gap < 2 * _SPACING_M, height, np.sign(height) * gap)
        return signed


def advance(hand: Hand, skin: Array, surface: ContactSurface, start: Array, along: Array) -> Array:
    """Move an open hand until it touches.

    Args:
        hand: The hand.
        skin: (n, 3) its vertices in the frame of the surface, with the wrist at the origin.
        surface: What it is to touch.
        start: (3,) position of the wrist to start from.
        along: (3,) unit direction to move in, up to 0.2 m.

    Returns:
        (3,) position of the wrist at contact; the furthest if there is none.
    """
    reached = 0.0
    for step_m in (0.008, 0.002, 0.0005):
        while reached < 0.2:
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
    flexion = opened.flexion_rad.copy()
    # Whole finger, the two outer joints, the last joint.
    stages = (np.array([1.0, 1, 1]), np.array([0.0, 1, 1]), np.array([0.0, 0, 1]))
    chosen = [np.flatnonzero(hand.owners == finger) for finger in range(FINGERS)]
    for moving in stages:
        room = (closed.flexion_rad - flexion) * moving
        low, high = np.zeros(FINGERS), np.ones(FINGERS)
        # First the contact that comes first, in steps; then between the steps by halving.
        steps = 14
        stuck = np.zeros(FINGERS, bool)
        for step in range(1, steps + 1):
            share = np.where(stuck, low, step / steps)
            free = _free(hand, flexion + room * share[:, None], opened, surface, wrist, rotation,
                         chosen, floor_m)  # fmt: skip
            hit = ~stuck & ~free
            high[hit] = step / steps
            low[~stuck & free] = step / steps
            stuck |= hit
            if stuck.all():
                break
        for _ in range(4):
            middle = (low + high) / 2
            free = _free(hand, flexion + room * middle[:, None], opened, surface, wrist, rotation,
                         chosen, floor_m)  # fmt: skip
            low, high = np.where(free & stuck, middle, low), np.where(free, high, middle)
        flexion = flexion + room * np.where(stuck, low, 1.0)[:, None]
    return Fingers(flexion, opened.opposition_rad)


def _free(
    hand: Hand,
    flexion: Array,
    opened: Fingers,
    surface: ContactSurface,
    wrist: Array,
    rotation: Array,
    chosen: list[np.ndarray[tuple[int], np.dtype[np.int64]]],
    floor_m: float | None,
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell for each finger whether it is clear of the surface and the floor."""
    skin = hand.skin(Fingers(flexion, opened.opposition_rad)) @ rotation.T + wrist
    distance = surface.distance(skin)
    if floor_m is not None:
        distance = np.minimum(distance, skin[:, 2] - floor_m)
    return np.array([distance[ids].min() > -SKIN_GIVE_M for ids in chosen])
