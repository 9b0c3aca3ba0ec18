# SPDX-License-Identifier: Apache-2.0
"""A small random network in float64, and clips for it."""

import torch

from affordance_seg_ros.config import NetworkConfig
from affordance_seg_ros.model.initialisation import xavier_initialise
from affordance_seg_ros.model.network import AffordanceNetwork

SMALL = NetworkConfig(width=4, norm="group")
# Float64 leaves rounding so small that any disagreement is a fault.
EXACT = {"rtol": 1e-9, "atol": 1e-11}


def network_of(config, seed=0, dtype=torch.float64):
    network = AffordanceNetwork(config)
    xavier_initialise(network, torch.Generator().manual_seed(seed))
    return network.to(dtype).eval()


def clip_of(network, *shape, seed=1):
    """Random appearance and flow (*shape[:-2], channels, *shape[-2:])."""
    generator = torch.Generator().manual_seed(seed)
    *leading, height, width = shape
    dtype = network.fusion.conv.weight.dtype

    def random(channels):
        return torch.randn(*leading, channels, height, width, generator=generator, dtype=dtype)

    appearance = random(network.appearance_channels)
    return appearance, random(network.flow_channels) if network.flow_channels else None


def frame(clip, t):
    return tuple(None if part is None else part[:, t] for part in clip)


def run_steps(network, clip, state=None):
    outputs = []
    for t in range(clip[0].shape[1]):
        output, state = network.step(*frame(clip, t), state)
        outputs.append(output)
    return outputs, state
