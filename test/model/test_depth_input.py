# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from affordance_seg_ros.config import COMPACT, COMPACT_INPUT, InputConfig
from affordance_seg_ros.model.checkpoint import Checkpoint, untrained
from affordance_seg_ros.model.depth_input import with_depth_input
from affordance_seg_ros.model.network import AffordanceNetwork

WIDER = replace(COMPACT_INPUT, depth_near_m=0.0, depth_far_m=4.0, width=320)
MASKED = replace(COMPACT, depth_mask=True)


@pytest.fixture
def checkpoint() -> Checkpoint:
    return untrained("compact")


def seen(checkpoint: Checkpoint, depth_m: Tensor) -> Tensor:
    """Deep features of gray pictures with this (1, h, w) depth [m], as the pipeline scales it."""
    scale: InputConfig = checkpoint.input_config
    scaled = (depth_m - scale.depth_near_m) / (scale.depth_far_m - scale.depth_near_m)
    appearance = torch.cat((torch.full((3, *depth_m.shape[1:]), 0.3), scaled * (depth_m > 0)))
    with torch.no_grad():
        return checkpoint.network.encode("appearance", appearance[None]).deep


def test_moving_there_and_back_gives_the_same_weights(checkpoint: Checkpoint) -> None:
    moved = with_depth_input(checkpoint, COMPACT, WIDER)
    assert (moved.input_config.depth_near_m, moved.input_config.depth_far_m) == (0.0, 4.0)
    assert moved.input_config.width == checkpoint.input_config.width
    back = with_depth_input(moved, COMPACT, COMPACT_INPUT)
    assert back.input_config == checkpoint.input_config
    for name, each in back.network.state_dict().items():
        torch.testing.assert_close(each, checkpoint.network.state_dict()[name])
    first = "streams.appearance.conv1_1.conv.bias"
    assert not torch.equal(moved.network.state_dict()[first], back.network.state_dict()[first])


def test_with_a_mask_missing_depth_stays_what_it_was(checkpoint: Checkpoint) -> None:
    depth_m = 0.4 + 2 * torch.rand(1, 48, 64, generator=torch.Generator().manual_seed(0))
    depth_m[:, 6:30, 8:19] = 0
    learned = seen(checkpoint, depth_m)
    masked = with_depth_input(checkpoint, MASKED, COMPACT_INPUT)
    assert masked.network_config == masked.network.config == MASKED
    assert torch.equal(seen(masked, depth_m), learned)
    for moved in (
        with_depth_input(masked, MASKED, WIDER),
        with_depth_input(checkpoint, MASKED, WIDER),
    ):
        torch.testing.assert_close(seen(moved, depth_m), learned)
    unmasked = with_depth_input(checkpoint, COMPACT, WIDER)
    assert not torch.allclose(seen(unmasked, depth_m), learned, atol=1e-3)


def test_a_network_without_depth_stays_as_it_is(checkpoint: Checkpoint) -> None:
    config = replace(COMPACT, appearance="rgb")
    blind = replace(checkpoint, network=AffordanceNetwork(config), network_config=config)
    moved = with_depth_input(blind, MASKED, WIDER)
    assert moved.input_config.depth_far_m == 4.0
    assert moved.network_config == config
    for name, each in moved.network.state_dict().items():
        assert torch.equal(each, blind.network.state_dict()[name])
