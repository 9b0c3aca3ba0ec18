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
        """
        start_m = rays(self.older.camera, self.flow_px.device) * self.older.depth_m
        ray = sample(rays(self.newer.camera, self.flow_px.device), self.position_px)
        motion_m = ray * (self.older.depth_m + depth_change_m) - start_m
        return SceneFlow(self.flow_px, depth_change_m, motion_m * self.valid, self.valid)


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
        Motion that is valid where both ends have depth and the target is within the image.
    """
    ends = read_ends(older, newer, flow_px)
    return ends.motion(ends.depth_change_m if depth_change_m is None else depth_change_m)


def no_motion(frame: FlowInput) -> SceneFlow:
    """Return zero motion that is nowhere valid: what is known of a first frame."""
    height, width = frame.gray.shape
    zero = torch.zeros(3, height, width, device=frame.gray.device)
    valid = torch.zeros(height, width, dtype=torch.bool, device=frame.gray.device)
    return SceneFlow(zero[:2].clone(), zero[2].clone(), zero, valid)


@lru_cache(maxsize=8)
def rays(camera: Camera, device: torch.device) -> Tensor:
    """Return the points at depth 1 that the pixels of a camera see, lens distortion removed.

    Between pixels they are interpolated: exact for a pinhole, whose rays are linear in the pixel,
    and within a thousandth of a pixel for usual lenses. Where a lens model cannot be inverted they
    are that of the axis: always finite.

    Returns:
        (3, H, W) float32 x, y and 1.
    """
    pixels = np.stack(np.meshgrid(np.arange(camera.width), np.arange(camera.height)), -1)
    points = camera.unproject(pixels, np.ones((camera.height, camera.width)))
    points[~known_pixels(camera)] = (0.0, 0.0, 1.0)
    return torch.from_numpy(points).permute(2, 0, 1).float().contiguous().to(device)
