# SPDX-License-Identifier: Apache-2.0
"""A random textured scene in random rigid motion, as seen by a camera that stands still."""

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.frames import DepthImage, RgbdFrame

FloatArray = npt.NDArray[np.float64]

FRAMES_PER_LAP = 24
"""Frames after which the motion is back where it began, without a jump."""

_CARDS = 4
_TEXTURE_PX = 512
_TEXTURE_PX_PER_M = 400.0
_WALL_M = 2.0
_CARD_SIDE_M = (0.15, 0.4)
_SWING_M = 0.12
"""Largest deviation from the middle: at most 31 mm per frame, a quick hand at 10 frames/s."""
_TURN_RAD = 0.3
_GRAY_NOISE = 2.0
_DEPTH_NOISE_M = 0.0015
"""At a distance of 1 m; it grows with the square of the distance."""
_HOLES = 0.02
_STILL = np.zeros(6)


class Plane(NamedTuple):
    """A textured plane in motion.

    Attributes:
        texture: (512, 512, 3) uint8 RGB, repeated over the plane.
        side_m: Length of its sides [m]; infinite for the wall.
        centre_m: (3,) middle of its motion, in the camera's frame [m].
        swing_m: (3,) amplitude of its motion [m].
        turn_rad: (3,) amplitude of its rotation about the axes [rad].
        phase_rad: (6,) phases of both.
    """

    texture: npt.NDArray[np.uint8]
    side_m: float
    centre_m: FloatArray
    swing_m: FloatArray
    turn_rad: FloatArray
    phase_rad: FloatArray


