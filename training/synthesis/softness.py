# SPDX-License-Identifier: Apache-2.0
"""How a soft thing gives way between thumb and fingers."""

import numpy as np

from affordance_seg_ros.training.synthesis.objects import HandledObject
from affordance_seg_ros.training.synthesis.rotations import Array

SQUEEZED = 0.55
"""How much of its width a soft thing loses in its middle when it is squeezed hard."""
_ENDS = 0.45
"""By what share of that its ends give way less."""
_BULGE = 0.2
"""By what share it grows in height meanwhile."""


def squeezed(vertices: Array, thing: HandledObject, squeeze: float) -> Array:
    """Return an object's (V, 3) vertices, squeezed by 0 to 1 if it is soft."""
    if not squeeze or not thing.soft_height_m:
        return vertices
    waist, _ = _waist(vertices, squeeze)
    middle = thing.soft_height_m / 2
    out = vertices.copy()
    out[:, 1] *= waist
    out[:, 2] = middle + (out[:, 2] - middle) * (1 + _BULGE * squeeze)
    return out


def squeezed_normals(
    vertices: Array, normals: Array, thing: HandledObject, squeeze: float
) -> Array:
    """Return the (V, 3) normals of an object's resting vertices when it is squeezed like that."""
    if not squeeze or not thing.soft_height_m:
        return normals
    waist, slope = _waist(vertices, squeeze)
    # Transformed by the inverse transpose of the map's derivative.
    out = normals.copy()
    out[:, 1] /= waist
    out[:, 0] -= vertices[:, 1] * slope * out[:, 1]
    out[:, 2] /= 1 + _BULGE * squeeze
    unit_normals: Array = out / np.linalg.norm(out, axis=1, keepdims=True)
    return unit_normals


def _waist(vertices: Array, squeeze: float) -> tuple[Array, Array]:
    """Return what is left of the width at each vertex, and how that changes along x [1/m]."""
    half = np.abs(vertices[:, 0]).max()
    along = vertices[:, 0] / half
    lost = SQUEEZED * squeeze
    return 1 - lost * (1 - _ENDS * along**2), lost * 2 * _ENDS * along / half
