# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from affordance_seg_ros.config import InputConfig, NetworkConfig
from affordance_seg_ros.model.checkpoint import Checkpoint, WeightsCard, save_checkpoint
from affordance_seg_ros.model.initialisation import xavier_initialise
from affordance_seg_ros.model.network import AffordanceNetwork

CONFIG = NetworkConfig(
    width=4, flow="none", norm="group", affordances=("pour", "stir"), actions=("mix",)
)
INPUT = InputConfig(height=64, width=96, depth_far_m=2.5, color_mean=(0.5, 0.4, 0.3))
CARD = WeightsCard("tiny-1", True, "For a test.", "CC0-1.0", {"iou": 0.5}, {"data": ["a", "b"]})


@pytest.fixture
def checkpoint():
    network = AffordanceNetwork(CONFIG)
    xavier_initialise(network, torch.Generator().manual_seed(3))
    return Checkpoint(network.eval(), CONFIG, INPUT, CARD)


@pytest.fixture
def saved(checkpoint, tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(path, checkpoint)
    return path
