# SPDX-License-Identifier: Apache-2.0
"""What a depth camera makes of true depth: noise, holes, flying pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]

_CROSS = np.ones((3, 3), np.uint8)
_SATURATION = 11.0
"""Reflectance over squared distance [1/m²] that is too bright to measure: a white cup at 0.25 m
loses its front and keeps its sides, as in the only real recording there is."""


@dataclass(frozen=True)
class DepthSensor:
    """A time-of-flight camera, its depth mapped onto the colour camera.

    Attributes:
        noise_m: Standard deviation of depth at 1 m on a bright surface seen head-on.
        smooth_noise_share: Share of the noise that neighbouring pixels have in common.
        wiggle_m: Amplitude of the error that repeats with distance.
        wiggle_period_m: Its period.
        flying_share: Share of pixels at a depth edge that fall between front and back.
        edge_loss: Share of pixels next to a depth edge that have no depth.
        edge_width_rad: How far such holes reach to either side of the edge.
        grazing_cosine: Surfaces seen more obliquely than this lose most pixels.
        dark_loss: How quickly pixels on dark surfaces are lost.
        multipath_m: How far concave corners bulge towards the camera.
        min_m: Nearest depth.
        max_m: Farthest depth.
        baseline_m: Distance from the depth camera to the colour camera on its right; it casts a
            shadow where the colour camera sees what the depth camera cannot.
        fixed_loss: Share of pixels that never have depth.
    """

    noise_m: float
    smooth_noise_share: float
    wiggle_m: float
    wiggle_period_m: float
    flying_share: float
    edge_loss: float
    edge_width_rad: float
    grazing_cosine: float
    dark_loss: float
    multipath_m: float
    min_m: float
    max_m: float
    baseline_m: float
    fixed_loss: float


SENSORS: Mapping[str, DepthSensor] = MappingProxyType(
    {
        "kinect_v2": DepthSensor(
            noise_m=0.0008, smooth_noise_share=0.6, wiggle_m=0.0015, wiggle_period_m=0.15,
            flying_share=0.4, edge_loss=0.6, edge_width_rad=0.003, grazing_cosine=0.14,
            dark_loss=0.5, multipath_m=0.004, min_m=0.5, max_m=4.5, baseline_m=0.052,
            fixed_loss=0.0006,
        ),
        "azure_kinect": DepthSensor(
            noise_m=0.00028, smooth_noise_share=0.75, wiggle_m=0.0008, wiggle_period_m=0.2,
            flying_share=0.25, edge_loss=0.8, edge_width_rad=0.0045, grazing_cosine=0.12,
            dark_loss=0.8, multipath_m=0.005, min_m=0.17, max_m=3.86, baseline_m=0.032,
            fixed_loss=0.0002,
        ),
    }
)  # fmt: skip
"""Sensor models by name; docs/clips.md compares them with real pictures."""


@dataclass(frozen=True)
class SensorState:
    """What stays the same over a clip.

    Attributes:
        pattern: (H, W) fixed pattern.
        luck: (H, W) values uniform in [0, 1]; pixels below the sensor's `fixed_loss` never have
            depth.
        phase: Phase of the error that repeats with distance [rad].
        outside: (H, W) bool, what the depth camera does not see; None if it sees everything.
    """

    pattern: Float
    luck: Float
    phase: float
    outside: npt.NDArray[np.bool_] | None = None


def draw_sensor_state(
    rng: np.random.Generator, height: int, width: int, *, narrow: bool = False
) -> SensorState:
    """Draw one camera's fixed pattern and, if it is narrow, the part of the picture that it sees.

    Args:
        rng: Source of randomness.
        height: Height of the pictures [px].
        width: Their width [px].
        narrow: Whether the depth camera sees less than the colour camera.
    """
    pattern = cv2.GaussianBlur(rng.standard_normal((height, width), np.float32), (0, 0), 1.0)
    luck = rng.random((height, width), np.float32)
    phase = float(rng.uniform(0, 2 * np.pi))
    outside = _outside_a_hexagon(rng, height, width) if narrow else None
    return SensorState(pattern / pattern.std(), luck, phase, outside)


def _outside_a_hexagon(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.bool_]:
    """Return what lies outside a hexagon about the middle, with corners on the left and right."""
    middle = np.array([width, height]) * rng.uniform(0.45, 0.55, 2)
    reach = np.array([width, height]) * rng.uniform((0.36, 0.5), (0.52, 0.62))
    angles = np.arange(6) * np.pi / 3
    corners = middle + reach * np.stack([np.cos(angles), np.sin(angles) / np.sin(np.pi / 3)], 1)
    inside = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(inside, np.rint(corners).astype(np.int32), 1)
    return inside == 0


def sense_depth(
    sensor: DepthSensor,
    state: SensorState,
    depth_m: Float,
    incidence: Float,
    brightness: Float,
    gloss: Float,
    focal_px: float,
    rng: np.random.Generator,
) -> npt.NDArray[np.uint16]:
    """Return what the camera would report.

    Args:
        sensor: The sensor model.
        state: This camera's fixed pattern.
        depth_m: (H, W) true depth, 0 where nothing is.
        incidence: (H, W) cosine of the angle of incidence.
        brightness: (H, W) reflectance in [0, 1], a stand-in for infrared.
        gloss: (H, W) from 0 for chalk to 1 for polished metal.
        focal_px: Focal length [px].
        rng: Source of randomness.

    Returns:
        (H, W) uint16 millimetres, 0 where there is no depth.
    """
    shape = depth_m.shape
    z = depth_m.astype(np.float32)
    chance, chance_2 = rng.random((2, *shape), np.float32)
    far, near = cv2.dilate(z, _CROSS), cv2.erode(z, _CROSS)
    # Measured by the deviation from a plane, which recedes without an edge.
    edge = np.abs(far + near - 2 * z) > 0.012 + 0.012 * z
    # A pixel of the sensor spans both sides of an edge: its phase, and so its depth, lies between.
    mixed = cv2.blur(z, (3, 3))
    measured = np.where(edge & (chance < sensor.flying_share), mixed, z)
    # Light that bounces between the sides of a concave corner makes it look rounder than it is.
    hollow = cv2.GaussianBlur(z, (0, 0), 4.0) - z
    smooth_part = (hollow < 0) & (hollow > -0.04) & ~edge
    measured -= np.where(smooth_part, np.clip(-hollow, 0, 0.02) / 0.02 * sensor.multipath_m, 0)

    rows = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, shape[1], dtype=np.float32)[None]
    vignette = np.exp(-0.35 * (rows**2 + columns**2))
    albedo = 0.25 + 0.75 * brightness  # much that is dark to the eye reflects infrared
    reflected = albedo * np.clip(incidence, 0.03, 1) * vignette
    returned = reflected / np.maximum(z, 0.3) ** 2
    sigma = np.clip(sensor.noise_m / np.sqrt(np.maximum(returned, 0.01)), 0, 0.02)
    white = rng.standard_normal(shape, np.float32)
    common = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), 1.3) * 4.6
    share = sensor.smooth_noise_share
    noise = np.sqrt(1 - share) * white + np.sqrt(share) * common
    measured += sigma * noise + 0.35 * sensor.noise_m * state.pattern
    wave = np.sin(measured * np.float32(2 * np.pi / sensor.wiggle_period_m) + state.phase)
    measured += np.float32(sensor.wiggle_m) * wave

    lost = (z < sensor.min_m) | (z > sensor.max_m)
    lost |= _beside(edge, sensor.edge_width_rad * focal_px) & (
        _clumps(rng, shape) < sensor.edge_loss
    )
    lost |= (incidence < sensor.grazing_cosine) & (chance_2 < 0.85)
    weak = np.clip(1 - returned / 0.05, 0, 1) * sensor.dark_loss
    mirrored = gloss * np.clip(1 - incidence, 0, 1) ** 2 * 0.5 + gloss * (incidence > 0.995) * 0.5
    lost |= chance_2 < np.maximum(weak, mirrored)
    lost |= state.luck < sensor.fixed_loss
    lost |= reflected > _SATURATION * z**2
    lost |= shadow(z, focal_px * sensor.baseline_m)
    if state.outside is not None:
        lost |= state.outside
    # Holes come in clumps: a pixel amid holes is lost too.
    lost |= (cv2.blur(lost.astype(np.float32), (3, 3)) > 0.5) & (chance < 0.8)
    millimetres = np.rint(measured * 1000).clip(0, 65535).astype(np.uint16)
    millimetres[lost] = 0
    return millimetres


def _beside(edge: npt.NDArray[np.bool_], width_px: float) -> npt.NDArray[np.bool_]:
    """Return where an edge is nearer than a width; the edge itself is two pixels wide."""
    reach = max(0, round(width_px - 1))
    if not reach:
        return edge
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return cv2.dilate(edge.astype(np.uint8), disc) > 0


def _clumps(rng: np.random.Generator, shape: tuple[int, ...]) -> Float:
    """Return values uniform in [0, 1] that are correlated between neighbouring pixels."""
    noise = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), 0.8)
    noise = noise / noise.std()
    # The normal distribution function, to within a percent.
    return (1 / (1 + np.exp(-1.702 * noise))).astype(np.float32)


def shadow(depth_m: Float, focal_baseline: float) -> npt.NDArray[np.bool_]:
    """Return where something nearer blocks the view of a camera to the left.

    Args:
        depth_m: (H, W) depth of this camera, 0 where nothing is.
        focal_baseline: Focal length times the distance between the cameras [px m].
    """
    inverse = np.where(depth_m > 0, 1 / np.maximum(depth_m, 0.1), 0).astype(np.float32)
    column = np.arange(depth_m.shape[1], dtype=np.float32)[None]
    there = column + focal_baseline * inverse  # column in the other camera's picture
    # Seen from the left, near things move right: they cover what lies to the right of them.
    covered = np.maximum.accumulate(there, axis=1)
    return covered > there + 1.5
