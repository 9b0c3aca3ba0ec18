# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest
import torch
from small_network import EXACT, SMALL, clip_of, frame, network_of, run_steps

from affordance_seg_ros.config import NETWORKS, NetworkConfig
from affordance_seg_ros.errors import FrameError
from affordance_seg_ros.model.attention import UniformAttention
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.model.network_state import NetworkState
from affordance_seg_ros.model.variants import table_3


@pytest.mark.parametrize("seed", range(8))
def test_step_by_step_equals_the_sequence(seed):
    generator = torch.Generator().manual_seed(seed)
    frames, height, width = (
        int(torch.randint(low, high, (), generator=generator))
        for low, high in ((1, 7), (32, 70), (32, 70))
    )
    config = list(table_3(SMALL).values())[seed % 6]
    config = replace(
        config,
        skips=("both", "appearance")[seed % 2],
        center_flow=seed > 3,
        depth_mask=seed > 3,
        action_context=seed > 3,
        motion_memory=seed > 3,
    )
    network = network_of(config)
    clip = clip_of(network, 2, frames, height, width, seed=seed)
    with torch.no_grad():
        last, every = network(*clip), network(*clip, every_frame=True)
        steps, left = run_steps(network, clip)
    for one, other in zip(last.memory, left, strict=True):
        torch.testing.assert_close(one, other, **EXACT)
    for output, shown in ((last, steps[-1:]), (every, steps)):
        assert output.logits.shape == (2, len(shown), 10, height, width)
        assert output.attention.shape == (2, len(shown), 1, height // 8, width // 8)
        assert output.action_logits.shape == (2, frames, 9)
        logits, attention = (
            torch.stack([getattr(step, name) for step in shown], 1)
            for name in ("logits", "attention")
        )
        actions = torch.stack([step.action_logits for step in steps], 1)
        torch.testing.assert_close(output.logits, logits, **EXACT)
        torch.testing.assert_close(output.attention, attention, **EXACT)
        torch.testing.assert_close(output.action_logits, actions, **EXACT)


@pytest.mark.parametrize("motion_memory", [False, True])
def test_a_sequence_goes_on_from_the_memory_of_the_one_before(motion_memory):
    network = network_of(replace(SMALL, motion_memory=motion_memory))
    clip = clip_of(network, 2, 5, 40, 48)
    with torch.no_grad():
        first = network(*(each[:, :3] for each in clip))
        second = network(*(each[:, 3:] for each in clip), first.memory)
        whole = network(*clip)
    torch.testing.assert_close(second.logits, whole.logits, **EXACT)
    torch.testing.assert_close(second.action_logits, whole.action_logits[:, 3:], **EXACT)
    for one, other in zip(second.memory, whole.memory, strict=True):
        torch.testing.assert_close(one, other, **EXACT)


def test_the_past_changes_the_output():
    network = network_of(SMALL)
    clip = clip_of(network, 1, 2, 40, 48)
    with torch.no_grad():
        (_, after), _ = run_steps(network, clip)
        fresh, _ = network.step(*frame(clip, 1), None)
    assert not torch.allclose(after.logits, fresh.logits)
    assert not torch.allclose(after.action_logits, fresh.action_logits)


def test_a_reset_equals_a_fresh_start_and_an_empty_state():
    network = network_of(SMALL)
    first, second = clip_of(network, 1, 3, 33, 47), clip_of(network, 1, 3, 33, 47, seed=2)
    with torch.no_grad():
        fresh, _ = run_steps(network, second)
        run_steps(network, first)
        again, _ = run_steps(network, second)
        zeros, _ = run_steps(network, second, network.empty_state(1, 33, 47))
    for one, other, third in zip(fresh, again, zeros, strict=True):
        assert torch.equal(one.logits, other.logits)
        torch.testing.assert_close(one.logits, third.logits, **EXACT)


def test_the_state_has_the_announced_shapes():
    network = network_of(SMALL)
    _, state = network.step(*clip_of(network, 3, 37, 50), None)
    empty = network.empty_state(3, 37, 50)
    assert NetworkState._fields == ("hidden1", "cell1", "hidden2", "cell2")
    assert [part.shape for part in state] == [part.shape for part in empty]
    assert state.hidden1.shape == (3, 32, 4, 6)


def test_pictures_of_a_batch_do_not_see_each_other():
    network = network_of(SMALL)
    clip = clip_of(network, 3, 2, 32, 40)
    with torch.no_grad():
        together = network(*clip)
        for i in range(3):
            alone = network(*(part[i : i + 1] for part in clip))
            torch.testing.assert_close(alone.logits[0], together.logits[i], **EXACT)
            torch.testing.assert_close(alone.action_logits[0], together.action_logits[i], **EXACT)


@pytest.mark.parametrize("name", table_3(SMALL))
def test_every_row_of_table_3_runs(name):
    config = table_3(SMALL)[name]
    network = network_of(config)
    assert network.appearance_channels == (4 if name.startswith("rgbd") else 3)
    assert network.flow_channels == (3 if "flow" in name else 0)
    assert isinstance(network.attention, UniformAttention) != ("attention" in name)
    output = network(*clip_of(network, 1, 2, 32, 32))
    assert output.logits.isfinite().all()
    if "attention" not in name:
        assert torch.equal(output.attention, torch.ones_like(output.attention))


def test_table_3_varies_only_input_and_attention():
    base = NetworkConfig(width=8, norm="group", skips="appearance")
    variants = table_3(base)
    assert len(variants) == len(set(variants.values())) == 6
    for config in variants.values():
        same = replace(config, appearance=base.appearance, flow=base.flow, attention=base.attention)
        assert same == base


def test_attention_of_ones_equals_no_attention():
    with_attention = network_of(replace(SMALL, attention_norm="sigmoid"))
    without = AffordanceNetwork(replace(SMALL, attention=False)).double().eval()
    weights = with_attention.state_dict()
    assert {name for name in weights if name.startswith("attention")} == {
        "attention.score.weight",
        "attention.score.bias",
    }
    without.load_state_dict({k: v for k, v in weights.items() if not k.startswith("attention")})
    clip = clip_of(without, 1, 2, 40, 32)
    with torch.no_grad():
        assert not torch.allclose(with_attention(*clip).logits, without(*clip).logits)
        with_attention.attention.score.weight.zero_()
        with_attention.attention.score.bias.fill_(100)
        torch.testing.assert_close(with_attention(*clip).logits, without(*clip).logits, **EXACT)


def test_attention_of_zero_leaves_the_skips_only():
    network = network_of(replace(SMALL, attention_norm="sigmoid", norm="none"))
    with torch.no_grad():
        network.attention.score.weight.zero_()
        network.attention.score.bias.fill_(-1e4)
    clip = clip_of(network, 1, 2, 32, 32)
    other_past = tuple(torch.cat((-part[:, :1], part[:, 1:]), 1) for part in clip)
    with torch.no_grad():
        torch.testing.assert_close(network(*clip).logits, network(*other_past).logits, **EXACT)


@pytest.mark.parametrize("norm", ["none", "group"])
@pytest.mark.parametrize("attention_norm", ["softmax", "softmax_max", "sigmoid"])
def test_the_gradient_reaches_every_parameter(norm, attention_norm):
    more = {"action_context": True, "motion_memory": True}
    config = replace(SMALL, norm=norm, attention_norm=attention_norm, **more)
    network = network_of(config).train()
    output = network(*clip_of(network, 2, 3, 40, 40))
    loss = output.logits.square().mean() + output.action_logits[:, -1].square().mean()
    loss.backward()
    silent = [name for name, p in network.named_parameters() if not p.grad.abs().max() > 0]
    assert silent == []


def test_appearance_skips_keep_the_flow_from_the_decoder():
    both = network_of(SMALL)
    one = network_of(replace(SMALL, skips="appearance"))
    mixtures = [
        network.decoder.level3.mixture.conv.in_channels
        for network in (both, one, network_of(replace(SMALL, flow="none")))
    ]
    assert mixtures == [4 + 2 * 4, 4 + 4, 4 + 4]


def test_the_papers_width_has_67_million_parameters():
    with torch.device("meta"):
        network = AffordanceNetwork(NETWORKS["paper"][0])
    assert round(sum(p.numel() for p in network.parameters()) / 1e6) == 67


@pytest.mark.parametrize("run", ["forward", "step"])
def test_compiles_to_one_graph(run):
    network = network_of(SMALL)
    if run == "forward":
        given = clip_of(network, 1, 2, 37, 40)
    else:
        given = (*clip_of(network, 1, 37, 40), network.empty_state(1, 37, 40))
    function = getattr(network, run)
    compiled = torch.compile(function, backend="eager", fullgraph=True)
    with torch.no_grad():
        torch.testing.assert_close(compiled(*given), function(*given), **EXACT)


@pytest.mark.parametrize(
    ("config", "appearance", "flow", "message"),
    [
        (SMALL, (1, 4, 32, 32), None, "no flow for a network with flow='3d'; expected flow"),
        (
            replace(SMALL, flow="none"),
            (1, 4, 32, 32),
            (1, 3, 32, 32),
            "flow for a network with flow='none'; expected None",
        ),
        (
            SMALL,
            (1, 3, 32, 32),
            (1, 3, 32, 32),
            r"appearance of shape \(1, 3, 32, 32\); expected \(B, 4, H, W\)",
        ),
        (SMALL, (4, 32, 32), (1, 3, 32, 32), r"appearance of shape \(4, 32, 32\)"),
        (SMALL, (1, 4, 32, 32), (1, 2, 32, 32), r"flow of shape .* expected \(B, 3, H, W\)"),
    ],
)
def test_refuses_input_of_another_network(config, appearance, flow, message):
    network = network_of(config, dtype=torch.float32)
    given = torch.zeros(appearance), None if flow is None else torch.zeros(flow)
    with pytest.raises(FrameError, match=message):
        network.step(*given, None)


def test_refuses_a_sequence_without_time():
    network = network_of(SMALL)
    with pytest.raises(FrameError, match=r"expected \(B, T, 4, H, W\)"):
        network(*clip_of(network, 1, 32, 32))
