# SPDX-License-Identifier: Apache-2.0
"""Where the camera stands, and how it moves if it does."""

from dataclasses import dataclass

import numpy as np

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.training.synthesis.rendering import View
from affordance_seg_ros.training.synthesis.rotations import Array, pose, unit

_KINECT_FOCAL_PER_WIDTH = 365.5 / 512
_FULL_FRAME_SHARE = 0.12
_ACROSS_SHARE = 0.7  # of wide scenes: filmed across the table
_CLOSE_SHARE = 0.5  # of those, by a camera that stands on the table, near the object
_LARGEST_SHARE = 0.7  # of the picture's height that the object of such a camera fills


def look_at(eye_m: Array, target_m: Array, roll_rad: float = 0.0) -> Array:
    """Return the (4, 4) transform from world to an optical frame at `eye_m`."""
    forward = unit(target_m - eye_m)
    right = unit(np.cross(forward, (0, 0, 1)))
    down = np.cross(forward, right)
    c, s = np.cos(roll_rad), np.sin(roll_rad)
    rotation = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.stack([right, down, forward])
    return pose(rotation, -rotation @ eye_m)


@dataclass(frozen=True)
class Viewpoint:
    """A camera over the course of a clip.

    Attributes:
        camera: Intrinsics.
        eye_m: (3,) place that it sways about.
        target_m: (3,) what it looks at.
        roll_rad: Tilt about the line of sight.
        sway_m: (3,) amplitude of the eye's slow motion; zeros for a fixed camera.
        full_frame: Whether it is a sensor's whole picture, not a crop around the object.
    """

    camera: Camera
    eye_m: Array
    target_m: Array
    roll_rad: float
    sway_m: Array
    full_frame: bool

    def at(self, time: float) -> View:
        """Return the view at a time in [0, 1]."""
        sway = self.sway_m * np.sin(np.pi * time + np.array([0.0, 1.0, 2.0]))
        moved = self.eye_m + sway
        return View(self.camera, look_at(moved, self.target_m + 0.3 * sway, self.roll_rad))


def draw_viewpoint(
    rng: np.random.Generator,
    width: int,
    height: int,
    centre_m: Array,
    object_size_m: float,
    *,
    moving: bool,
    wide: bool = False,
) -> Viewpoint:
    """Draw a camera that sees the object and the hands.

    It is opposite the person and looks down by 24 to 53 degrees; in wide scenes it often looks
    across the table, from nearer and from the side, or stands close to the object itself.

    Args:
        rng: Source of randomness.
        width: Picture width [px].
        height: Picture height [px].
        centre_m: (3,) middle of where the object will be.
        object_size_m: Extent of the object, which fills at least 0.12 of the picture's height, and
            at most 0.7 where the camera stands close.
        moving: Whether the camera sways slowly.
        wide: Whether it may look across the table.
    """
    across = wide and rng.random() < _ACROSS_SHARE
    close = across and rng.random() < _CLOSE_SHARE
    full_frame = not across and rng.random() < _FULL_FRAME_SHARE
    around = 2.2 if close else 1.5 if across else 0.7
    azimuth = rng.uniform(-around, around)
    elevation = rng.uniform(0.05, 0.42) if across else rng.uniform(0.42, 0.92)
    if close:
        focal = rng.uniform(0.8, 1.3) * height
        nearest = focal * object_size_m / (_LARGEST_SHARE * height)
        distance = max(nearest, rng.uniform(0.2, 0.5))
    elif across:
        distance = rng.uniform(0.45, 1.1)
        focal = rng.uniform(0.85, 1.8) * height
    elif full_frame:
        distance = rng.uniform(0.95, 1.35)
        focal = _KINECT_FOCAL_PER_WIDTH * min(width, height * 512 / 424)
    else:
        distance = rng.uniform(0.8, 1.15)
        focal = rng.uniform(1.5, 2.0) * height
    smallest = 0.12 * height
    distance = min(distance, focal * object_size_m / smallest)
    target = centre_m + np.array(
        [rng.normal(0, 0.035), rng.normal(0.03, 0.03), rng.uniform(0, 0.05)]
    )
    if close:
        aside = rng.uniform(-0.3, 0.3) * distance
        target = target + np.array([aside, 0, rng.uniform(0, 0.3) * distance])
    elif across:
        target = target + np.array([0, 0, rng.uniform(0, 0.1)])
    line = np.array(
        [
            np.sin(azimuth) * np.cos(elevation),
            -np.cos(azimuth) * np.cos(elevation),
            np.sin(elevation),
        ]
    )
    camera = Camera(
        width,
        height,
        focal,
        focal,
        (width - 1) / 2 + rng.normal(0, 0.006 * width),
        (height - 1) / 2 + rng.normal(0, 0.006 * width),
    )
    sway = rng.uniform(-1, 1, 3) * (0.05, 0.03, 0.03) if moving else np.zeros(3)
    return Viewpoint(
        camera, target + distance * line, target, float(rng.normal(0, 0.03)), sway, full_frame
    )
