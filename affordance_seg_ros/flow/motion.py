# SPDX-License-Identifier: Apache-2.0
"""From optical flow and change of depth to motion in metres."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from affordance_seg_ros.camera import Camera, known_pixels
from affordance_seg_ros.flow.flow_input import FlowInput
from affordance_seg_ros.flow.warp import inside, sample, sample_depth, targets
from affordance_seg_ros.frames import SceneFlow

KNOWN_SHARE = 1 - 1e-3
"""Share of known pixels around a target above which it counts as known: the rest is rounding."""


class Ends(NamedTuple):
    """Both ends of the motion between two frames, on the grid of the older one.

    Attributes:
        older: The frame on whose grid the motion lives.
        newer: The frame it leads to.
        flow_px: (2, H, W) float32 optical flow (columns, rows) [px].
        position_px: (2, H, W) float32 where the motion leads to [px].
        depth_change_m: (H, W) float32 newer depth there minus older depth [m]; 0 where not valid.
        valid: (H, W) bool: both ends have depth, and the target is within the image.
    """

    older: FlowInput
    newer: FlowInput
    flow_px: Tensor
    position_px: Tensor
    depth_change_m: Tensor
    valid: Tensor

    def motion(self, depth_change_m: Tensor) -> SceneFlow:
        """Back-project both ends and subtract.

        Args:
            depth_change_m: (H, W) float32 change of depth along the motion [m].

        Returns:
            Motion that is valid where `valid` is and the lens models know both rays.
        """
        start = rays(self.older.camera, self.flow_px.device)
        end = sample(rays(self.newer.camera, self.flow_px.device), self.position_px)
        valid = self.valid & (start[2] > 0) & (end[2] > KNOWN_SHARE)
        motion_m = end * (self.older.depth_m + depth_change_m) - start * self.older.depth_m
        return SceneFlow(self.flow_px, depth_change_m, motion_m * valid, valid)


def read_ends(older: FlowInput, newer: FlowInput, flow_px: Tensor) -> Ends:
    """Read the depth at both ends of a (2, H, W) float32 optical flow [px]."""
    position_px = targets(flow_px)
    newer_depth_m = sample_depth(newer.depth_m, position_px)
    valid = (older.depth_m > 0) & (newer_depth_m > 0) & inside(position_px)
    depth_change_m = (newer_depth_m - older.depth_m) * valid
    return Ends(older, newer, flow_px, position_px, depth_change_m, valid)


def scene_flow(
    older: FlowInput, newer: FlowInput, flow_px: Tensor, depth_change_m: Tensor | None = None
) -> SceneFlow:
    """Back-project both ends of the motion and subtract.

    Args:
        older: The frame on whose grid the motion lives.
        newer: The frame it leads to.
        flow_px: (2, H, W) float32 optical flow (columns, rows) [px].
        depth_change_m: (H, W) float32 change of depth along the motion [m]; None reads it from
            the newer depth.

    Returns:
        Motion that is valid where both ends have depth, the target is within the image, and the
        lens models know where both ends are.
    """
    ends = read_ends(older, newer, flow_px)
    return ends.motion(ends.depth_change_m if depth_change_m is None else depth_change_m)


def no_motion(frame: FlowInput) -> SceneFlow:
    """Return zero motion that is valid nowhere: what is known about a first frame."""
    height, width = frame.gray.shape
    zero = torch.zeros(3, height, width, device=frame.gray.device)
    valid = torch.zeros(height, width, dtype=torch.bool, device=frame.gray.device)
    return SceneFlow(zero[:2].clone(), zero[2].clone(), zero, valid)


@lru_cache(maxsize=8)
def rays(camera: Camera, device: torch.device) -> Tensor:
    """Return the points at depth 1 that the pixels of a camera see, lens distortion removed.

    Between pixels they are interpolated. This is exact for a pinhole, whose rays are linear in the
    pixel; at 160x90 pixels it is off by at most 0.002 px for an Azure Kinect's lens, and by
    0.005 px for k1 = -0.32, k2 = 0.1.

    Returns:
        (3, H, W) float32 x, y and 1; zeros where the lens model says nothing. So the
        last plane, when interpolated, is the share of known pixels.
    """
    pixels = np.stack(np.meshgrid(np.arange(camera.width), np.arange(camera.height)), -1)
    points = camera.unproject(pixels, np.ones((camera.height, camera.width)))
    points[~known_pixels(camera)] = 0
    return torch.from_numpy(points).permute(2, 0, 1).float().contiguous().to(device)
