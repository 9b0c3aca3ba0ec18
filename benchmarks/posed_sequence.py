# SPDX-License-Identifier: Apache-2.0
"""RGB-D recordings, and the scene flow that their camera poses imply."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.flow.flow_input import FlowInput
from affordance_seg_ros.flow.pyramid import downsample_brightness, downsample_depth
from affordance_seg_ros.frames import RgbdFrame, SceneFlow
from affordance_seg_ros.sources.bag import open_recording
from affordance_seg_ros.sources.trajectory import read_trajectory

_LUMA = np.float32([0.299, 0.587, 0.114])


class Sequence(NamedTuple):
    """Consecutive frames of one camera.

    Attributes:
        name: Name of the recording.
        frames: The frames, oldest first.
        truths: True flow from each frame to the next, one fewer than frames; None where the truth
            is unknown.
    """

    name: str
    frames: list[FlowInput]
    truths: list[SceneFlow] | None


def load_sequence(path: Path, *, halvings: int, with_truth: bool) -> Sequence:
    """Read a recording and, for the truth, the camera poses next to its pictures.

    Args:
        path: A recording of any format; poses are in its trajectory.log, camera to world.
        halvings: How often the pictures are smoothed and halved.
        with_truth: Whether to read the poses; the scene must then be static.

    Raises:
        AffordanceError: Something is missing, damaged or does not fit.
    """
    poses = _read_poses(path) if with_truth else None
    recording = open_recording(path)
    frames = [halve(_flow_input(frame), halvings) for frame in recording.frames()]
    # After a gap, frames would get the poses of other frames.
    if recording.report.skipped or len(frames) < 2:
        raise SourceError(f"{path}: {recording.report}; expected at least 2, none left out")
    truths = None
    if poses is not None:
        if len(poses) != len(frames):
            raise SourceError(
                f"{path} has {len(poses)} poses; expected {len(frames)}, one per frame"
            )
        truths = [
            rigid_flow(frame, np.linalg.inv(newer) @ older)
            for frame, older, newer in zip(frames[:-1], poses[:-1], poses[1:], strict=True)
        ]
    return Sequence(recording.name, frames, truths)


def halve(frame: FlowInput, times: int) -> FlowInput:
    """Return the frame at 1/2**times of its size, smoothed as a pyramid level."""
    for _ in range(times):
        gray, depth_m = downsample_brightness(frame.gray), downsample_depth(frame.depth_m)
        camera = frame.camera
        height, width = gray.shape
        camera = replace(
            camera,
            width=width,
            height=height,
            fx=camera.fx / 2,
            fy=camera.fy / 2,
            cx=camera.cx / 2,
            cy=camera.cy / 2,
        )
        frame = FlowInput(gray, depth_m, camera)
    return frame


def rigid_flow(frame: FlowInput, T_newer_older: npt.NDArray[np.float64]) -> SceneFlow:
    """Return the flow of a static scene under a moving camera.

    Args:
        frame: The older frame.
        T_newer_older: (4, 4) transform from the older camera's frame to the newer one's.
    """
    camera = frame.camera
    depth_m = frame.depth_m.numpy().astype(np.float64)
    pixels = np.stack(np.meshgrid(np.arange(camera.width), np.arange(camera.height)), -1)
    start_m = camera.unproject(pixels, depth_m)
    end_m = start_m @ T_newer_older[:3, :3].T + T_newer_older[:3, 3]
    target = camera.project(end_m)
    last = (camera.width - 1, camera.height - 1)
    valid = (depth_m > 0) & ((target >= 0) & (target <= last)).all(-1)
    motion_m = np.where(valid[..., None], end_m - start_m, 0)
    flow_px = np.where(valid[..., None], target - pixels, 0)
    return SceneFlow(
        torch.from_numpy(flow_px).permute(2, 0, 1).float(),
        torch.from_numpy(motion_m[..., 2]).float(),
        torch.from_numpy(motion_m).permute(2, 0, 1).float(),
        torch.from_numpy(valid),
    )


def _flow_input(frame: RgbdFrame) -> FlowInput:
    gray = frame.color.astype(np.float32) @ _LUMA
    # Rounded once, after the product; `to_metres` rounds its factor too, which is faster.
    depth_m = frame.depth.raw * np.float64(frame.depth.metres_per_unit)
    depth_m = np.where(np.isfinite(depth_m) & (depth_m > 0), depth_m, 0).astype(np.float32)
    return FlowInput(torch.from_numpy(gray), torch.from_numpy(depth_m), frame.camera)


def _read_poses(folder: Path) -> npt.NDArray[np.float64]:
    path = folder / "trajectory.log"
    if not path.is_file():
        raise SourceError(
            f"{folder} has no trajectory.log, so its true flow is unknown; expected camera poses "
            "there, or --without-truth to measure time only"
        )
    return read_trajectory(path)
