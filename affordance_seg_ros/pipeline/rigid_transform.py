# SPDX-License-Identifier: Apache-2.0
"""Regions and points in a frame other than the camera's."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import TransformError
from affordance_seg_ros.frames import Region

FloatArray = npt.NDArray[np.float64]

_MAX_NORM_ERROR = 1e-2
"""A quaternion whose norm is further from 1 is not just rounded: it was not intended, or never set.
One that is written with two digits, such as 0.71 0 0 0.71, is accepted, as by tf2."""


class RigidTransform(NamedTuple):
    """A rotation (3, 3) and then a translation (3,) [m]: ``T_target_source``."""

    rotation: FloatArray
    translation_m: FloatArray

    @classmethod
    def from_quaternion(cls, xyzw: npt.ArrayLike, translation_m: npt.ArrayLike) -> "RigidTransform":
        """Build from a unit quaternion in ROS's order x, y, z, w, and a translation [m].

        Raises:
            TransformError: A number is not finite, or the quaternion is not a unit quaternion.
        """
        found, translation = np.array(xyzw, np.float64), np.array(translation_m, np.float64)
        norm = float(np.linalg.norm(found))
        # Written so that NaN fails as well.
        if not (abs(norm - 1) <= _MAX_NORM_ERROR and np.isfinite(translation).all()):
            raise TransformError(
                f"transform with quaternion {found.tolist()} and translation "
                f"{translation.tolist()}; expected finite numbers and a quaternion of norm 1"
            )
        x, y, z, w = found / norm
        rotation = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
        )
        return cls(rotation, translation)

    def points(self, points_m: npt.ArrayLike) -> FloatArray:
        """Return points (..., 3) [m] in the target frame."""
        return self.vectors(points_m) + self.translation_m

    def vectors(self, vectors: npt.ArrayLike) -> FloatArray:
        """Return directions (..., 3) in the target frame."""
        return np.asarray(np.asarray(vectors, np.float64) @ self.rotation.T)

    def region(self, region: Region) -> Region:
        """Return a region with its 3D fields in the target frame."""
        return region._replace(
            centroid_m=self.points(region.centroid_m),
            normal=self.vectors(region.normal),
            axes=self.vectors(region.axes),
            center_m=self.points(region.center_m),
        )


def quaternion_of(rotation: FloatArray) -> FloatArray:
    """Return the unit quaternion x, y, z, w of a rotation (3, 3), w >= 0; NaN for NaN.

    Source:
        Markley, Unit Quaternion from Rotation Matrix, J. Guidance Control Dynamics 31 (2008):
        uses the longest of the four equivalent columns, to never divide by a small number.
    """
    r = rotation
    columns = np.array(
        [
            [
                1 + r[0, 0] - r[1, 1] - r[2, 2],
                r[0, 1] + r[1, 0],
                r[0, 2] + r[2, 0],
                r[2, 1] - r[1, 2],
            ],
            [
                r[0, 1] + r[1, 0],
                1 + r[1, 1] - r[2, 2] - r[0, 0],
                r[1, 2] + r[2, 1],
                r[0, 2] - r[2, 0],
            ],
            [
                r[0, 2] + r[2, 0],
                r[1, 2] + r[2, 1],
                1 + r[2, 2] - r[0, 0] - r[1, 1],
                r[1, 0] - r[0, 1],
            ],
            [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], 1 + np.trace(r)],
        ]
    )
    lengths = np.linalg.norm(columns, axis=1)
    longest = columns[lengths.argmax()] / lengths.max()
    return np.asarray(-longest if longest[3] < 0 else longest)
