# SPDX-License-Identifier: Apache-2.0
"""Rendered clips as sequences with true flow, and errors over parts of their pictures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from endpoint_error import endpoint_error
from torch import Tensor

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.flow.flow_input import FlowInput
from affordance_seg_ros.frames import SceneFlow
from affordance_seg_ros.sources.clip import ROLES, Clip, read_clip

DEPTHS = ("noisy", "clean")
"""Depth as the sensor model gives it, or without its noise."""

MOVING_M = 0.001
"""Slower points count as static: a millimetre between two frames."""

_LUMA = np.float32([0.299, 0.587, 0.114])


class ClipSequence(NamedTuple):
    """A clip, ready to be measured.

    Attributes:
        name: Name of the folder.
        frames: The frames, oldest first.
        truths: True flow from each frame to the next.
        regions: Masks of each pair, by name: where to compare.
    """

    name: str
    frames: list[FlowInput]
    truths: list[SceneFlow]
    regions: list[Mapping[str, Tensor]]


def load_clip(folder: Path, depth: str) -> ClipSequence:
    """Read a rendered clip with its truth.

    Args:
        folder: The clip.
        depth: One of `DEPTHS`.

    Raises:
        SourceError: It is not a clip, or lacks true flow, roles or true depth.
    """
    clip = read_clip(folder)
    frames, truths, regions = [], [], []
    for index, frame in enumerate(clip.frames()):
        true_depth_m = clip.true_depth_m(index)
        if true_depth_m is None:
            raise SourceError(f"{folder} has no true depth; render it with --true-depth")
        depth_m = frame.depth.to_metres() if depth == "noisy" else true_depth_m
        gray = frame.color.astype(np.float32) @ _LUMA
        frames.append(
            FlowInput(
                torch.from_numpy(gray), torch.from_numpy(np.nan_to_num(depth_m)), frame.camera
            )
        )
        if index < len(clip) - 1:
            truth, masks = _truth(clip, index, np.nan_to_num(true_depth_m))
            truths.append(truth)
            regions.append(masks)
    return ClipSequence(folder.name, frames, truths, regions)


def _truth(
    clip: Clip, index: int, depth_m: npt.NDArray[np.float32]
) -> tuple[SceneFlow, dict[str, Tensor]]:
    flow, roles = clip.flow(index), clip.roles(index)
    if flow is None or roles is None:
        raise SourceError(f"{clip.path} lacks true flow or roles; expected a rendered clip")
    camera = clip.info.camera
    pixels = np.stack(np.meshgrid(np.arange(camera.width), np.arange(camera.height)), -1)
    end_m = camera.unproject(pixels, depth_m) + np.moveaxis(flow.motion_m, 0, 2)
    target = camera.project(end_m)
    last = (camera.width - 1, camera.height - 1)
    valid = (depth_m > 0) & ((target >= 0) & (target <= last)).all(-1)
    flow_px = np.where(valid[..., None], target - pixels, 0)
    truth = SceneFlow(
        torch.from_numpy(flow_px).permute(2, 0, 1).float(),
        torch.from_numpy(flow.motion_m[2]),
        torch.from_numpy(flow.motion_m),
        torch.from_numpy(valid),
    )
    moving = np.linalg.norm(flow.motion_m, axis=0) > MOVING_M
    seen = ~flow.occluded
    masks = {
        "moving": moving & seen,
        "static": ~moving & seen,
        "hand": (roles == ROLES.index("hand")) & moving & seen,
        "object": (roles == ROLES.index("object")) & moving & seen,
        "occluded": flow.occluded,
    }
    return truth, {name: torch.from_numpy(mask) for name, mask in masks.items()}


class RegionSums:
    """Sums of errors over pairs and clips, with equal weight for every pixel."""

    def __init__(self) -> None:
        self._sums: dict[str, npt.NDArray[np.float64]] = {}

    def add(self, estimate: SceneFlow, truth: SceneFlow, regions: Mapping[str, Tensor]) -> None:
        """Add one pair."""
        for name, mask in regions.items():
            if not bool((mask & truth.valid).any()):
                continue
            error = endpoint_error(estimate, truth, mask)
            valid_pixels = round(error.valid_fraction * error.pixels)
            epe3d = error.epe3d_mm * valid_pixels if valid_pixels else 0.0
            row = np.array([error.epe2d_px * error.pixels, epe3d, valid_pixels, error.pixels])
            self._sums[name] = self._sums.get(name, np.zeros(4)) + row

    def summary(self) -> dict[str, dict[str, Any]]:
        """Return mean errors by region."""
        return {
            name: {
                "epe2d_px": row[0] / row[3],
                "epe3d_mm": row[1] / max(row[2], 1),
                "valid_fraction": row[2] / row[3],
                "pixels": int(row[3]),
            }
            for name, row in self._sums.items()
        }