class RandomScene:
    """A textured wall, four textured cards swinging and turning in front of it, and sensor noise.

    Frames are drawn on request; the same seed and place in the motion give the same frame.

    Args:
        width: Width of the pictures [px].
        height: Height of the pictures [px].
        seed: Seed of everything.
    """

    def __init__(self, width: int, height: int, seed: int = 0) -> None:
        focal_px = 0.95 * width
        self.camera = Camera(width, height, focal_px, focal_px, (width - 1) / 2, (height - 1) / 2)
        self._seed = seed
        self._random = np.random.default_rng(seed)
        pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1)
        self._rays = self.camera.unproject(pixels, np.ones((height, width)))
        self._color = np.zeros((height, width, 3), np.uint8)
        self._depth_m = np.full((height, width), np.inf)
        wall = Plane(
            self._texture(), np.inf, np.array([0, 0, _WALL_M]), _STILL[:3], _STILL[:3], _STILL
        )
        self._draw(wall, 0.0, self._color, self._depth_m)
        self._cards = [self._card() for _ in range(_CARDS)]
        # Drawn once and shifted from frame to frame, which is cheap.
        self._gray_noise = _normal(self._random, self._color.shape, _GRAY_NOISE)
        self._depth_noise_m = _normal(self._random, self._depth_m.shape, _DEPTH_NOISE_M)
        self._holes = self._random.random(self._depth_m.shape) < _HOLES

    def lap(self, rate_hz: float) -> list[RgbdFrame]:
        """Return the frames of one lap, with stamps at a rate [Hz] from 0 on."""
        return [self.frame(k, round(1e9 * k / rate_hz)) for k in range(FRAMES_PER_LAP)]

    def frame(self, index: int, stamp_ns: int) -> RgbdFrame:
        """Return the frame at a place in the motion, which repeats after `FRAMES_PER_LAP`.

        Args:
            index: Place in the motion.
            stamp_ns: Stamp of the frame [ns].
        """
        color, depth_m = self._color.copy(), self._depth_m.copy()
        for card in self._cards:
            self._draw(card, 2 * np.pi * index / FRAMES_PER_LAP, color, depth_m)
        random = np.random.default_rng((self._seed, index))
        shift = tuple(random.integers(0, depth_m.shape))
        gray_noise = np.roll(self._gray_noise, shift, (0, 1))
        color = np.asarray(cv2.add(color, gray_noise, dtype=cv2.CV_8U), np.uint8)
        depth_m += np.roll(self._depth_noise_m, shift, (0, 1)) * depth_m**2
        raw = np.clip(1e3 * depth_m + 0.5, 0, 65535).astype(np.uint16)
        raw[np.roll(self._holes, shift, (0, 1))] = 0
        return RgbdFrame(stamp_ns, "camera", color, DepthImage(raw, 1e-3), self.camera)

    def _draw(
        self, plane: Plane, angle: float, color: npt.NDArray[np.uint8], depth_m: FloatArray
    ) -> None:
        """Draw a plane where it is in front of what is already there."""
        swing = np.sin(angle + plane.phase_rad)
        centre = plane.centre_m + plane.swing_m * swing[:3]
        R, _ = cv2.Rodrigues(plane.turn_rad * swing[3:])
        window = self._window(centre, R, plane.side_m)
        rays, color, depth_m = self._rays[window], color[window], depth_m[window]
        if not rays.size:
            return  # out of the picture
        normal = R[:, 2]
        distance = (normal @ centre) / (rays @ normal)
        points = rays * distance[..., None] - centre
        across, down = points @ R[:, 0], points @ R[:, 1]
        half = plane.side_m / 2
        seen = (distance > 0) & (distance < depth_m)
        seen &= (np.abs(across) < half) & (np.abs(down) < half)
        texel = (np.stack([across, down], -1) * _TEXTURE_PX_PER_M).astype(np.float32)
        columns, rows = cv2.split(texel)
        drawn = cv2.remap(
            plane.texture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
        )
        color[seen] = drawn[seen]
        depth_m[seen] = distance[seen]

    def _window(self, centre: FloatArray, R: FloatArray, side_m: float) -> tuple[slice, slice]:
        """Return the rows and columns that a square can cover."""
        if np.isinf(side_m):
            return slice(None), slice(None)
        corners = np.array([(-1, -1, 0), (-1, 1, 0), (1, -1, 0), (1, 1, 0)]) * side_m / 2
        pixels = self.camera.project(centre + corners @ R.T)
        low = np.maximum(np.floor(pixels.min(0)), 0).astype(int)
        high = np.maximum(np.ceil(pixels.max(0)) + 1, 0).astype(int)
        return slice(low[1], high[1]), slice(low[0], high[0])

    def _card(self) -> Plane:
        random = self._random
        return Plane(
            self._texture(),
            random.uniform(*_CARD_SIDE_M),
            np.array([*random.uniform(-0.35, 0.35, 2), random.uniform(0.8, 1.5)]),
            random.uniform(0.3, 1, 3) * (_SWING_M, _SWING_M, _SWING_M / 2),
            random.uniform(0, _TURN_RAD, 3),
            random.uniform(0, 2 * np.pi, 6),
        )

    def _texture(self) -> npt.NDArray[np.uint8]:
        """Return random coloured blobs of all sizes, their contrast falling with the frequency."""
        total = np.zeros((_TEXTURE_PX, _TEXTURE_PX, 3))
        for octave in range(2, 8):
            cells = self._random.normal(0, 1, (2**octave, 2**octave, 3))
            total += cv2.resize(cells, (_TEXTURE_PX, _TEXTURE_PX)) * 40 * 0.8**octave
        base = self._random.uniform(80, 170, 3)
        return np.clip(base + total, 0, 255).astype(np.uint8)


def stream(lap: list[RgbdFrame], *, start_ns: int, rate_hz: float) -> Iterator[RgbdFrame]:
    """Yield the frames of a lap again and again, with stamps that continue.

    Args:
        lap: Frames of one lap.
        start_ns: Stamp of the first one [ns].
        rate_hz: Frames per second by the stamps.
    """
    for k in count():
        frame = lap[k % len(lap)]
        stamp_ns = start_ns + round(1e9 * k / rate_hz)
        yield RgbdFrame(stamp_ns, frame.frame_id, frame.color, frame.depth, frame.camera)


def _normal(
    random: np.random.Generator, shape: tuple[int, ...], deviation: float
) -> npt.NDArray[np.float32]:
    return random.standard_normal(shape, np.float32) * np.float32(deviation)
