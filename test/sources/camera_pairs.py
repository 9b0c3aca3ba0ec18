# SPDX-License-Identifier: Apache-2.0
"""Depth and colour cameras that stand side by side."""

import cv2
import numpy as np

from affordance_seg_ros.camera import Camera

# An Azure Kinect's calibration at half its size: the rational model with strong coefficients.
DEPTH_CAMERA = Camera(
    320, 288, 252.3, 252.4, 166.1, 174.2,
    (0.5479, -0.02097, 2.06e-5, -7.21e-5, -0.002652, 0.8897, 0.08613, -0.01391),
)  # fmt: skip
COLOR_CAMERA = Camera(
    640, 360, 305.9, 306.0, 319.4, 182.7,
    (0.3301, -2.4894, -1.618e-4, -1.294e-4, 1.4537, 0.2089, -2.3029, 1.3751),
)  # fmt: skip
PINHOLE = Camera(320, 240, 250.0, 250.0, 159.5, 119.5)


def pose(rotation_rad=(0.086, -0.0005, -0.0012), translation_m=(-0.0321, -0.0022, 0.0039)):
    """Return the (4, 4) rigid motion from a depth to a colour camera, an Azure Kinect's."""
    T = np.eye(4)
    T[:3, :3] = cv2.Rodrigues(np.array(rotation_rad, float))[0]
    T[:3, 3] = translation_m
    return T


def rays(camera):
    """Return the (H, W, 3) rays of all pixels, with z = 1."""
    columns, rows = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    return camera.unproject(np.stack([columns, rows], -1), np.ones(columns.shape))


# Beyond its round field of view an Azure Kinect sends no depth.
FIELD = np.hypot(*np.moveaxis(rays(DEPTH_CAMERA)[..., :2], -1, 0)) < 0.75
