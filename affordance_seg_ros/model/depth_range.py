# SPDX-License-Identifier: Apache-2.0
"""Weights that see the same depths where another depth is 0 and another is 1."""

from copy import deepcopy
from dataclasses import replace

import torch

from affordance_seg_ros.config import InputConfig
from affordance_seg_ros.model.checkpoint import Checkpoint
from affordance_seg_ros.model.encoder import EncoderStream

_DEPTH = 3
"""Channel of the appearance, after the colours."""


@torch.no_grad()
def in_depth_range(checkpoint: Checkpoint, wanted: InputConfig) -> Checkpoint:
    """Return weights that see in another range of depth what they learned to see in their own.

    With d = (z - near) / (far - near), one range is a linear function of the other, which the first
    convolution takes in: what it computes from depth inside of both ranges stays as it was. What
    has no depth is 0 in both, so there, and beside the picture's border, it becomes another depth.

    Args:
        checkpoint: The weights; stays as it is.
        wanted: Its depth_near_m and depth_far_m are the range; the rest is not looked at.
    """
    learned = checkpoint.input_config
    moved_input = replace(learned, depth_near_m=wanted.depth_near_m, depth_far_m=wanted.depth_far_m)
    if moved_input == learned:
        return checkpoint
    network = deepcopy(checkpoint.network)
    if network.config.appearance == "rgbd":
        span_m = learned.depth_far_m - learned.depth_near_m
        stream = network.streams["appearance"]
        assert isinstance(stream, EncoderStream)
        first = stream.conv1_1.conv
        assert first.bias is not None
        of_depth = first.weight[:, _DEPTH]
        offset = (wanted.depth_near_m - learned.depth_near_m) / span_m
        first.bias += offset * of_depth.sum((-2, -1))
        of_depth *= (wanted.depth_far_m - wanted.depth_near_m) / span_m
    return replace(checkpoint, network=network, input_config=moved_input)
