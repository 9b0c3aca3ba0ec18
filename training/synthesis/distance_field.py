# SPDX-License-Identifier: Apache-2.0
"""How far points are from a solid, and on which side."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from affordance_seg_ros.training.synthesis.mesh import Mesh, face_normals
from affordance_seg_ros.training.synthesis.rotations import Array

_CELL_M = 0.002
_MARGIN_M = 0.012


class DistanceField:
    """Signed distance from a solid on a grid, negative inside.

    The solid may consist of overlapping closed meshes: what lies in any of them is inside.

    Args:
        mesh: A closed mesh with its faces turned outwards.
    """

    def __init__(self, mesh: Mesh) -> None:
        self._low = mesh.vertices.min(0) - _MARGIN_M
        size = np.ceil((mesh.vertices.max(0) + _MARGIN_M - self._low) / _CELL_M).astype(int)
        inside = _winding(mesh, self._low, size) > 0
        outer = ndimage.distance_transform_edt(~inside)
        inner = ndimage.distance_transform_edt(inside)
        # Cell centres are half a cell from the border on either side.
        self._field = ((outer - inner) - np.where(inside, -0.5, 0.5)) * _CELL_M

    def __call__(self, points: Array) -> Array:
        """Return (n,) distances [m] of (n, 3) points."""
        cells = (points - self._low) / _CELL_M - 0.5
        limit = np.array(self._field.shape) - 1
        nearest = np.clip(cells, 0, limit)
        near: Array = ndimage.map_coordinates(self._field, nearest.T, order=1)
        beyond = np.linalg.norm(cells - nearest, axis=1) * _CELL_M
        return near + beyond


def _winding(mesh: Mesh, low: Array, size: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Return how many closed surfaces enclose the centre of each cell.

    A line upwards from each centre leaves a surface where it crosses a face that points up, and
    enters one where the face points down.
    """
    corners = (mesh.vertices[mesh.faces] - low) / _CELL_M - 0.5  # (F, 3, 3) in cells
    corners[..., :2] += 1.7e-4  # so that no line passes exactly through a vertex
    up = np.sign(face_normals(mesh.vertices, mesh.faces)[:, 2])
    first = np.clip(np.ceil(corners[..., :2].min(1)).astype(int), 0, size[:2])
    last = np.clip(np.floor(corners[..., :2].max(1)).astype(int) + 1, 0, size[:2])
    extent = np.maximum(last - first, 0)
    counts = extent.prod(1)
    face = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(face)) - np.repeat(np.cumsum(counts) - counts, counts)
    x = first[face, 0] + within // np.maximum(extent[face, 1], 1)
    y = first[face, 1] + within % np.maximum(extent[face, 1], 1)
    a, b, c = (corners[face, k] for k in range(3))
    at = np.stack([x, y], 1)

    def side(p: Array, q: Array) -> Array:
        edge, to = (q - p)[:, :2], at - p[:, :2]
        turn: Array = edge[:, 0] * to[:, 1] - edge[:, 1] * to[:, 0]
        return turn

    weights = np.stack([side(b, c), side(c, a), side(a, b)], 1)
    area = weights.sum(1)
    hit = ((weights >= 0).all(1) | (weights <= 0).all(1)) & (np.abs(area) > 1e-12)
    weights, x, y, face = weights[hit] / area[hit, None], x[hit], y[hit], face[hit]
    height = (weights * corners[face][..., 2]).sum(1)
    level = np.clip(np.ceil(height).astype(int), 0, size[2])
    crossings = np.zeros((size[0], size[1], size[2] + 1), np.int32)
    np.add.at(crossings, (x, y, level), up[face].astype(np.int32))
    # Crossings above a cell: those at its level + 1 and up.
    above = np.cumsum(crossings[..., ::-1], axis=2, dtype=np.int32)[..., ::-1]
    return above[..., 1:]
