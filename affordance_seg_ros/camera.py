# SPDX-License-Identifier: Apache-2.0
"""A camera: pinhole intrinsics with optional lens distortion."""

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import CalibrationError

FloatArray = npt.NDArray[np.float64]

_DISTORTION_LENGTHS = (0, 4, 5, 8)
# Stop when a step moves less than 1e-12 (normalised coordinates), or after 50 steps.
_UNDISTORT_CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-12)
_LARGEST_ERROR_PX = 1.0
"""How far a pixel may land from itself after `unproject` and `project`."""
_LARGEST_LOST_SHARE = 0.05
"""Share of the picture where a lens may be unknown: wide lenses fold over in the corners."""
_GRID = (40, 30)


@dataclass(frozen=True)
class Camera:
    """Intrinsics of one image size; the centre of the top left pixel is (0, 0).

    Attributes:
        width: Image width [px].
        height: Image height [px].
        fx: Focal length along a row [px].
        fy: Focal length along a column [px].
        cx: Column of the principal point [px].
        cy: Row of the principal point [px].
        distortion: Coefficients in OpenCV's order k1 k2 p1 p2 [k3 [k4 k5 k6]]; empty for none.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise CalibrationError(
                f"image size {self.width}x{self.height}; expected at least 1x1 pixel"
            )
        values = (self.fx, self.fy, self.cx, self.cy, *self.distortion)
        if not np.isfinite(values).all():
            raise CalibrationError(
                f"intrinsics fx={self.fx} fy={self.fy} cx={self.cx} cy={self.cy} "
                f"distortion={list(self.distortion)}; expected finite numbers"
            )
        if self.fx <= 0 or self.fy <= 0:
            raise CalibrationError(
                f"focal length fx={self.fx} fy={self.fy}; expected positive numbers (0 means that "
                "the driver publishes an uncalibrated camera_info)"
            )
        if len(self.distortion) not in _DISTORTION_LENGTHS:
            raise CalibrationError(
                f"{len(self.distortion)} distortion coefficients; expected one of "
                f"{', '.join(map(str, _DISTORTION_LENGTHS))}"
            )

    @property
    def matrix(self) -> FloatArray:
        """The 3x3 intrinsic matrix K."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]])

    @property
    def is_distorted(self) -> bool:
        """Whether any distortion coefficient is non-zero."""
        return any(self.distortion)

    def project(self, points_m: npt.ArrayLike) -> FloatArray:
        """Project points of the camera frame into the image.

        Args:
            points_m: (..., 3) points [m], z forward.

        Returns:
            (..., 2) pixels (column, row); NaN for points at or behind the camera.
        """
        points = np.asarray(points_m, np.float64)
        z = points[..., 2]
        in_front = z > 0
        rays = points[..., :2] / np.where(in_front, z, np.nan)[..., None]
        if self.is_distorted and rays.size:
            rays = self._distort(rays)
        pixels: FloatArray = rays * (self.fx, self.fy) + (self.cx, self.cy)
        return pixels

    def unproject(self, pixels: npt.ArrayLike, depth_m: npt.ArrayLike) -> FloatArray:
        """Lift pixels with depth to points of the camera frame, the inverse of `project`.

        Args:
            pixels: (..., 2) pixels (column, row).
            depth_m: (...) depth along the optical axis [m].

        Returns:
            (..., 3) points [m].
        """
        rays = (np.asarray(pixels, np.float64) - (self.cx, self.cy)) / (self.fx, self.fy)
        if self.is_distorted and rays.size:
            rays = self._undistort(rays)
        depth = np.asarray(depth_m, np.float64)[..., None]
        return np.concatenate([rays * depth, np.broadcast_to(depth, (*rays.shape[:-1], 1))], -1)

    def inverts(self, pixels: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return whether `project` brings pixels back from where `unproject` lifts them.

        It does not where the lens model folds over, or where its inverse was not found.

        Args:
            pixels: (..., 2) pixels (column, row).

        Returns:
            (...) bool.
        """
        pixels = np.asarray(pixels, np.float64)
        if not self.is_distorted:
            return np.ones(pixels.shape[:-1], bool)
        there = self.project(self.unproject(pixels, np.ones(pixels.shape[:-1])))
        with np.errstate(invalid="ignore", over="ignore"):
            off_px = np.hypot(*np.moveaxis(there - pixels, -1, 0))
        return np.asarray(off_px <= _LARGEST_ERROR_PX)

    def resize(self, width: int, height: int) -> "Camera":
        """Return the camera of the same view resized to width x height pixels."""
        sx, sy = width / self.width, height / self.height
        return replace(
            self,
            width=width,
            height=height,
            fx=self.fx * sx,
            fy=self.fy * sy,
            cx=(self.cx + 0.5) * sx - 0.5,
            cy=(self.cy + 0.5) * sy - 0.5,
        )

    def crop(self, x: int, y: int, width: int, height: int) -> "Camera":
        """Return the camera of a window whose top left pixel is (x, y).

        The window may extend beyond the image, as padding.
        """
        return replace(self, width=width, height=height, cx=self.cx - x, cy=self.cy - y)

    def _distort(self, rays: FloatArray) -> FloatArray:
        flat = np.concatenate([rays.reshape(-1, 2), np.ones((rays[..., 0].size, 1))], 1)
        zero = np.zeros(3)
        pixels, _ = cv2.projectPoints(flat, zero, zero, np.eye(3), np.array(self.distortion))
        return pixels.reshape(rays.shape).astype(np.float64)

    def _undistort(self, rays: FloatArray) -> FloatArray:
        flat = rays.reshape(-1, 1, 2)
        # The only such function that takes criteria and is in both OpenCV 4 and OpenCV 5.
        out = cv2.undistortImagePoints(
            flat, np.eye(3), np.array(self.distortion), None, _UNDISTORT_CRITERIA
        )
        return out.reshape(rays.shape).astype(np.float64)


@lru_cache(maxsize=4)
def known_pixels(camera: Camera) -> npt.NDArray[np.bool_]:
    """Return the (H, W) mask of pixels whose rays the lens model knows; see `inverts`."""
    known = np.ones((camera.height, camera.width), bool)
    # A model fails beyond some distance from its centre. All pixels take seconds, these do not.
    if not (camera.inverts(_border(camera)).all() and camera.inverts(_grid(camera)).all()):
        columns, rows = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
        known = camera.inverts(np.stack([columns, rows], -1))
    known.setflags(write=False)
    return known


@lru_cache(maxsize=32)
def check_lens(camera: Camera) -> None:
    """Refuse a camera whose lens model knows the rays of too few of its pixels.

    Raises:
        CalibrationError: The model cannot be inverted in more than a twentieth of the picture.
    """
    if not camera.is_distorted:
        return
    lost = 1 - camera.inverts(_grid(camera)).mean()
    if lost > _LARGEST_LOST_SHARE:
        raise CalibrationError(
            f"distortion {list(camera.distortion)} cannot be inverted in {100 * lost:.0f} % of "
            f"{camera.width}x{camera.height} pixels; expected a model that fits the whole picture, "
            "or rectified pictures"
        )


def _grid(camera: Camera) -> FloatArray:
    """Return (30, 40, 2) pixels, the centres of as many equal parts of the picture."""
    columns = (np.arange(_GRID[0]) + 0.5) * camera.width / _GRID[0] - 0.5
    rows = (np.arange(_GRID[1]) + 0.5) * camera.height / _GRID[1] - 0.5
    return np.stack(np.meshgrid(columns, rows), -1)


def _border(camera: Camera) -> FloatArray:
    """Return the (N, 2) outermost pixels of the picture."""
    columns, rows = np.arange(camera.width), np.arange(camera.height)
    sides = [np.stack(np.broadcast_arrays(columns, y), -1) for y in (0, camera.height - 1)]
    sides += [np.stack(np.broadcast_arrays(x, rows), -1) for x in (0, camera.width - 1)]
    border: FloatArray = np.concatenate(sides).astype(np.float64)
    return border
