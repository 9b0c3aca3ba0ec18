# SPDX-License-Identifier: Apache-2.0
"""The OpenGL renderer, through EGL: on a GPU, or by Mesa's software rasteriser on a CPU."""

from collections.abc import Mapping
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.errors import DeviceError
from affordance_seg_ros.training.synthesis import shaders
from affordance_seg_ros.training.synthesis.rendering import Light, Model, Rendering, Shape, View
from affordance_seg_ros.training.synthesis.rotations import Array, unit

EGL_PACKAGES = "libegl1 libegl-mesa0 libgl1 libgl1-mesa-dri"
NEAR_M, FAR_M = 0.02, 12.0
_SHADOW_SPAN_M = 0.85  # half the width of the square around the table that casts shadows
_SHADOW_DEPTH_M = 3.0
_KEY_SHADOW_PX, _SKY_SHADOW_PX = 1024, 512
_SKY_BLUR_M = 0.07


def open_context() -> Any:
    """Return a standalone OpenGL context.

    Raises:
        DeviceError: EGL is not available; the message names the Debian packages.
    """
    try:
        # The sonames, since the unversioned names are only in the -dev packages.
        return moderngl.create_context(
            standalone=True, backend="egl", libgl="libGL.so.1", libegl="libEGL.so.1"
        )
    except Exception as error:  # glcontext raises bare Exception
        raise DeviceError(
            f"no OpenGL through EGL ({error}); install the packages {EGL_PACKAGES}"
        ) from error


def projection(camera: Camera, near_m: float = NEAR_M, far_m: float = FAR_M) -> Array:
    """Return the (4, 4) clip matrix of a pinhole camera, from its optical frame."""
    w, h = camera.width, camera.height
    matrix = np.zeros((4, 4))
    # GL's pixel centres lie at +0.5, ours at 0; its y runs up and its z backwards.
    matrix[0, 0], matrix[0, 2] = 2 * camera.fx / w, 2 * (camera.cx + 0.5) / w - 1
    matrix[1, 1], matrix[1, 2] = -2 * camera.fy / h, 1 - 2 * (camera.cy + 0.5) / h
    matrix[2, 2] = (far_m + near_m) / (far_m - near_m)
    matrix[2, 3] = -2 * far_m * near_m / (far_m - near_m)
    matrix[3, 2] = 1
    return matrix


def _parallel_clip(direction: Array) -> Array:
    """Return the (4, 4) clip matrix of light from a direction, over the table."""
    z = unit(direction)
    x = unit(np.cross((0, 1, 0) if abs(z[2]) > 0.9 else (0, 0, 1), z))
    rotation = np.eye(4)
    rotation[:3, :3] = np.stack([x, np.cross(z, x), z])
    scale = (1 / _SHADOW_SPAN_M, 1 / _SHADOW_SPAN_M, -1 / _SHADOW_DEPTH_M, 1)
    clip: Array = np.diag(scale) @ rotation
    return clip


