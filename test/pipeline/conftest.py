# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest
import torch
from plane_stream import build

from affordance_seg_ros.model.checkpoint import Checkpoint, untrained
from affordance_seg_ros.model.initialisation import xavier_initialise
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.pipeline.streaming import Pipeline


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    """A thin network whose input is small: what is tested does not depend on its size."""
    full = untrained("compact")
    network_config = replace(full.network_config, width=8)
    network = AffordanceNetwork(network_config)
    xavier_initialise(network, torch.Generator().manual_seed(0))
    input_config = replace(full.input_config, height=48, width=64)
    return Checkpoint(network.eval(), network_config, input_config, full.card)


@pytest.fixture
def pipeline(checkpoint: Checkpoint) -> Pipeline:
    return build(checkpoint)
