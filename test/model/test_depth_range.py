# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest
import torch

from affordance_seg_ros.config import COMPACT, COMPACT_INPUT
from affordance_seg_ros.model.checkpoint import Checkpoint, untrained
from affordance_seg_ros.model.depth_range import in_depth_range
from affordance_seg_ros.model.network import AffordanceNetwork

WIDER = replace(COMPACT_INPUT, depth_near_m=0.0, depth_far_m=4.0, width=320)


@pytest.fixture
def checkpoint() -> Checkpoint:
    return untrained("compact")


def test_moving_there_and_back_gives_the_same_weights(checkpoint: Checkpoint) -> None:
    moved = in_depth_range(checkpoint, WIDER)
    assert (moved.input_config.depth_near_m, moved.input_config.depth_far_m) == (0.0, 4.0)
    assert moved.input_config.width == checkpoint.input_config.width
    back = in_depth_range(moved, COMPACT_INPUT)
    assert back.input_config == checkpoint.input_config
    for name, each in back.network.state_dict().items():
        torch.testing.assert_close(each, checkpoint.network.state_dict()[name])
    first = "streams.appearance.conv1_1.conv.bias"
    assert not torch.equal(moved.network.state_dict()[first], back.network.state_dict()[first])


def test_a_network_without_depth_stays_as_it_is(checkpoint: Checkpoint) -> None:
    config = replace(COMPACT, appearance="rgb")
    blind = replace(checkpoint, network=AffordanceNetwork(config))
    moved = in_depth_range(blind, WIDER)
    assert moved.input_config.depth_far_m == 4.0
    for name, each in moved.network.state_dict().items():
        assert torch.equal(each, blind.network.state_dict()[name])
