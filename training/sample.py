# SPDX-License-Identifier: Apache-2.0
"""A training sample between the data and the network: readable pictures, not yet normalised."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from affordance_seg_ros.config import NEAREST_DEPTH, InputConfig, NetworkConfig
from affordance_seg_ros.flow.colorize import colorize
from affordance_seg_ros.frames import SceneFlow

FloatArray = npt.NDArray[np.float32]

NO_ACTION = -1
"""Action id of a sequence whose action is not known; it has no part in the loss."""


@dataclass(frozen=True)
class Sample:
    """T frames at network size; flow leads into each frame, on the grid of the previous one.

    Attributes:
        rgb: (T, 3, h, w) colour in [0, 1].
        depth_m: (T, h, w) depth [m], 0 for none.
        flow_px: (T, 2, h, w) optical flow [px], 0 for the first frame.
        motion_m: (T, 3, h, w) 3D motion [m], 0 for the first frame.
        valid: (T, h, w) whether the motion was seen; false everywhere in the first frame.
        target: (T, h, w) label ids, 255 where there is nothing to learn.
        inside: (h, w) false where the picture is padded.
        action_id: Action of the sequence, or `NO_ACTION`.
        told: Whether the decoder is told the action.
    """

    rgb: FloatArray
    depth_m: FloatArray
    flow_px: FloatArray
    motion_m: FloatArray
    valid: npt.NDArray[np.bool_]
    target: npt.NDArray[np.uint8]
    inside: npt.NDArray[np.bool_]
    action_id: int
    told: bool = False


class Batch(NamedTuple):
    """What a training step takes; with a leading dimension B once collated.

    Attributes:
        appearance: (T, 3 or 4, h, w) float32, as the pipeline prepares it.
        flow: (T, 3, h, w) float32 coloured flow; (T, 0, h, w) for a network without flow.
        target: (T, h, w) int64 label ids, 255 where there is nothing to learn.
        action: () int64 action id, or `NO_ACTION`.
        told_action: () int64 action id that the decoder is told, or `NO_ACTION`.
    """

    appearance: Tensor
    flow: Tensor
    target: Tensor
    action: Tensor
    told_action: Tensor


def encode(sample: Sample, input_config: InputConfig, network: NetworkConfig) -> Batch:
    """Normalise a sample as the pipeline's `Preprocessor` and `colorize` do."""
    mean = np.array(input_config.color_mean, np.float32).reshape(3, 1, 1)
    std = np.array(input_config.color_std, np.float32).reshape(3, 1, 1)
    near, far = input_config.depth_near_m, input_config.depth_far_m
    color = np.where(sample.inside, (sample.rgb - mean) / std, np.float32(0))
    appearance = torch.from_numpy(color.astype(np.float32))  # (T, 3, h, w)
    if network.appearance == "rgbd":
        scaled = np.clip((sample.depth_m - near) / (far - near), NEAREST_DEPTH, 1)
        depth = scaled * (sample.depth_m > 0)
        scaled = torch.from_numpy(depth.astype(np.float32))[:, None]
        appearance = torch.cat((appearance, scaled), 1)  # (T, 4, h, w)
    if network.flow == "none":
        flow = appearance[:, :0]
    else:
        flow = torch.stack(
            [
                colorize(each, input_config, mode=network.flow)
                for each in map(_scene_flow, sample.flow_px, sample.motion_m, sample.valid)
            ]
        )
    target = torch.from_numpy(sample.target.astype(np.int64))
    told = sample.action_id if sample.told else NO_ACTION
    return Batch(appearance, flow, target, torch.tensor(sample.action_id), torch.tensor(told))


def _scene_flow(
    flow_px: FloatArray, motion_m: FloatArray, valid: npt.NDArray[np.bool_]
) -> SceneFlow:
    # Colouring ignores the change of depth.
    return SceneFlow(
        torch.from_numpy(flow_px),
        torch.zeros(flow_px.shape[1:]),
        torch.from_numpy(motion_m),
        torch.from_numpy(valid),
    )
