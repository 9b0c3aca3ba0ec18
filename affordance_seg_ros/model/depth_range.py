# SPDX-License-Identifier: Apache-2.0
"""Weights that see the same depths where another depth is 0 and another is 1."""

import torch

from affordance_seg_ros.config import InputConfig
from affordance_seg_ros.model.encoder import EncoderStream
from affordance_seg_ros.model.network import AffordanceNetwork

_DEPTH = 3
"""Channel of the appearance, after the colours."""


@torch.no_grad()
def move_depth_range(network: AffordanceNetwork, learned: InputConfig, wanted: InputConfig) -> None:
    """Let a network that learned from one scale of depth see the same in another.

    With d = (z - near) / (far - near), one scale is a linear function of the other, which the first
    convolution takes in: what it computes from depth inside of both ranges stays as it was. What
    has no depth is 0 in both, so there, and beside the picture's border, it becomes another depth.

    Args:
        network: Changed in place; without depth it stays as it is.
        learned: Its own depth_near_m and depth_far_m.
        wanted: Those that it is to have.
    """
    if network.config.appearance != "rgbd":
        return
    span_m = learned.depth_far_m - learned.depth_near_m
    factor = (wanted.depth_far_m - wanted.depth_near_m) / span_m
    offset = (wanted.depth_near_m - learned.depth_near_m) / span_m
    stream = network.streams["appearance"]
    assert isinstance(stream, EncoderStream)
    first = stream.conv1_1.conv
    assert first.bias is not None
    of_depth = first.weight[:, _DEPTH]
    first.bias += offset * of_depth.sum((-2, -1))
    of_depth *= factor
