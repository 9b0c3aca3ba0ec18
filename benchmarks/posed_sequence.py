# SPDX-License-Identifier: Apache-2.0
"""RGB-D sequences in folders, and the scene flow that their camera poses imply."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.flow.flow_input import FlowInput
from affordance_seg_ros.flow.pyramid import downsample_brightness, downsample_depth
from affordance_seg_ros.frames import SceneFlow

_LAYOUTS = (("color/*.jpg", "depth/*.png"), ("*_rgb.tiff", "*_depth.tiff"))
_LUMA = np.float32([0.299, 0.587, 0.114])


class Sequence(NamedTuple):
    """Consecutive frames of one camera.

    Attributes:
        name: Name of the folder.
        frames: The frames, oldest first.
        truths: True flow from each frame to the next, one fewer than frames; None where the truth
            is unknown.
    """

    name: str
    frames: list[FlowInput]
    truths: list[SceneFlow] | None


def load_sequence(folder: Path, *, halvings: int, with_truth: bool) -> Sequence:
    """Read pictures, depth [mm], intrinsics and, for the truth, camera poses.

    Args:
        folder: Holds color/*.jpg and depth/*.png with a camera*.json, or *_rgb.tiff and
            *_depth.tiff with *.xml; poses in trajectory.log, camera to world.
        halvings: How often the pictures are smoothed and halved.
        with_truth: Whether to read the poses of what must be a static scene.

    Raises:
        SourceError: Something is missing or does not fit.
    """
    for colors, depths in _LAYOUTS:
        pairs = list(zip(sorted(folder.glob(colors)), sorted(folder.glob(depths)), strict=False))
        if len(pairs) > 1:
            break
    else:
        raise SourceError(
            f"{folder} holds no two pictures with depth; expected color/*.jpg with depth/*.png, or "
            "*_rgb.tiff with *_depth.tiff"
        )
    poses = _read_poses(folder / "trajectory.log", len(pairs)) if with_truth else None
    camera = _read_camera(folder)
    frames = [halve(_read_frame(color, depth, camera), halvings) for color, depth in pairs]
    truths = None
    if poses is not None:
        truths = [
            rigid_flow(frame, np.linalg.inv(newer) @ older)
            for frame, older, newer in zip(frames[:-1], poses[:-1], poses[1:], strict=True)
        ]
    return Sequence(folder.name, frames, truths)


def halve(frame: FlowInput, times: int) -> FlowInput:
    """Return the frame at 1/2**times of its size, smoothed as a pyramid level."""
    for _ in range(times):
        gray, depth_m = downsample_brightness(frame.gray), downsample_depth(frame.depth_m)
        camera = frame.camera
        height, width = gray.shape
        camera = Camera(width, height, camera.fx / 2, camera.fy / 2, camera.cx / 2, camera.cy / 2)
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


def _read_frame(color: Path, depth: Path, camera: Camera) -> FlowInput:
    bgr, raw = cv2.imread(str(color)), cv2.imread(str(depth), cv2.IMREAD_UNCHANGED)
    for path, image in ((color, bgr), (depth, raw)):
        if image is None or image.shape[:2] != (camera.height, camera.width):
            came = "no picture" if image is None else f"{image.shape[1]}x{image.shape[0]}"
            raise SourceError(f"{path}: {came}; expected {camera.width}x{camera.height} pixels")
    gray = bgr[..., ::-1].astype(np.float32) @ _LUMA
    return FlowInput(
        torch.from_numpy(gray), torch.from_numpy(raw.astype(np.float32) / 1000), camera
    )


def _read_camera(folder: Path) -> Camera:
    for path in sorted(folder.glob("camera*.json")):
        content = json.loads(path.read_text())
        fx, _, _, _, fy, _, cx, cy, _ = content["intrinsic_matrix"]  # column by column
        return Camera(content["width"], content["height"], fx, fy, cx, cy)
    for path in sorted(folder.glob("*.xml")):
        # These files have two roots, colour and depth, which XML does not allow.
        declaration, roots = path.read_text().split("?>")
        rgb = ElementTree.fromstring(f"{declaration}?><both>{roots}</both>")[0]
        values = [
            float(rgb.findtext(name, "nan"))
            for name in (
                "focal_length_x", "focal_length_y", "principal_point_x", "principal_point_y"
            )
        ]  # fmt: skip
        return Camera(640, 480, *values)  # the size of these recordings
    raise SourceError(f"{folder} holds no intrinsics; expected camera*.json or *.xml")


def _read_poses(path: Path, count: int) -> list[npt.NDArray[np.float64]]:
    if not path.is_file():
        raise SourceError(
            f"{path.parent} has no trajectory.log, so its true flow is unknown; expected camera "
            "poses there, or --without-truth to measure time only"
        )
    # Blocks of five lines: three indices, then the rows of a 4x4 matrix.
    rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
    try:
        poses = [np.array(rows[k + 1 : k + 5], np.float64) for k in range(0, len(rows), 5)]
    except ValueError as error:
        raise SourceError(f"{path} cannot be read: {error}") from error
    if len(poses) != count or any(pose.shape != (4, 4) for pose in poses):
        raise SourceError(f"{path} holds {len(poses)} poses; expected {count} of 4x4 numbers")
    return poses
