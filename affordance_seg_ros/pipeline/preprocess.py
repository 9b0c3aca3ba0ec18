# SPDX-License-Identifier: Apache-2.0
"""From a frame to the input of flow and network: resized, in metres, normalised, on the device."""

from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from affordance_seg_ros.camera import check_lens
from affordance_seg_ros.config import NEAREST_DEPTH, InputConfig
from affordance_seg_ros.errors import FrameError
from affordance_seg_ros.flow.estimator import FlowInput
from affordance_seg_ros.frames import DepthImage, RgbdFrame
from affordance_seg_ros.pipeline.depth_resize import resize_depth
from affordance_seg_ros.pipeline.fit import Fit, fit
from affordance_seg_ros.pipeline.upload import build_upload

Pixels = npt.NDArray[Any]

# Luma weights of BT.601, as used by the scene flow.
_GRAY_WEIGHTS = (0.299, 0.587, 0.114)


class Prepared(NamedTuple):
    """A frame at network size.

    Attributes:
        appearance: (1, 4, h, w) float32: normalised RGB, and depth scaled to [0, 1] with 0 for no
            depth.
        flow_input: The same picture as the flow estimator takes it; its edge is repeated in the
            padding.
        fit: Which part of the frame it came from.
    """

    appearance: Tensor
    flow_input: FlowInput
    fit: Fit


class Preprocessor:
    """Prepares frames as the weights require.

    Args:
        config: The input that the weights were trained on.
        device: Where to put the tensors.
    """

    def __init__(self, config: InputConfig, device: torch.device) -> None:
        self._config = config
        self._upload = build_upload(device)
        self._mean = torch.tensor(config.color_mean, device=device).view(3, 1, 1)
        self._std = torch.tensor(config.color_std, device=device).view(3, 1, 1)
        self._gray = torch.tensor(_GRAY_WEIGHTS, device=device).view(3, 1, 1)

    def prepare(self, frame: RgbdFrame) -> Prepared:
        """Resize, convert and normalise one frame.

        Raises:
            FrameError: The network's window of the frame has no valid depth at all.
            CalibrationError: The lens model of its camera cannot be inverted.
        """
        check_lens(frame.camera)
        config = self._config
        height, width = frame.color.shape[:2]
        placed = fit(width, height, config)
        color = self._upload(_place(_resize_color(frame.color, placed), placed))
        depth_m = _place(_resize_depth(frame.depth, placed), placed)
        if not depth_m.any():
            window = placed.source
            seen = f"{window.width}x{window.height}"
            if (window.width, window.height) != (width, height):
                seen = f"the middle {seen} of {width}x{height}"
            raise FrameError(
                f"no valid depth in {seen} pixels; expected millimetres > 0 (16UC1) or finite "
                "metres > 0 (32FC1)"
            )
        depth = self._upload(depth_m)

        rgb = color.permute(2, 0, 1).float()  # (3, h, w) in [0, 255]
        gray = (rgb * self._gray).sum(0)  # (h, w) in [0, 255]
        normalized = (rgb / 255 - self._mean) / self._std
        if placed.is_padded:
            normalized = _pad_anew(normalized, placed, "constant")  # 0 is the mean colour
            gray = _pad_anew(gray[None], placed, "replicate")[0]  # black would never seem to move
        scaled = (depth - config.depth_near_m) / (config.depth_far_m - config.depth_near_m)
        scaled = torch.where(depth > 0, scaled.clamp(NEAREST_DEPTH, 1), 0.0)
        appearance = torch.cat([normalized, scaled[None]])[None]  # (1, 4, h, w)
        flow_input = FlowInput(gray, depth, placed.camera(frame.camera))
        return Prepared(appearance, flow_input, placed)


def _cut(image: Pixels, placed: Fit) -> Pixels:
    """Return the source window of a picture, as a view."""
    x, y, width, height = placed.source
    return image[y : y + height, x : x + width]


def _resize_color(color: Pixels, placed: Fit) -> Pixels:
    window = _cut(color, placed)
    size = (placed.target.width, placed.target.height)
    # INTER_AREA averages when shrinking; enlarging needs a smooth kernel instead.
    enlarging = size[0] > window.shape[1] or size[1] > window.shape[0]
    how = cv2.INTER_LINEAR if enlarging else cv2.INTER_AREA
    resized: Pixels = cv2.resize(window, size, interpolation=how)
    return resized


def _resize_depth(depth: DepthImage, placed: Fit) -> Pixels:
    target = placed.target
    window = _cut(depth.raw, placed)
    return resize_depth(window, depth.metres_per_unit, target.width, target.height)


def _place(resized: Pixels, placed: Fit) -> Pixels:
    """Put a resized window into a black input."""
    if not placed.is_padded:
        return resized
    padded = np.zeros((placed.height, placed.width, *resized.shape[2:]), resized.dtype)
    x, y, width, height = placed.target
    padded[y : y + height, x : x + width] = resized
    return padded


def _pad_anew(image: Tensor, placed: Fit, mode: str) -> Tensor:
    """Return a (C, h, w) picture with its padding redone, by a mode of `functional.pad`."""
    x, y, width, height = placed.target
    borders = (x, placed.width - x - width, y, placed.height - y - height)
    return functional.pad(image[:, y : y + height, x : x + width], borders, mode=mode)
