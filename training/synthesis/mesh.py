# SPDX-License-Identifier: Apache-2.0
"""Triangle meshes: moving, merging, creased normals, cutting along a line of a scalar field."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from affordance_seg_ros.training.synthesis.rotations import Array

IntArray = npt.NDArray[np.int32]


class Mesh(NamedTuple):
    """Triangles with texture coordinates.

    Attributes:
        vertices: (V, 3) positions [m].
        faces: (F, 3) vertex indices.
        uv: (V, 2) texture coordinates; 1 is one width of the texture.
    """

    vertices: Array
    faces: IntArray
    uv: Array

    def moved(
        self,
        rotation: Array | None = None,
        position_m: npt.ArrayLike = (0, 0, 0),
        scale: npt.ArrayLike = 1,
    ) -> "Mesh":
        """Return the mesh scaled about the origin, then rotated, then shifted."""
        vertices = self.vertices * np.asarray(scale, np.float64)
        if rotation is not None:
            vertices = vertices @ rotation.T
        return self._replace(vertices=vertices + np.asarray(position_m, np.float64))

    def tiled(self, scale: float) -> "Mesh":
        """Return the mesh with its texture repeated `scale` times as often."""
        return self._replace(uv=self.uv * scale)


def merge(meshes: Sequence[Mesh]) -> Mesh:
    """Return all meshes as one."""
    offsets = np.cumsum([0, *(len(m.vertices) for m in meshes[:-1])])
    return Mesh(
        np.concatenate([m.vertices for m in meshes]),
        np.concatenate([m.faces + o for m, o in zip(meshes, offsets, strict=True)]).astype(
            np.int32
        ),
        np.concatenate([m.uv for m in meshes]),
    )


def face_normals(vertices: Array, faces: IntArray) -> Array:
    """Return (F, 3) normals whose length is twice the area of the face."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return np.cross(b - a, c - a)


def incidence(faces: IntArray, vertex_count: int) -> sparse.csr_matrix:
    """Return the (V, F) matrix that sums a quantity of the faces at each vertex."""
    columns = np.repeat(np.arange(len(faces)), 3)
    ones = np.ones(len(columns))
    return sparse.csr_matrix((ones, (faces.ravel(), columns)), (vertex_count, len(faces)))


def smooth_normals(vertices: Array, faces: IntArray, sums: sparse.csr_matrix) -> Array:
    """Return (V, 3) unit normals, faces weighted by area; `sums` is their `incidence`."""
    normals = sums @ face_normals(vertices, faces)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    unit_normals: Array = normals / np.maximum(lengths, 1e-12)
    return unit_normals


def creased(mesh: Mesh, crease_deg: float = 38.0) -> tuple[Mesh, Array]:
    """Split vertices where faces meet at an edge sharper than the crease angle.

    Returns:
        The mesh with split vertices, and (V, 3) unit normals. Vertices at the same place count as
        one, so that texture seams do not show.
    """
    normals = face_normals(mesh.vertices, mesh.faces)
    area = np.linalg.norm(normals, axis=1, keepdims=True)
    keep = area[:, 0] > 1e-14
    faces, normals, area = mesh.faces[keep], normals[keep], area[keep]
    units = normals / area
    _, place = np.unique(np.round(mesh.vertices, 6), axis=0, return_inverse=True)
    corner_place = place.reshape(-1)[faces].ravel()  # (3F,)
    corner_face = np.repeat(np.arange(len(faces)), 3)
    count = int(corner_place.max()) + 1
    at_place = sparse.csr_matrix(
        (np.ones(len(corner_face)), (corner_place, corner_face)), (count, len(faces))
    )
    pairs = sparse.csr_matrix(at_place)[corner_place].tocoo()  # corner x faces at its place
    near = (units[corner_face[pairs.row]] * units[pairs.col]).sum(1) > np.cos(
        np.deg2rad(crease_deg)
    )
    summed = np.zeros((len(corner_face), 3))
    for k in range(3):
        summed[:, k] = np.bincount(pairs.row[near], normals[pairs.col[near], k], len(corner_face))
    corner_normals = summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12)
    corner_vertex = faces.ravel()
    key = np.concatenate([corner_vertex[:, None], np.round(corner_normals * 500)], 1)
    _, first, inverse = np.unique(key, axis=0, return_index=True, return_inverse=True)
    split = Mesh(
        mesh.vertices[corner_vertex[first]],
        inverse.reshape(-1, 3).astype(np.int32),
        mesh.uv[corner_vertex[first]],
    )
    return split, corner_normals[first]


def relaxed(vertices: Array, faces: IntArray, chosen: npt.NDArray[np.bool_], steps: int) -> Array:
    """Return the vertices with the chosen ones smoothed towards their neighbours' mean."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    count = len(vertices)
    links = sparse.csr_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (count, count))
    links = ((links + links.T) > 0).astype(np.float64)
    mean = sparse.diags(1 / np.maximum(np.asarray(links.sum(1)).ravel(), 1)) @ links
    smoothed = vertices.copy()
    for _ in range(steps):
        smoothed[chosen] = 0.4 * smoothed[chosen] + 0.6 * (mean @ smoothed)[chosen]
    return smoothed


class Cut(NamedTuple):
    """A mesh cut along a line of a field, in terms of the vertices of the whole mesh.

    Attributes:
        blend: (V', V) sparse; new vertices as weighted means of old ones (1 or 2 each).
        faces: (F', 3) faces on the kept side.
    """

    blend: sparse.csr_matrix
    faces: IntArray


def cut(faces: IntArray, values: Array) -> Cut:
    """Keep the part of a mesh where a field is positive, cut exactly along its zero line.

    Args:
        faces: (F, 3) vertex indices.
        values: (V,) field at the vertices.
    """
    inside = values > 0
    corner_inside = inside[faces]
    whole = faces[corner_inside.all(1)]
    kept, used = np.unique(whole, return_inverse=True)
    new_faces = [used.reshape(-1, 3)]
    rows = {(v, v): k for k, v in enumerate(kept.tolist())}
    for face in faces[corner_inside.any(1) & ~corner_inside.all(1)].tolist():
        corners: list[int] = []
        for a, b in zip(face, face[1:] + face[:1], strict=True):
            if inside[a]:
                corners.append(rows.setdefault((a, a), len(rows)))
            if inside[a] != inside[b]:
                corners.append(rows.setdefault((min(a, b), max(a, b)), len(rows)))
        fan = [(corners[0], corners[k], corners[k + 1]) for k in range(1, len(corners) - 1)]
        new_faces.append(np.array(fan))
    ends = np.array(list(rows), np.int64).reshape(-1, 2)
    first, second = values[ends].T
    between = ends[:, 0] != ends[:, 1]
    share = np.where(between, first / np.where(between, first - second, 1), 0.5)
    index = np.arange(len(ends))
    blend = sparse.csr_matrix(
        (np.concatenate([1 - share, share]), (np.concatenate([index, index]), ends.T.ravel())),
        (len(ends), len(values)),
    )
    return Cut(blend, np.concatenate(new_faces).astype(np.int32))
