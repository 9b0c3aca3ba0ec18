# SPDX-License-Identifier: Apache-2.0
"""Where each depth pixel lands in the colour image, as a function of its depth."""

from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.rigid_motion import check_rigid

NEAREST_M = 0.1
"""Depth nearer than this [m] is not projected."""

_NEAREST_Z = np.float32(1e-6)
"""Depth in the colour camera, in multiples of that in the depth camera, below which a point is
beside it."""
_WIDEST_TANGENT = 10.0
"""Tangent of the angle from the axis up to which a lens model is examined; 84 degrees."""
_RADII = 4096

Float32 = npt.NDArray[np.float32]
_Real = TypeVar("_Real", np.float32, np.float64)


class Projected(NamedTuple):
    """Depth pixels in the colour image.

    Attributes:
        columns: (H, W) column [px].
        rows: (H, W) row [px].
        depth_m: (H, W) depth along the colour camera's axis [m].
        seen: (H, W) bool, whether the point lies in front of the colour camera, where its lens
            model is valid; elsewhere the position is meaningless.
    """

    columns: Float32
    rows: Float32
    depth_m: Float32
    seen: npt.NDArray[np.bool_]


class DepthProjection:
    """Projects depth images of one camera into another, including the lens distortion of both."""

    def __init__(
        self, depth_camera: Camera, color_camera: Camera, T_color_depth: npt.ArrayLike
    ) -> None:
        """Precompute the rays.

        Args:
            depth_camera: The depth camera.
            color_camera: The colour camera.
            T_color_depth: (4, 4) rigid motion from the depth to the colour camera's frame [m].

        Raises:
            CalibrationError: The matrix is not a rigid motion.
        """
        T = np.asarray(T_color_depth, np.float64)
        check_rigid(T)
        columns, rows = np.meshgrid(np.arange(depth_camera.width), np.arange(depth_camera.height))
        rays = depth_camera.unproject(np.stack([columns, rows], -1), np.ones(columns.shape))
        turned = np.moveaxis(rays @ T[:3, :3].T, -1, 0)
        self._rays = np.ascontiguousarray(turned, np.float32)  # (3, H, W)
        self._offset_m = T[:3, 3].astype(np.float32)
        self._camera = color_camera
        self._limit = np.float32(lens_limit(color_camera))

    def project(self, depth_m: Float32) -> Projected:
        """Project a depth image.

        Args:
            depth_m: (H, W) depth [m]; below 0.1 m the position is that of 0.1 m.
        """
        inverse_m = 1 / np.maximum(depth_m, np.float32(NEAREST_M))
        # In multiples of the depth camera's depth, which stays finite far away.
        x, y, z = (ray + inverse_m * t for ray, t in zip(self._rays, self._offset_m, strict=True))
        seen = z > _NEAREST_Z
        np.maximum(z, _NEAREST_Z, out=z)
        x /= z
        y /= z
        camera = self._camera
        if camera.is_distorted:
            squared = x * x
            squared += y * y
            seen &= squared < self._limit**2
            x, y = _distorted(x, y, np.minimum(squared, self._limit**2), camera.distortion)
        x *= np.float32(camera.fx)
        x += np.float32(camera.cx)
        y *= np.float32(camera.fy)
        y += np.float32(camera.cy)
        return Projected(x, y, self._rays[2] * depth_m + self._offset_m[2], seen)


def lens_limit(camera: Camera) -> float:
    """Return the tangent of the angle from the axis up to which a lens model is valid.

    Beyond the point where its radius stops growing, it folds: what lies outside would come back
    into the picture.
    """
    if not camera.is_distorted:
        return _WIDEST_TANGENT
    radii = np.linspace(0, _WIDEST_TANGENT, _RADII)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        grows = np.diff(radii * _radial(radii**2, camera.distortion)) > 0
    return float(radii[-1 if grows.all() else int(grows.argmin())])


def _distorted(
    x: Float32, y: Float32, squared: Float32, distortion: tuple[float, ...]
) -> tuple[Float32, Float32]:
    """Return rays (x, y, 1) as bent by a lens; OpenCV's model with up to eight coefficients.

    `Camera.project` does the same in double precision, at several times the cost.
    """
    p1, p2 = map(np.float32, distortion[2:4])
    radial = _radial(squared, distortion)
    if not (p1 or p2):
        return x * radial, y * radial
    twice = 2 * x * y
    return (
        x * radial + (p1 * twice + p2 * (squared + 2 * x * x)),
        y * radial + (p2 * twice + p1 * (squared + 2 * y * y)),
    )


def _radial(squared: npt.NDArray[_Real], distortion: tuple[float, ...]) -> npt.NDArray[_Real]:
    """Return the factor by which a lens stretches rays at these squared distances from the axis."""
    k1, k2, _, _, k3, k4, k5, k6 = (
        squared.dtype.type(each) for each in (*distortion, *(0.0,) * (8 - len(distortion)))
    )
    factor: npt.NDArray[_Real] = ((k3 * squared + k2) * squared + k1) * squared + 1
    if k4 or k5 or k6:
        factor /= ((k6 * squared + k5) * squared + k4) * squared + 1
    return factor
