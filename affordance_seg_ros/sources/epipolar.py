# SPDX-License-Identifier: Apache-2.0
"""Where each depth pixel lands in the colour image, as a function of its depth."""

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.rigid_motion import check_rigid

NEAREST_M = 0.1
"""Depth nearer than this [m] is not projected."""

_DEGREE = 4
# Rays this far outside the colour image are pulled in, where lens polynomials still mean something.
_FIELD_MARGIN = 1.2

Float32 = npt.NDArray[np.float32]


class EpipolarCurves:
    """Polynomials in inverse depth for the image position of every depth pixel.

    They stand for the exact projection, lens distortion of both cameras included, at a fraction of
    its cost. Along a pixel's ray the position is a smooth function of inverse depth: with an Azure
    Kinect's calibration the fourth degree is within 0.05 px from 0.1 m to infinity.
    """

    def __init__(
        self, depth_camera: Camera, color_camera: Camera, T_color_depth: npt.ArrayLike
    ) -> None:
        """Fit the polynomials.

        Args:
            depth_camera: The depth camera.
            color_camera: The colour camera.
            T_color_depth: (4, 4) rigid motion from the depth to the colour camera's frame [m].

        Raises:
            CalibrationError: The matrix is no rigid motion.
        """
        T = np.asarray(T_color_depth, np.float64)
        check_rigid(T)
        columns, rows = np.meshgrid(np.arange(depth_camera.width), np.arange(depth_camera.height))
        rays = depth_camera.unproject(np.stack([columns, rows], -1), np.ones(columns.shape))
        rays_color = rays @ T[:3, :3].T
        self._depth_scale = rays_color[..., 2].astype(np.float32)
        self._depth_offset_m = np.float32(T[2, 3])
        limit = _field_limit(color_camera)
        nodes = np.cos(np.pi * (np.arange(_DEGREE + 1) + 0.5) / (_DEGREE + 1))
        inverse_m = (nodes + 1) / 2 / NEAREST_M
        pixels = np.stack(
            [_project(color_camera, rays_color + w * T[:3, 3], limit) for w in inverse_m]
        )
        vandermonde = np.vander(inverse_m, increasing=True)
        coefficients = np.tensordot(np.linalg.inv(vandermonde), pixels, 1)
        # (degree + 1, H, W) each, contiguous: evaluated with a handful of passes.
        self._columns, self._rows = (
            np.ascontiguousarray(coefficients[..., axis], np.float32) for axis in range(2)
        )

    def positions(self, depth_m: Float32) -> tuple[Float32, Float32]:
        """Return column and row [px] in the colour image of every depth pixel.

        Args:
            depth_m: (H, W) depth [m]; below 0.1 m the position is that of 0.1 m.
        """
        inverse_m = 1 / np.maximum(depth_m, np.float32(NEAREST_M))
        return _polynomial(self._columns, inverse_m), _polynomial(self._rows, inverse_m)

    def color_depth_m(self, depth_m: Float32) -> Float32:
        """Return the depth of every pixel along the colour camera's axis [m]."""
        return self._depth_scale * depth_m + self._depth_offset_m


def _polynomial(coefficients: Float32, x: Float32) -> Float32:
    value: Float32 = coefficients[-1] * x
    for coefficient in coefficients[-2:0:-1]:
        value += coefficient
        value *= x
    value += coefficients[0]
    return value


def _field_limit(camera: Camera) -> float:
    """Return the tangent of the angle from the axis up to which the camera model is trusted."""
    right, bottom = camera.width - 0.5, camera.height - 0.5
    corners = [(-0.5, -0.5), (right, -0.5), (-0.5, bottom), (right, bottom)]
    rays = camera.unproject(corners, np.ones(4))
    return float(np.hypot(rays[:, 0], rays[:, 1]).max()) * _FIELD_MARGIN


def _project(
    camera: Camera, points_m: npt.NDArray[np.float64], limit: float
) -> npt.NDArray[np.float64]:
    rays = points_m[..., :2] / np.maximum(points_m[..., 2:], 1e-3)
    radius = np.hypot(rays[..., 0], rays[..., 1])
    rays *= (limit / np.maximum(radius, limit))[..., None]
    return camera.project(np.concatenate([rays, np.ones((*rays.shape[:-1], 1))], -1))
