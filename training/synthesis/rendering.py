# SPDX-License-Identifier: Apache-2.0
"""What a renderer takes and returns: the interface of the GL and the ray-cast renderer."""

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.training.synthesis.rotations import Array


class Model(NamedTuple):
    """Everything in a scene that does not change during a clip.

    Attributes:
        faces: (F, 3) int32 vertex indices.
        uv: (V, 2) texture coordinates.
        look: (V, 8) float32 RGB, texture layer, gloss, metal, softness, wear.
        part_id: (V,) uint8 id of the part, 1..255, equal on the vertices of a face.
        textures: (layers, S, S, 3) uint8.
    """

    faces: npt.NDArray[np.int32]
    uv: Array
    look: npt.NDArray[np.float32]
    part_id: npt.NDArray[np.uint8]
    textures: npt.NDArray[np.uint8]


class Shape(NamedTuple):
    """Where the vertices are at one time: (V, 3) positions [m] and unit normals, world frame."""

    positions: Array
    normals: Array


class View(NamedTuple):
    """A camera at a place: intrinsics, and (4, 4) world to optical frame (x right, z forward)."""

    camera: Camera
    T_camera_world: Array


class Light(NamedTuple):
    """Lamp, sky and fill; directions point towards the light, colours are linear RGB.

    Attributes:
        key_direction: (3,) towards the lamp that casts shadows.
        key_rgb: Its colour and strength.
        key_softness_m: Width of the shadows' borders [m].
        sky_rgb: Light from above, dimmed in corners and under things.
        ground_rgb: Light bounced from below.
        fill_direction: (3,) towards a light without shadows.
        fill_rgb: Its colour and strength.
        exposure: Factor on everything; 1 is a well-exposed middle grey.
        balance_rgb: White balance of the camera, per channel.
    """

    key_direction: Array
    key_rgb: Array
    key_softness_m: float
    sky_rgb: Array
    ground_rgb: Array
    fill_direction: Array
    fill_rgb: Array
    exposure: float
    balance_rgb: Array


class Rendering(NamedTuple):
    """One picture with its truth.

    Attributes:
        color: (H, W, 3) uint8 RGB, antialiased; None if it was not requested.
        depth_m: (H, W) float32 depth along the optical axis, 0 where nothing is.
        part_id: (H, W) uint8, 0 where nothing is.
        motion_m: (H, W, 3) float32 displacement of the surface point until the next frame, each
            end in the camera frame of its own time.
        incidence: (H, W) float32 cosine between surface normal and line of sight, in [0, 1].
    """

    color: npt.NDArray[np.uint8] | None
    depth_m: npt.NDArray[np.float32]
    part_id: npt.NDArray[np.uint8]
    motion_m: npt.NDArray[np.float32]
    incidence: npt.NDArray[np.float32]


class Renderer(Protocol):
    """Draws a loaded model; sizes are fixed at construction."""

    def load(self, model: Model) -> None:
        """Replace the scene."""
        ...

    def render(
        self, now: Shape, then: Shape, view: View, view_then: View, light: Light, *, color: bool
    ) -> Rendering:
        """Draw the scene `now`, with motion towards `then`."""
        ...
