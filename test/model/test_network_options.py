# SPDX-License-Identifier: Apache-2.0
"""What the network can do beyond the paper."""

from dataclasses import replace

import pytest
import torch
from small_network import EXACT, SMALL, clip_of, network_of, run_steps

from affordance_seg_ros.config import STILL
from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.model.action_context import ActionContext
from affordance_seg_ros.model.network_state import NetworkState


def test_centred_flow_without_motion_is_nothing_to_the_flow_stream():
    network = network_of(replace(SMALL, center_flow=True, norm="none"))
    _, flow = clip_of(network, 1, 1, 40, 48)
    with torch.no_grad():
        still = network.encode("flow", torch.full_like(flow[0], STILL))
        assert still.deep.abs().max() == 0
        moving = network.encode("flow", flow[0])
        assert moving.deep.abs().max() > 0


def test_the_action_is_a_prior_of_the_mask():
    context = ActionContext(8, LabelSet(("cut", "grasp", "open"), ("grasp", "wave", "cut")))
    told = context(torch.tensor([[2.0, 0.0, -1.0]]))
    grasp, _, cut = torch.tensor([2.0, 0.0, -1.0]).log_softmax(0)
    # background, cut, grasp, and what no action is named after
    torch.testing.assert_close(told.prior.flatten(), torch.stack([0 * cut, cut, grasp, 0 * cut]))
    assert told.features.shape == (1, 8, 1, 1)


def test_another_action_draws_another_mask():
    network = network_of(replace(SMALL, action_context=True))
    clip = clip_of(network, 1, 2, 40, 48)
    with torch.no_grad():
        before = network(*clip).logits
        network.action_head.layer3.bias[3] = 100.0
        after = network(*clip).logits
    assert ((after - before)[0, 0, 1:].mean((1, 2)) > -50).nonzero().flatten().tolist() == [3]


def test_a_told_action_is_the_masks_and_not_the_answer():
    network = network_of(replace(SMALL, action_context=True))
    clip = clip_of(network, 2, 2, 40, 48)
    with torch.no_grad():
        heard = network(*clip, every_frame=True)
        told = network(*clip, every_frame=True, told_action=torch.tensor([-1, 3]))
    assert torch.equal(told.action_logits, heard.action_logits)
    assert torch.equal(told.logits[0], heard.logits[0])  # where it is not known
    change = (told.logits - heard.logits)[1].mean((2, 3))  # (T, classes)
    assert (change[:, 1:].argmax(1) == 3).all()


def test_a_decided_context_is_told_the_likeliest_action_alone():
    undecided = network_of(replace(SMALL, action_context=True))
    decided = network_of(replace(SMALL, action_context=True, decided_context=True))
    clip = clip_of(undecided, 2, 3, 40, 48)
    with torch.no_grad():
        doubted = undecided(*clip)
        likeliest = doubted.action_logits[:, -1].argmax(-1)
        told = undecided(*clip, told_action=likeliest)
        # Xavier's seed is the same, so the weights are.
        heard = decided(*clip)
        other = decided(*clip, told_action=(likeliest + 1) % 9)
        learning = decided.train()(*clip)
    assert torch.equal(heard.action_logits, doubted.action_logits)
    torch.testing.assert_close(heard.logits, told.logits, **EXACT)
    assert not torch.allclose(heard.logits, doubted.logits, atol=0.1)
    assert not torch.allclose(heard.logits, other.logits, atol=0.1)
    torch.testing.assert_close(learning.logits, doubted.logits, **EXACT)


def test_a_mask_tells_a_hole_from_what_is_as_near_as_can_be():
    blind, seeing = (network_of(replace(SMALL, depth_mask=each)) for each in (False, True))
    appearance, _ = clip_of(blind, 1, 40, 48)
    hole, near = appearance.clone(), appearance.clone()
    hole[:, 3], near[:, 3] = 0, 1e-12
    with torch.no_grad():
        deep = [
            [network.encode("appearance", each).deep for each in (hole, near)]
            for network in (blind, seeing)
        ]
    torch.testing.assert_close(*deep[0], **EXACT)
    assert not torch.allclose(*deep[1], atol=1e-3)


def test_a_network_without_depth_has_no_mask_of_it():
    network = network_of(replace(SMALL, appearance="rgb", depth_mask=True))
    assert not network.depth_mask
    assert network.streams["appearance"].conv1_1.conv.in_channels == 3


def test_a_decided_context_needs_a_context():
    with pytest.raises(ConfigError, match="decided_context without action_context"):
        replace(SMALL, decided_context=True)


def test_the_memory_of_motion_hears_the_flow_of_the_past_and_no_appearance():
    network = network_of(replace(SMALL, motion_memory=True))
    appearance, flow = clip_of(network, 1, 3, 40, 48)
    still = flow.clone()
    still[:, 1] = 0
    with torch.no_grad():
        _, past = run_steps(network, (appearance, flow))
        _, unseen = run_steps(network, (-appearance, flow))
        _, unmoved = run_steps(network, (appearance, still))
    assert torch.equal(past.motion_hidden, unseen.motion_hidden)
    assert not torch.allclose(past.motion_hidden, unmoved.motion_hidden)
    assert past.motion_hidden.shape == past.motion_cell.shape == (1, 32, 1, 1)


def test_a_network_without_flow_has_no_memory_of_motion():
    network = network_of(replace(SMALL, motion_memory=True, flow="none"))
    assert network.motion_memory is None
    assert network.state_type is NetworkState
