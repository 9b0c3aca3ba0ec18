# SPDX-License-Identifier: Apache-2.0
"""The person's skinned body: shapes, skeleton, and skinning.

The mesh comes from MakeHuman's base mesh and targets (CC0; see person-LICENSE.md).
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from affordance_seg_ros.training.synthesis.mesh import IntArray
from affordance_seg_ros.training.synthesis.rotations import Array

SHAPES = ("m", "f", "o")
"""The three bodies that all others are mixed from."""

_FACE_BONES = (
    "head", "jaw", "neck", "eye", "oculi", "orbicularis", "oris", "levator", "special",
    "temporalis", "risorius", "tongue",
)  # fmt: skip


class BodyData(NamedTuple):
    """What all bodies share.

    Attributes:
        names: Bones, parents before children.
        parents: (J,) index of the parent, -1 for none.
        faces: (F, 3) triangles.
        weights: (V, J) sparse skinning weights.
        rest_m: Vertices of each of `SHAPES`, (V, 3) [m], arms spread, facing -y, z up.
        heads_m: Where each bone starts, for each shape, (J, 3).
        tails_m: Where each bone ends, for each shape, (J, 3).
    """

    names: tuple[str, ...]
    parents: npt.NDArray[np.int64]
    faces: IntArray
    weights: sparse.csr_matrix
    rest_m: Array
    heads_m: Array
    tails_m: Array


@cache
def body_data() -> BodyData:
    """Load the body file that is part of the package."""
    with np.load(Path(__file__).with_name("person.npz")) as file:
        index, weight = file["bi"], file["bw"].astype(np.float64)
        names = tuple(str(name) for name in file["names"])
        vertices = np.repeat(np.arange(len(index)), index.shape[1])
        return BodyData(
            names=names,
            parents=file["parents"],
            faces=file["faces"].astype(np.int32),
            weights=sparse.csr_matrix(
                (weight.ravel(), (vertices, index.ravel().astype(np.int64))),
                (len(index), len(names)),
            ),
            rest_m=np.stack([file[f"v_{s}"] for s in SHAPES]).astype(np.float64),
            heads_m=np.stack([file[f"h_{s}"] for s in SHAPES]).astype(np.float64),
            tails_m=np.stack([file[f"t_{s}"] for s in SHAPES]).astype(np.float64),
        )


class Posed(NamedTuple):
    """A skeleton in a pose: (J, 3, 3) rotations from rest, (J, 3) where each bone starts [m]."""

    rotations: Array
    positions: Array


class Body:
    """One person: a mix of the three shapes, moved so that the shoulders are where they should be.

    Args:
        mix: (3,) shares of `SHAPES`, adding to 1.
        shoulder_m: (3,) where the middle between the shoulders is at rest.
    """

    def __init__(self, mix: npt.ArrayLike, shoulder_m: npt.ArrayLike) -> None:
        data = body_data()
        shares = np.asarray(mix, np.float64)
        self.data = data
        self.rest = np.tensordot(shares, data.rest_m, 1)
        self.heads = np.tensordot(shares, data.heads_m, 1)
        self.tails = np.tensordot(shares, data.tails_m, 1)
        between = (self.head("upperarm01.R") + self.head("upperarm01.L")) / 2
        shift = np.asarray(shoulder_m, np.float64) - between
        self.rest, self.heads, self.tails = (
            array + shift for array in (self.rest, self.heads, self.tails)
        )

    def index(self, bone: str) -> int:
        """Return the index of a bone."""
        return self.data.names.index(bone)

    def head(self, bone: str) -> Array:
        """Return (3,) where a bone starts at rest [m]."""
        start: Array = self.heads[self.index(bone)]
        return start

    def weight_of(self, chosen: Callable[[str], bool]) -> Array:
        """Return (V,) share in [0, 1] of the chosen bones in each vertex."""
        columns = [k for k, name in enumerate(self.data.names) if chosen(name)]
        return np.asarray(self.data.weights[:, columns].sum(1)).ravel()

    def skin(self, posed: Posed) -> Array:
        """Return the (V, 3) vertices in a pose (linear blend skinning)."""
        return self.skin_points(self.rest, self.data.weights, posed)

    def skin_points(self, rest: Array, weights: sparse.csr_matrix, posed: Posed) -> Array:
        """Return other (V, 3) rest vertices in a pose, skinned by their own (V, J) weights."""
        R, p = posed
        offsets = p - np.einsum("jab,jb->ja", R, self.heads)
        affine = np.concatenate([R.reshape(-1, 9), offsets], 1)  # (J, 12)
        blended = weights @ affine  # (V, 12)
        matrices = blended[:, :9].reshape(-1, 3, 3)
        skinned: Array = np.einsum("vab,vb->va", matrices, rest) + blended[:, 9:]
        return skinned


def is_hand(side: str) -> Callable[[str], bool]:
    """Return a test for the bones of one hand, "L" or "R"."""

    def chosen(name: str) -> bool:
        return name.endswith(f".{side}") and name.startswith(("finger", "metacarpal", "wrist"))

    return chosen


def is_face(name: str) -> bool:
    """Tell whether a bone is in the head or neck."""
    return name.startswith(_FACE_BONES)
