# SPDX-License-Identifier: Apache-2.0
"""The same truth found by casting a ray through every pixel: a test oracle, without colour."""

import numpy as np
import trimesh

from affordance_seg_ros.training.synthesis.rendering import Light, Model, Rendering, Shape, View
from affordance_seg_ros.training.synthesis.rotations import Array


class RayCastRenderer:
    """Finds what each pixel's centre sees, with one ray per pixel; shares no code with OpenGL.

    Args:
        width: Picture width [px].
        height: Picture height [px].
    """

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)

    def load(self, model: Model) -> None:
        """Replace the scene."""
        self._model = model

    def render(
        self, now: Shape, then: Shape, view: View, view_then: View, light: Light, *, color: bool
    ) -> Rendering:
        """Cast the rays of the scene `now`, with motion towards `then`; there is no colour."""
        width, height = self._size
        faces = self._model.faces
        R, t = view.T_camera_world[:3, :3], view.T_camera_world[:3, 3]
        pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).reshape(-1, 2)
        rays = view.camera.unproject(pixels, np.ones(len(pixels)))
        origins = np.broadcast_to(-R.T @ t, rays.shape)
        scene = trimesh.Trimesh(now.positions, faces, process=False)
        points, ray_ids, face_ids = scene.ray.intersects_location(
            origins, rays @ R, multiple_hits=False
        )
        depth, incidence = (np.zeros(width * height, np.float32) for _ in range(2))
        part_id = np.zeros(width * height, np.uint8)
        motion = np.zeros((width * height, 3), np.float32)
        corners = faces[face_ids]
        weights = trimesh.triangles.points_to_barycentric(now.positions[corners], points)
        # Recomputed from the weights: the intersection itself is in single precision.
        here = _mean(weights, now.positions[corners]) @ R.T + t
        R_then, t_then = view_then.T_camera_world[:3, :3], view_then.T_camera_world[:3, 3]
        there = _mean(weights, then.positions[corners]) @ R_then.T + t_then
        normals = _mean(weights, now.normals[corners]) @ R.T
        cosine = (normals * here).sum(1) / np.maximum(
            np.linalg.norm(normals, axis=1) * np.linalg.norm(here, axis=1), 1e-12
        )
        depth[ray_ids] = here[:, 2]
        part_id[ray_ids] = self._model.part_id[corners[:, 0]]
        motion[ray_ids] = there - here
        incidence[ray_ids] = np.abs(cosine)
        return Rendering(
            color=None,
            depth_m=depth.reshape(height, width),
            part_id=part_id.reshape(height, width),
            motion_m=motion.reshape(height, width, 3),
            incidence=incidence.reshape(height, width),
        )


def _mean(weights: Array, corners: Array) -> Array:
    """Return (n, 3) means of (n, 3, 3) corners, weighted by (n, 3) weights."""
    mean: Array = np.einsum("ik,ikx->ix", weights, corners)
    return mean
