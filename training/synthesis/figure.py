# SPDX-License-Identifier: Apache-2.0
"""A dressed person as one skinned mesh."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse

from affordance_seg_ros.training.synthesis.body import Body, Posed
from affordance_seg_ros.training.synthesis.mesh import IntArray, incidence, smooth_normals
from affordance_seg_ros.training.synthesis.rotations import Array
from affordance_seg_ros.training.synthesis.surface import Surface

_TEXTURE_PER_M = 5.0


class Garment(NamedTuple):
    """A skinned piece with one look.

    Attributes:
        name: Its part name.
        rest: (V, 3) vertices at rest [m].
        weights: (V, J) skinning weights.
        faces: (F, 3).
        surface: Its look.
    """

    name: str
    rest: Array
    weights: sparse.csr_matrix
    faces: IntArray
    surface: Surface


class Figure:
    """A dressed person as one skinned mesh.

    Args:
        body: The person.
        pieces: Skin and clothes.
    """

    def __init__(self, body: Body, pieces: Sequence[Garment]) -> None:
        self._body = body
        counts = [len(piece.rest) for piece in pieces]
        offsets = np.cumsum([0, *counts[:-1]])
        self.rest = np.concatenate([piece.rest for piece in pieces])
        self._weights = sparse.csr_matrix(sparse.vstack([piece.weights for piece in pieces]))
        self.faces = np.concatenate(
            [piece.faces + o for piece, o in zip(pieces, offsets, strict=True)]
        ).astype(np.int32)
        self.owners = np.repeat(np.arange(len(pieces)), counts)
        self.pieces = tuple(pieces)
        # Cylindrical about each limb would be better; from afar this passes for cloth.
        self.uv = (self.rest[:, [0, 2]] + self.rest[:, [1, 1]] * 0.5) * _TEXTURE_PER_M
        self._sums = incidence(self.faces, len(self.rest))

    def posed(self, skeleton: Posed) -> tuple[Array, Array]:
        """Return (V, 3) vertices and unit normals in a pose."""
        vertices = self._body.skin_points(self.rest, self._weights, skeleton)
        return vertices, smooth_normals(vertices, self.faces, self._sums)
