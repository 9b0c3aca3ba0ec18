# SPDX-License-Identifier: Apache-2.0
"""The work of the network for one frame, counted without doing it."""

from typing import NamedTuple

import torch

from affordance_seg_ros.config import NetworkConfig
from affordance_seg_ros.evaluation.bench.work import Work, WorkCounter
from affordance_seg_ros.model.network import AffordanceNetwork


class NetworkWork(NamedTuple):
    """Number of parameters, and the work of a step in the middle of a stream."""

    parameters: int
    step: Work


def network_work(config: NetworkConfig, height: int, width: int) -> NetworkWork:
    """Count the work of `AffordanceNetwork.step`.

    Args:
        config: The architecture.
        height: Height of the input [px].
        width: Width of the input [px].
    """
    with torch.device("meta"), torch.no_grad():
        network = AffordanceNetwork(config)
        state = network.empty_state(1, height, width)
        appearance = torch.empty(1, network.appearance_channels, height, width)
        flow = torch.empty(1, network.flow_channels, height, width)
        with WorkCounter() as counter:
            network.step(appearance, flow if network.flow_channels else None, state)
    return NetworkWork(sum(each.numel() for each in network.parameters()), counter.work)
