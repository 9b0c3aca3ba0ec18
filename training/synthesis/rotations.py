# SPDX-License-Identifier: Apache-2.0
"""Rotations and rigid poses as matrices, with the few operations that posing needs."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def axis_angle(axis: npt.ArrayLike, angle_rad: float) -> Array:
    """Return the (3, 3) rotation by an angle about an axis of any length (Rodrigues)."""
    x, y, z = np.asarray(axis, np.float64) / np.linalg.norm(axis)
    K = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    rotation: Array = np.eye(3) + np.sin(angle_rad) * K + (1 - np.cos(angle_rad)) * (K @ K)
    return rotation


def about_x(angle_rad: float) -> Array:
    """Return the (3, 3) rotation about x."""
    return axis_angle((1, 0, 0), angle_rad)


def about_y(angle_rad: float) -> Array:
    """Return the (3, 3) rotation about y."""
    return axis_angle((0, 1, 0), angle_rad)


def about_z(angle_rad: float) -> Array:
    """Return the (3, 3) rotation about z."""
    return axis_angle((0, 0, 1), angle_rad)


def unit(vector: npt.ArrayLike) -> Array:
    """Return the (3,) vector at length 1."""
    v = np.asarray(vector, np.float64)
    scaled: Array = v / np.linalg.norm(v)
    return scaled


def frame(primary: npt.ArrayLike, secondary: npt.ArrayLike) -> Array:
    """Return a right-handed (3, 3) frame, its axes in the columns.

    The first axis is `primary`, the second lies in the plane of both, the third is their cross
    product.
    """
    a = unit(primary)
    b = np.asarray(secondary, np.float64)
    b = unit(b - a * (a @ b))
    return np.stack([a, b, np.cross(a, b)], 1)


def slerp(start: Array, end: Array, share: float) -> Array:
    """Return the rotation at a share in [0, 1] of the shortest turn from start to end."""
    turn = start.T @ end
    angle = float(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1)))
    axis = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
    length = np.linalg.norm(axis)
    if length < 1e-9:  # no turn at all, or half a turn whose axis is not defined
        return start if angle < 1 else (start if share < 0.5 else end)
    return start @ axis_angle(axis, angle * share)


def pose(rotation: Array | None = None, position_m: npt.ArrayLike = (0, 0, 0)) -> Array:
    """Return the (4, 4) rigid transform of a rotation and a position."""
    matrix = np.eye(4)
    if rotation is not None:
        matrix[:3, :3] = rotation
    matrix[:3, 3] = position_m
    return matrix


def move(matrix: Array, points: Array) -> Array:
    """Apply a (4, 4) rigid transform to (..., 3) points."""
    moved: Array = points @ matrix[:3, :3].T + matrix[:3, 3]
    return moved


def invert(matrix: Array) -> Array:
    """Return the inverse of a (4, 4) rigid transform."""
    rotation = matrix[:3, :3].T
    return pose(rotation, -rotation @ matrix[:3, 3])
