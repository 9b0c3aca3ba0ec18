# SPDX-License-Identifier: Apache-2.0
"""Scene flow from OpenCV's DIS optical flow and the difference of depth: fast on a CPU."""

from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.errors import FrameError
from affordance_seg_ros.flow.exposure import Brightness, common_contrast, measure_brightness
from affordance_seg_ros.flow.flow_input import FlowInput, check_input
from affordance_seg_ros.flow.motion import no_motion, read_ends
from affordance_seg_ros.frames import SceneFlow

_MIDDLE_GRAY = 128.0
_SMALLEST_SIDE_PX = 16  # DIS searches patches of 8 pixels at half the resolution

_LARGEST_CHANGE_M = 0.1
"""A larger change of depth is that of another surface, such as the one behind a moving hand."""
_FAR = 1e6
# Below each of these shares of the work, the resolution of the flow is halved.
_HALVING_BUDGETS = (0.75, 0.25)


class _Frame(NamedTuple):
    input: FlowInput
    brightness: Brightness


class DisFlow:
    """Dense inverse search on brightness, and depth read at both ends of the motion.

    A flow that is half a pixel off at the rim of an object reads the depth of what is behind it;
    a median over 5x5 pixels removes such jumps from the change of depth. Where the flow is far off
    over more than a rim, the change counts as none: more than 0.1 m from one frame to the next is
    taken for another surface.

    Source:
        Kroeger et al., "Fast optical flow using dense inverse search", ECCV 2016.
    """

    def __init__(self, config: FlowConfig, device: torch.device) -> None:
        self._normalize = config.normalize_exposure
        self._config = config
        self._device = device
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._dis.setPatchStride(4)
        self._older: _Frame | None = None
        self.set_budget(config.budget)

    def set_budget(self, budget: float) -> None:
        """Search and refine less; see `FlowEstimator`.

        The settings were chosen from the curve of error against time in docs/scene_flow.md.
        """
        self._config = replace(self._config, budget=budget)
        self._dis.setFinestScale(sum(budget < share for share in _HALVING_BUDGETS))
        self._dis.setGradientDescentIterations(max(5, round(16 * budget)))
        self._dis.setVariationalRefinementIterations(max(2, round(5 * budget)))

    def reset(self) -> None:
        """Forget the previous frame."""
        self._older = None

    @torch.no_grad()
    def step(self, frame: FlowInput) -> SceneFlow:
        """Return the motion from the previous frame to this one; see `FlowEstimator`."""
        older = self._older
        check_input(frame, older.input if older else None)
        if min(frame.gray.shape) < _SMALLEST_SIDE_PX:
            raise FrameError(
                f"a frame of {frame.camera.width}x{frame.camera.height} for DIS flow; expected at "
                f"least {_SMALLEST_SIDE_PX}x{_SMALLEST_SIDE_PX}"
            )
        frame = frame.to(self._device)
        newer = _Frame(frame, measure_brightness(frame.gray, normalize=self._normalize))
        self._older = newer
        if older is None:
            return no_motion(frame)
        contrast = common_contrast(older.brightness, newer.brightness)
        start = np.zeros((*frame.gray.shape, 2), np.float32)
        flow = self._dis.calc(
            _bytes(older.brightness, contrast), _bytes(newer.brightness, contrast), start
        )
        flow_px = torch.from_numpy(flow).permute(2, 0, 1).contiguous().to(self._device)
        ends = read_ends(older.input, newer.input, flow_px)
        change_m = median_where_seen(ends.depth_change_m.cpu().numpy(), ends.valid.cpu().numpy())
        change_m[np.abs(change_m) > _LARGEST_CHANGE_M] = 0
        return ends.motion(torch.from_numpy(change_m).to(self._device))


def median_where_seen(
    image: npt.NDArray[np.float32], seen: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    """Return the median of the seen pixels in each 5x5 neighbourhood.

    Args:
        image: (H, W) float32.
        seen: (H, W) bool.

    Returns:
        (H, W) float32; 0 where not seen.
    """
    # Unseen pixels vote alternately for far too much and far too little, and so cancel out.
    height, width = image.shape
    turn = np.where((np.arange(height)[:, None] + np.arange(width)) % 2, _FAR, -_FAR)
    median = cv2.medianBlur(np.where(seen, image, turn).astype(np.float32), 5)
    median = np.where(np.abs(median) < _FAR, median, image)
    return np.where(seen, median, np.float32(0))


def _bytes(brightness: Brightness, contrast: torch.Tensor) -> npt.NDArray[np.uint8]:
    gray = (brightness.relative * contrast + _MIDDLE_GRAY).round_().clamp_(0, 255)
    return gray.to(torch.uint8).cpu().numpy()