class GlRenderer:
    """Draws colour with soft shadows and antialiasing in one pass, exact truth in another.

    Args:
        width: Picture width [px].
        height: Picture height [px].

    Raises:
        DeviceError: EGL is not available.
    """

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._context = context = open_context()
        self._color = context.program(shaders.COLOR_VERTEX, shaders.COLOR_FRAGMENT)
        self._geometry = context.program(shaders.GEOMETRY_VERTEX, shaders.GEOMETRY_FRAGMENT)
        self._shadow = context.program(shaders.SHADOW_VERTEX, shaders.SHADOW_FRAGMENT)
        size = self._size
        self._antialias = context.program(shaders.SCREEN_VERTEX, shaders.ANTIALIAS_FRAGMENT)
        self._screen = context.vertex_array(self._antialias, [])
        self._shaded = context.framebuffer(
            [context.texture(size, 4)], context.depth_renderbuffer(size)
        )
        self._shaded.color_attachments[0].repeat_x = False
        self._shaded.color_attachments[0].repeat_y = False
        self._picture = context.framebuffer([context.texture(size, 4)])
        self._truth = context.framebuffer(
            [context.texture(size, 4, dtype="f4") for _ in range(2)],
            context.depth_renderbuffer(size),
        )
        self._key_map = self._shadow_map(_KEY_SHADOW_PX)
        self._sky_map = self._shadow_map(_SKY_SHADOW_PX)
        self._textures: Any = None
        self._buffers: list[Any] = []

    def close(self) -> None:
        """Release the context."""
        self._context.release()

    def load(self, model: Model) -> None:
        """Replace the scene."""
        context = self._context
        for item in self._buffers:
            item.release()
        count = len(model.uv)
        self._moving = context.buffer(reserve=count * 36, dynamic=True)
        rows = np.concatenate([model.uv, model.look, model.part_id[:, None]], 1)
        fixed = context.buffer(np.ascontiguousarray(rows, np.float32).tobytes())
        index = context.buffer(np.ascontiguousarray(model.faces, np.int32).tobytes())
        self._color_array = context.vertex_array(
            self._color,
            [
                (self._moving, "3f 12x 3f", "position", "normal"),
                (fixed, "2f 3f 1f 4f 4x", "uv", "rgb", "layer", "finish"),
            ],
            index,
        )
        self._geometry_array = context.vertex_array(
            self._geometry,
            [
                (self._moving, "3f 3f 3f", "position", "next_position", "normal"),
                (fixed, "40x 1f", "part"),
            ],
            index,
        )
        self._shadow_array = context.vertex_array(
            self._shadow, [(self._moving, "3f 24x", "position")], index
        )
        layers, size = model.textures.shape[:2]
        self._textures = context.texture_array(
            (size, size, layers), 3, np.ascontiguousarray(model.textures).tobytes()
        )
        self._textures.build_mipmaps()
        self._textures.filter = (moderngl.LINEAR_MIPMAP_NEAREST, moderngl.LINEAR)
        self._buffers = [
            self._color_array, self._geometry_array, self._shadow_array, self._moving, fixed,
            index, self._textures,
        ]  # fmt: skip

    def render(
        self, now: Shape, then: Shape, view: View, view_then: View, light: Light, *, color: bool
    ) -> Rendering:
        """Draw the scene `now`, with motion towards `then`."""
        rows = np.concatenate([now.positions, then.positions, now.normals], 1)
        self._moving.write(np.ascontiguousarray(rows, np.float32).tobytes())
        self._context.enable(moderngl.DEPTH_TEST)
        picture = self._draw_color(view, light) if color else None
        motion_depth, id_incidence = self._draw_truth(view, view_then)
        return Rendering(
            color=picture,
            depth_m=motion_depth[..., 3].copy(),
            part_id=np.rint(id_incidence[..., 0]).astype(np.uint8),
            motion_m=motion_depth[..., :3].copy(),
            incidence=id_incidence[..., 1].copy(),
        )

    def _shadow_map(self, size_px: int) -> Any:
        texture = self._context.depth_texture((size_px, size_px))
        texture.compare_func = "<="
        return self._context.framebuffer(depth_attachment=texture)

    def _draw_color(self, view: View, light: Light) -> npt.NDArray[np.uint8]:
        key_clip = _parallel_clip(light.key_direction)
        sky_clip = _parallel_clip(np.array([0.0, 0.0, 1.0]))
        for target, clip in ((self._key_map, key_clip), (self._sky_map, sky_clip)):
            target.use()
            target.clear(depth=1.0)
            _set(self._shadow, {"light_clip": clip})
            self._shadow_array.render()
        T = view.T_camera_world
        span = 2 * _SHADOW_SPAN_M
        _set(
            self._color,
            {
                "clip": projection(view.camera) @ T,
                "key_clip": key_clip,
                "sky_clip": sky_clip,
                "eye": -T[:3, :3].T @ T[:3, 3],
                "key_direction": unit(light.key_direction),
                "key_rgb": light.key_rgb,
                "sky_rgb": light.sky_rgb,
                "ground_rgb": light.ground_rgb,
                "fill_direction": unit(light.fill_direction),
                "fill_rgb": light.fill_rgb,
                "balance": light.balance_rgb,
                "blur": np.array([light.key_softness_m / span, _SKY_BLUR_M / span]),
                "exposure": np.array([light.exposure]),
            },
        )
        self._shaded.use()
        self._shaded.clear()
        for slot, (name, texture) in enumerate(
            (
                ("textures", self._textures),
                ("key_shadow", self._key_map.depth_attachment),
                ("sky_shadow", self._sky_map.depth_attachment),
            )
        ):
            texture.use(slot)
            self._color[name] = slot
        self._color_array.render()
        self._picture.use()
        self._shaded.color_attachments[0].use(0)
        _set(self._antialias, {"pixel_size": 1 / np.array(self._size)})
        self._antialias["picture"] = 0
        self._context.disable(moderngl.DEPTH_TEST)
        self._screen.render(moderngl.TRIANGLES, vertices=3)
        self._context.enable(moderngl.DEPTH_TEST)
        pixels = np.frombuffer(self._picture.read(components=3, alignment=1), np.uint8)
        return pixels.reshape(self._size[1], self._size[0], 3)[::-1].copy()

    def _draw_truth(
        self, view: View, view_then: View
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        T = view.T_camera_world
        _set(
            self._geometry,
            {
                "clip": projection(view.camera) @ T,
                "to_camera": T,
                "to_camera_next": view_then.T_camera_world,
            },
        )
        self._truth.use()
        self._truth.clear()
        self._geometry_array.render()
        shape = (self._size[1], self._size[0], 4)
        first, second = (
            np.frombuffer(
                self._truth.read(components=4, attachment=k, dtype="f4", alignment=1), np.float32
            ).reshape(shape)[::-1]
            for k in range(2)
        )
        return first, second


def _set(program: Any, values: Mapping[str, Array]) -> None:
    for name, value in values.items():
        # GL stores matrices by column.
        program[name].write(np.ascontiguousarray(np.asarray(value).T, np.float32).tobytes())
