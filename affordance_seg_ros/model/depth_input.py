# SPDX-License-Identifier: Apache-2.0
"""Weights adapted to see the same depths in the depth input of another network."""

from copy import deepcopy
from dataclasses import replace

import torch
from torch import nn

from affordance_seg_ros.config import InputConfig, NetworkConfig
from affordance_seg_ros.model.checkpoint import Checkpoint
from affordance_seg_ros.model.encoder import EncoderStream
from affordance_seg_ros.model.fitting import load_matching_weights
from affordance_seg_ros.model.network import DEPTH, AffordanceNetwork

_MASK = DEPTH + 1
"""Channel of the appearance stream in a network with `depth_mask`."""


@torch.no_grad()
def with_depth_input(
    checkpoint: Checkpoint, network_config: NetworkConfig, input_config: InputConfig
) -> Checkpoint:
    """Return weights that see another network's depth as they learned to see their own.

    With d = (z - near) / (far - near), one range is a linear function of the other, which the first
    convolution absorbs: what it computes from depth inside both ranges stays the same. Missing
    depth is 0 in both. With a mask of the depth it keeps its meaning, as the offset between the
    ranges is added only where there is depth. Without one, the offset is added everywhere, and
    missing depth, and what lies beyond the picture's border, becomes another depth.

    Args:
        checkpoint: The weights; not modified. If they take no depth, only the range changes.
        network_config: With `depth_mask`, the weights get a mask too, which they ignore except
            for the offset.
        input_config: Its depth_near_m and depth_far_m are the range.
    """
    learned = checkpoint.input_config
    near_m, far_m = input_config.depth_near_m, input_config.depth_far_m
    moved_input = replace(learned, depth_near_m=near_m, depth_far_m=far_m)
    if checkpoint.network.config.appearance != "rgbd":
        return replace(checkpoint, input_config=moved_input)
    network = deepcopy(checkpoint.network)
    if network_config.depth_mask and not network.depth_mask:
        network = _with_mask(network)
    if moved_input != learned:
        span_m = learned.depth_far_m - learned.depth_near_m
        offset = (near_m - learned.depth_near_m) / span_m
        first = _first_convolution(network)
        of_depth = first.weight[:, DEPTH]
        if network.depth_mask:
            first.weight[:, _MASK] += offset * of_depth
        else:
            assert first.bias is not None
            first.bias += offset * of_depth.sum((-2, -1))
        of_depth *= (far_m - near_m) / span_m
    return replace(
        checkpoint, network=network, network_config=network.config, input_config=moved_input
    )


def _with_mask(network: AffordanceNetwork) -> AffordanceNetwork:
    """Return the same network with a mask that it ignores."""
    masked = AffordanceNetwork(replace(network.config, depth_mask=True))
    load_matching_weights(masked, network.state_dict())
    _first_convolution(masked).weight[:, _MASK] = 0
    return masked.eval()


def _first_convolution(network: AffordanceNetwork) -> nn.Conv2d:
    stream = network.streams["appearance"]
    assert isinstance(stream, EncoderStream)
    return stream.conv1_1.conv
