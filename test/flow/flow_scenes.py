# SPDX-License-Identifier: Apache-2.0
"""Scenes whose scene flow is known: a textured plane that moves without turning."""

import numpy as np
import torch

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.flow.estimator import FlowInput
from affordance_seg_ros.frames import SceneFlow

CAMERA = Camera(width=160, height=120, fx=140.0, fy=150.0, cx=81.0, cy=58.5)
DEPTH_M = 1.0


def plane(
    offset_m=(0.0, 0.0, 0.0), *, camera: Camera = CAMERA, gain: float = 1.0, bias: float = 0.0
) -> FlowInput:
    """A facing plane at 1 m, moved by an offset; its brightness is 128 ± 80."""
    depth_m = DEPTH_M + offset_m[2]
    x = (np.arange(camera.width) - camera.cx) / camera.fx * depth_m - offset_m[0]
    y = (np.arange(camera.height) - camera.cy) / camera.fy * depth_m - offset_m[1]
    gray = 128 + 80 * texture(x[None, :], y[:, None])
    return FlowInput(
        torch.from_numpy((gain * gray + bias).astype(np.float32)),
        torch.full((camera.height, camera.width), depth_m),
        camera,
    )


def texture(x_m, y_m):
    """A smooth random pattern in [-1, 1], the same at every call."""
    random = np.random.default_rng(7)
    total = 0
    for _ in range(24):
        kx, ky = random.normal(0, 60, 2)
        total = total + np.sin(kx * x_m + ky * y_m + random.uniform(0, 6.3))
    return np.clip(total / 10, -1, 1)


def error_px_mm(flow: SceneFlow, offset_m, *, camera: Camera = CAMERA, margin: int = 8):
    """Mean and largest errors of the plane's flow [px], [mm], where it is valid off the borders."""
    x = (torch.arange(camera.width) - camera.cx) / camera.fx
    y = (torch.arange(camera.height) - camera.cy) / camera.fy
    rays = torch.stack(torch.broadcast_tensors(x[None, :], y[:, None], torch.ones(1, 1)))
    motion_m = torch.tensor(offset_m)[:, None, None]
    end_m = rays * DEPTH_M + motion_m
    scale = torch.tensor([camera.fx, camera.fy])[:, None, None]
    true_px = (end_m[:2] / end_m[2] - rays[:2]) * scale
    inner = torch.zeros_like(flow.valid)
    inner[margin:-margin, margin:-margin] = True
    inner &= flow.valid
    px = (flow.flow_px - true_px).norm(dim=0)[inner]
    mm = 1000 * (flow.motion_m - motion_m).norm(dim=0)[inner]
    return px.mean().item(), mm.mean().item(), mm.max().item()
