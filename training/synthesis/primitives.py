# SPDX-License-Identifier: Apache-2.0
"""The solids that objects and furniture are built from; z is up, lengths in metres."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.training.synthesis.mesh import Mesh, merge
from affordance_seg_ros.training.synthesis.rotations import Array, unit


def grid_faces(rows: int, columns: int) -> npt.NDArray[np.int32]:
    """Return the triangles of a grid of rows x columns vertices, row by row."""
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij")
    a = (i * columns + j).ravel()
    b, c, d = a + 1, a + columns, a + columns + 1
    return np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)]).astype(np.int32)


def outward(mesh: Mesh) -> Mesh:
    """Return a closed mesh with its faces turned so that normals point outwards."""
    corners = mesh.vertices[mesh.faces]
    volume = np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))
    return mesh if volume > 0 else mesh._replace(faces=mesh.faces[:, ::-1].copy())


def lathe(profile_m: Sequence[tuple[float, float]] | Array, segments: int = 36) -> Mesh:
    """Revolve a profile of (radius, height) pairs about z; faces point outwards if it runs upwards.

    The texture goes once around and once along the profile.
    """
    profile = np.asarray(profile_m, np.float64)
    turn = np.linspace(0, 2 * np.pi, segments + 1)
    height = np.broadcast_to(profile[:, 1], (segments + 1, len(profile)))
    vertices = np.stack(
        [np.outer(np.cos(turn), profile[:, 0]), np.outer(np.sin(turn), profile[:, 0]), height], -1
    )
    vertices[-1] = vertices[0]  # the seam closes exactly
    along = np.r_[0, np.cumsum(np.linalg.norm(np.diff(profile, axis=0), axis=1))]
    u, v = np.meshgrid(turn / (2 * np.pi), along / max(along[-1], 1e-9), indexing="ij")
    return Mesh(
        vertices.reshape(-1, 3),
        grid_faces(segments + 1, len(profile)),
        np.stack([u, v], -1).reshape(-1, 2),
    )


def cylinder(radius_m: float, height_m: float, bevel_m: float = 0.001, segments: int = 28) -> Mesh:
    """Return a cylinder about z, centred, with bevelled rims."""
    r, h, b = radius_m, height_m / 2, bevel_m
    return lathe([(0, -h), (r - b, -h), (r, -h + b), (r, h - b), (r - b, h), (0, h)], segments)


def sphere(radius_m: float, segments: int = 32) -> Mesh:
    """Return a sphere about the origin."""
    turn = np.linspace(-np.pi / 2, np.pi / 2, segments // 2 + 1)
    return lathe(np.stack([radius_m * np.cos(turn), radius_m * np.sin(turn)], 1), segments)


def tube(
    path_m: npt.ArrayLike,
    radius_m: npt.ArrayLike,
    *,
    flatten: tuple[float, float] = (1, 1),
    segments: int = 14,
    closed: bool = True,
) -> Mesh:
    """Sweep a circle along a path; `flatten` scales it along the first and second normal."""
    path = np.asarray(path_m, np.float64)
    radius = np.broadcast_to(np.asarray(radius_m, np.float64), len(path)).copy()
    if closed:  # two rings of almost no size close the ends
        path = np.concatenate([path[:1], path, path[-1:]])
        radius = np.concatenate([[1e-5], radius, [1e-5]])
    tangents = np.gradient(path, axis=0)
    if closed:
        tangents[0], tangents[-1] = tangents[1], tangents[-2]
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    normal = np.cross(tangents[0], (0, 0, 1) if abs(tangents[0, 2]) < 0.9 else (1, 0, 0))
    normals = []
    for tangent in tangents:  # carried along without twist
        normal = unit(normal - tangent * (normal @ tangent))
        normals.append(normal)
    first = np.array(normals)
    second = np.cross(tangents, first)
    turn = np.linspace(0, 2 * np.pi, segments + 1)
    ring = (
        np.cos(turn)[None, :, None] * first[:, None] * flatten[0]
        + np.sin(turn)[None, :, None] * second[:, None] * flatten[1]
    )
    vertices = path[:, None] + radius[:, None, None] * ring
    vertices[:, -1] = vertices[:, 0]
    along = np.r_[0, np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))]
    u, v = np.meshgrid(along / max(along[-1], 1e-9), turn / (2 * np.pi), indexing="ij")
    swept = Mesh(
        vertices.reshape(-1, 3),
        grid_faces(len(path), segments + 1),
        np.stack([u, v], -1).reshape(-1, 2),
    )
    return outward(swept)


def rounded_box(
    size_m: npt.ArrayLike, radius_m: float = 0.003, steps: int = 3, stations: int = 0
) -> Mesh:
    """Return a box about the origin with rounded edges; each side shows the whole texture.

    Args:
        size_m: (3,) lengths of its sides [m].
        radius_m: Radius of its edges [m].
        steps: Faces around a quarter of an edge.
        stations: Rings of vertices between its ends along x, for a box that is bent.
    """
    half = np.asarray(size_m, np.float64) / 2
    radius = min(radius_m, float(half.min()) * 0.99)
    core = half - radius
    sides = []
    for axis in range(3):
        for sign in (-1, 1):
            a, b = (axis + 1) % 3, (axis + 2) % 3
            lines = [
                np.r_[
                    np.linspace(-core[k] - radius, -core[k], steps + 1),
                    np.linspace(-core[k], core[k], (stations if k == 0 else 0) + 2)[1:-1],
                    np.linspace(core[k], core[k] + radius, steps + 1),
                ]
                for k in (a, b)
            ]
            U, V = np.meshgrid(*lines, indexing="ij")
            points = np.zeros((*U.shape, 3))
            points[..., a], points[..., b], points[..., axis] = U, V, sign * half[axis]
            inner = np.clip(points, -core, core)
            away = points - inner
            away /= np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-12)
            faces = grid_faces(*U.shape)
            uv = np.stack([U / (2 * half[a]) + 0.5, V / (2 * half[b]) + 0.5], -1)
            sides.append(
                Mesh(
                    (inner + away * radius).reshape(-1, 3),
                    faces if sign > 0 else faces[:, ::-1].copy(),
                    uv.reshape(-1, 2),
                )
            )
    return merge(sides)


def plate(outline_m: Array, height_m: float, bottom_m: float = 0.0) -> Mesh:
    """Extrude a star-shaped (K, 2) outline, counter-clockwise in the xy plane, upwards."""
    count = len(outline_m)
    centre = outline_m.mean(0)
    index = np.arange(count)
    following = (index + 1) % count
    rings = [
        np.concatenate([outline_m, np.full((count, 1), z)], 1)
        for z in (bottom_m, bottom_m + height_m)
    ]
    middle = np.array([[*centre, bottom_m], [*centre, bottom_m + height_m]])
    low, high = 2 * count, 2 * count + 1
    faces = np.concatenate(
        [
            np.stack([index, following, index + count], 1),
            np.stack([following, following + count, index + count], 1),
            np.stack([following, index, np.full(count, low)], 1),
            np.stack([index + count, following + count, np.full(count, high)], 1),
        ]
    )
    vertices = np.concatenate([*rings, middle])
    span = np.ptp(outline_m, axis=0)
    uv = (vertices[:, :2] - outline_m.min(0)) / np.maximum(span, 1e-9)
    return outward(Mesh(vertices, faces.astype(np.int32), uv))
