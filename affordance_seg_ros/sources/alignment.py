# SPDX-License-Identifier: Apache-2.0
"""Depth of one camera seen from another: for devices that do not align depth to colour."""

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.camera import Camera, check_lens, known_pixels
from affordance_seg_ros.errors import FrameError
from affordance_seg_ros.frames import DepthImage
from affordance_seg_ros.sources.depth_projection import NEAREST_M, DepthProjection

# Neighbours whose depths differ by less than this share are taken for one surface.
_SAME_SURFACE = 0.02
_WIDEST = 32
"""Most colour pixels that a depth pixel may cover along an axis, in multiples of its own size."""
# Pixels extend this much further [px]: a sheared grid of boxes leaves slits.
_OVERLAP_PX = 0.1

Float32 = npt.NDArray[np.float32]


class DepthAligner:
    """Aligns the depth of one pair of cameras, frame by frame.

    In the colour image, every depth pixel covers the box between it and its neighbours on the same
    surface, or its own size where it has none, and writes the depth of its tangent plane there; of
    all that fall on a colour pixel, the nearest is kept. So a surface stays closed where it is
    magnified, up to 32 times, what lies behind does not show through, and holes stay holes. Depth
    nearer than 0.1 m counts as missing, and so does depth that the lens model cannot place.
    """

    def __init__(
        self, depth_camera: Camera, color_camera: Camera, T_color_depth: npt.ArrayLike
    ) -> None:
        """Precompute the geometry.

        Args:
            depth_camera: Intrinsics and distortion of the depth camera.
            color_camera: Intrinsics and distortion of the colour camera.
            T_color_depth: (4, 4) rigid motion from the depth to the colour camera's frame [m].

        Raises:
            CalibrationError: The matrix is not a rigid motion, or a lens model cannot be inverted.
        """
        check_lens(depth_camera)
        check_lens(color_camera)
        self._known = known_pixels(depth_camera)
        self._projection = DepthProjection(depth_camera, color_camera, T_color_depth)
        self._depth_shape = (depth_camera.height, depth_camera.width)
        self._shape = (color_camera.height, color_camera.width)
        self._own_half_px = (
            np.float32(0.5 * color_camera.fx / depth_camera.fx),
            np.float32(0.5 * color_camera.fy / depth_camera.fy),
        )
        self._widest_px = _WIDEST * max(1.0, 2 * float(max(self._own_half_px)))

    def align(self, depth: DepthImage) -> DepthImage:
        """Return the depth on the colour camera's pixel grid, along its axis, in the same unit.

        Raises:
            FrameError: The depth does not have the depth camera's size.
        """
        if depth.raw.shape != self._depth_shape:
            raise FrameError(
                f"depth of {depth.raw.shape[1]}x{depth.raw.shape[0]}; expected "
                f"{self._depth_shape[1]}x{self._depth_shape[0]}, the calibration's"
            )
        height, width = self._shape
        # 0 for missing depth, so that the arithmetic stays finite.
        depth_m = np.nan_to_num(depth.to_metres(), nan=0.0, copy=False)
        columns, rows, z, seen = self._projection.project(depth_m)
        valid = (depth_m >= NEAREST_M) & self._known & seen
        left, right, slope_x = _reach(columns, z, valid, depth_m, self._own_half_px[0], axis=1)
        top, bottom, slope_y = _reach(rows, z, valid, depth_m, self._own_half_px[1], axis=0)
        first_x, last_x = _whole_pixels(left, right, width)
        first_y, last_y = _whole_pixels(top, bottom, height)
        covers = valid & (last_x > first_x) & (last_y > first_y)
        # What spans more lies beside the colour camera, or at the edge of what its lens can see.
        covers &= (last_x - first_x <= self._widest_px) & (last_y - first_y <= self._widest_px)
        hit = np.flatnonzero(covers)
        first_x, last_x, first_y, last_y = (
            pixels.ravel()[hit] for pixels in (first_x, last_x, first_y, last_y)
        )
        columns, rows, z, slope_x, slope_y = (
            values.ravel()[hit] for values in (columns, rows, z, slope_x, slope_y)
        )
        # Depth of the tangent plane at the first pixel; the others follow from the slopes.
        z += slope_x * (first_x.astype(np.float32) - columns)
        z += slope_y * (first_y.astype(np.float32) - rows)
        size_x, size_y = last_x - first_x, last_y - first_y
        target = first_y * width + first_x
        nearest = np.full(height * width, np.inf, np.float32)
        for x in range(int(size_x.max(initial=0))):
            for y in range(int(size_y.max(initial=0))):
                inside = np.flatnonzero((size_x > x) & (size_y > y))
                # float32 throughout: with another type minimum.at is ten times slower.
                here = z + np.float32(x) * slope_x + np.float32(y) * slope_y
                np.minimum.at(nearest, target[inside] + (y * width + x), here[inside])
        return _as_stored(nearest.reshape(height, width), depth)


def _reach(
    position: Float32,
    z: Float32,
    valid: npt.NDArray[np.bool_],
    depth_m: Float32,
    own_half_px: np.float32,
    *,
    axis: int,
) -> tuple[Float32, Float32, Float32]:
    """Return where each pixel begins and ends along an axis [px] and the slope of z [m/px]."""
    before = (slice(None), slice(None, -1)) if axis else (slice(None, -1), slice(None))
    after = (slice(None), slice(1, None)) if axis else (slice(1, None), slice(None))
    step = position[after] - position[before]
    change = z[after] - z[before]
    joined = valid[after] & valid[before]
    joined &= np.abs(change) < _SAME_SURFACE * depth_m[before]
    # A surface seen from behind or edge-on has no width to be filled.
    joined &= step > 0
    half = np.where(joined, step / 2, own_half_px)
    slope = np.where(joined, change / np.where(joined, step, 1), 0)
    begin, end = position - own_half_px, position + own_half_px
    begin[after] = position[after] - half
    end[before] = position[before] + half
    begin -= np.float32(_OVERLAP_PX)
    end += np.float32(_OVERLAP_PX)
    total = np.zeros_like(position)
    total[after] += slope
    total[before] += slope
    both = np.zeros(position.shape, np.float32)
    both[after] += joined
    both[before] += joined
    total /= np.maximum(both, 1)
    return begin, end, total


def _whole_pixels(
    begin: Float32, end: Float32, size: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return the first pixel whose centre lies in [begin, end), and the one after the last."""
    first = np.ceil(np.clip(begin, 0, size)).astype(np.int32)
    return first, np.ceil(np.clip(end, 0, size)).astype(np.int32)


def _as_stored(depth_m: Float32, like: DepthImage) -> DepthImage:
    if like.raw.dtype == np.uint16:
        units = np.rint(np.where(np.isfinite(depth_m), depth_m / like.metres_per_unit, 0))
        # What is deeper than the unit can hold is unknown.
        return DepthImage(
            np.where(units <= 65535, units, 0).astype(np.uint16), like.metres_per_unit
        )
    depth_m[~np.isfinite(depth_m)] = np.nan
    return DepthImage(depth_m / np.float32(like.metres_per_unit), like.metres_per_unit)
