# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from affordance_seg_ros.config import NetworkConfig
from affordance_seg_ros.model.attention import ATTENTION_NORMS, SoftAttention
from affordance_seg_ros.model.conv_lstm import ConvLSTM
from affordance_seg_ros.model.convolution import NORMS, ConvReLU, group_norm
from affordance_seg_ros.model.decoder import Decoder, UpsamplingLevel
from affordance_seg_ros.model.encoder import VGG16_LAYERS, EncoderStream
from affordance_seg_ros.model.initialisation import xavier_initialise
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.model.residual import ResidualBlock


def test_names_in_the_options_are_those_of_the_mappings():
    infos = NetworkConfig.infos()
    assert set(infos["attention_norm"].choices) == set(ATTENTION_NORMS)
    assert set(infos["norm"].choices) == set(NORMS)


def test_attention_is_in_the_unit_range_and_normalised_as_named():
    scores = 5 * torch.randn(3, 1, 6, 7, generator=torch.Generator().manual_seed(0))
    masks = {name: norm.apply(scores) for name, norm in ATTENTION_NORMS.items()}
    for mask in masks.values():
        assert mask.shape == scores.shape
        assert 0 <= mask.min() <= mask.max() <= 1
    torch.testing.assert_close(masks["softmax"].sum((1, 2, 3)), torch.ones(3))
    peaks = masks["softmax"].amax((1, 2, 3), keepdim=True)
    torch.testing.assert_close(masks["softmax_max"], masks["softmax"] / peaks)
    assert torch.equal(masks["softmax_max"].amax((1, 2, 3)), torch.ones(3))


@pytest.mark.parametrize("name", ATTENTION_NORMS)
def test_only_shift_invariant_attention_goes_without_a_bias(name):
    scores = torch.randn(1, 1, 4, 5, generator=torch.Generator().manual_seed(0)).double()
    apply, shift_invariant = ATTENTION_NORMS[name]
    assert torch.allclose(apply(scores + 1), apply(scores)) == shift_invariant
    assert (SoftAttention(4, norm=name).score.bias is None) == shift_invariant


def test_large_scores_do_not_overflow():
    for norm in ATTENTION_NORMS.values():
        assert norm.apply(torch.tensor([[[[-1e4, 1e4]]]])).tolist() == [[[[0, 1]]]]


def test_conv_lstm_obeys_its_equations_on_one_pixel():
    layer = ConvLSTM(1)
    with torch.no_grad():
        for conv in (layer.input_gates, layer.hidden_gates):
            conv.weight.zero_()
        layer.input_gates.weight[:, 0, 1, 1] = torch.tensor([0.5, -0.3, 0.8, 1.2])
        layer.hidden_gates.weight[:, 0, 1, 1] = torch.tensor([0.1, 0.2, -0.4, 0.6])
        layer.input_gates.bias.copy_(torch.tensor([0.0, 1.0, 0.0, 0.0]))
    hidden, cell = torch.tensor(0.0), torch.tensor(0.0)
    state = None
    for x in (1.0, -2.0, 0.5):
        i, f, o = (
            torch.sigmoid(torch.tensor(w * x + b) + u * hidden)
            for w, u, b in ((0.5, 0.1, 0.0), (-0.3, 0.2, 1.0), (0.8, -0.4, 0.0))
        )
        cell = f * cell + i * torch.tanh(1.2 * x + 0.6 * hidden)
        hidden = o * torch.tanh(cell)
        with torch.no_grad():
            state = layer.step(torch.full((1, 1, 1, 1), x), state)
        torch.testing.assert_close(state.cell.squeeze(), cell)
        torch.testing.assert_close(state.hidden.squeeze(), hidden)


def test_conv_lstm_remembers_while_the_forget_gate_is_open():
    layer = ConvLSTM(2)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.forget_bias.fill_(50)
        layer.input_gates.bias[:2] = -50
        start = layer.step(torch.zeros(1, 2, 3, 3), None)
        state = start._replace(cell=torch.rand(1, 2, 3, 3))
        after = layer.step(torch.randn(1, 2, 3, 3), state)
    torch.testing.assert_close(after.cell, state.cell)


def trained_to_say_yes(norm):
    """Train a memory to be large everywhere, in steps as of a real training; return its spread."""
    random = torch.Generator().manual_seed(0)
    layer = ConvLSTM(32, norm=norm)
    xavier_initialise(layer, random)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=2e-3)
    features = torch.rand(16, 32, 5, 6, generator=random) + 0.5  # positive, as after a ReLU
    for _ in range(60):
        optimizer.zero_grad()
        hidden = layer.step(features, None).hidden
        (1 - hidden).mean().backward()
        optimizer.step()
    return hidden.std(0).mean().item()


def test_normalised_gates_do_not_saturate_where_others_do():
    assert trained_to_say_yes("group") > 10 * trained_to_say_yes("none")


def test_a_residual_block_without_weights_is_the_identity():
    block = ResidualBlock(8, norm="none")
    with torch.no_grad():
        block.conv2.weight.zero_()
        block.conv2.bias.zero_()
    x = torch.randn(2, 8, 5, 6)
    kept = x.clone()
    assert torch.equal(block(x), x)
    assert torch.equal(x, kept)


def test_a_residual_block_activates_before_it_convolves():
    block = ResidualBlock(8, norm="none")
    below_zero = -torch.rand(1, 8, 5, 6) - 1
    torch.testing.assert_close(block(below_zero) - below_zero, block(torch.zeros(1, 8, 5, 6)))


@pytest.mark.parametrize(
    ("channels", "groups"), [(4, 1), (5, 1), (16, 2), (24, 1), (64, 8), (256, 32), (1024, 32)]
)
def test_groups_hold_at_least_eight_channels(channels, groups):
    assert group_norm(channels).num_groups == groups


def test_group_norm_follows_3x3_convolutions_only():
    with torch.device("meta"):
        network = AffordanceNetwork(NetworkConfig(width=4, norm="group"))
    blocks = [module for module in network.modules() if isinstance(module, ConvReLU)]
    assert len(blocks) == 2 * 10 + 1 + 14
    for block in blocks:
        normalised = isinstance(block.norm, torch.nn.GroupNorm)
        assert normalised == (block.conv.kernel_size == (3, 3))


def test_a_stream_has_the_shapes_of_vgg16():
    stream = EncoderStream(3, width=64, norm="none")
    shapes = [tuple(getattr(stream, name).conv.weight.shape) for name in VGG16_LAYERS]
    assert shapes == [
        (64, 3, 3, 3), (64, 64, 3, 3), (128, 64, 3, 3), (128, 128, 3, 3), (256, 128, 3, 3),
        (256, 256, 3, 3), (256, 256, 3, 3), (512, 256, 3, 3), (512, 512, 3, 3), (512, 512, 3, 3),
    ]  # fmt: skip
    assert [name for name, _ in stream.named_children()] == list(VGG16_LAYERS)


def test_sizes_of_features_round_down():
    deep, skips = EncoderStream(3, width=4, norm="none")(torch.zeros(1, 3, 75, 61))
    assert [tuple(skip.shape) for skip in skips] == [
        (1, 4, 75, 61),
        (1, 8, 37, 30),
        (1, 16, 18, 15),
    ]
    assert deep.shape == (1, 32, 9, 7)


def test_the_decoder_has_14_conv_relu_layers():
    decoder = Decoder(width=4, skip_streams=2, classes=3, norm="none")
    assert sum(isinstance(module, ConvReLU) for module in decoder.modules()) == 14


def test_attention_is_applied_at_the_bottleneck():
    decoder = Decoder(width=4, skip_streams=1, classes=3, norm="none")
    seen = []
    decoder.conv1.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    memory, attention = torch.randn(1, 32, 4, 5), torch.rand(1, 1, 4, 5)
    skips = tuple(torch.zeros(1, 4 * n, 32 // n, 40 // n) for n in (1, 2, 4))
    decoder(memory, [skips], attention)
    assert torch.equal(seen[0], memory * attention)


def test_attention_is_applied_after_each_upsampling_but_not_to_the_skips():
    level = UpsamplingLevel(6, 3, 4, norm="none")
    seen = []
    level.mixture.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    x, skip = torch.randn(1, 6, 4, 5), torch.randn(1, 3, 9, 11)
    ones, mask = torch.ones(1, 1, 2, 2), torch.tensor([[[[0.0, 0.5], [1.0, 0.0]]]])
    assert level(x, [skip], ones).shape == (1, 4, 9, 11)
    level(x, [skip], mask)
    plain, masked = seen
    assert torch.equal(masked[:, 4:], skip)
    assert plain[:, :4].any()
    # Nearest neighbours of a 2x2 mask: rows 0-4 of 9 and columns 0-5 of 11 are the first.
    full = mask[0, 0].repeat_interleave(torch.tensor([5, 4]), 0)
    full = full.repeat_interleave(torch.tensor([6, 5]), 1)
    assert torch.equal(masked[:, :4], plain[:, :4] * full)


def test_initialisation_sets_every_parameter_and_only_from_its_generator():
    networks = [AffordanceNetwork(NetworkConfig(width=4, norm="group")) for _ in range(3)]
    for network, seed in zip(networks, (0, 0, 1), strict=True):
        for parameter in network.parameters():
            parameter.data.fill_(torch.nan)
        xavier_initialise(network, torch.Generator().manual_seed(seed))
    a, b, c = (dict(network.named_parameters()) for network in networks)
    assert all(parameter.isfinite().all() for parameter in a.values())
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["fusion.conv.weight"], c["fusion.conv.weight"])


def test_initial_weights_have_xaviers_variance_and_forget_gates_stay_open():
    network = AffordanceNetwork(NetworkConfig(width=8))
    xavier_initialise(network, torch.Generator().manual_seed(0))
    weight = network.residual.conv1.weight  # 64 to 64 channels
    assert weight.var().item() == pytest.approx(2 / (9 * (64 + 64)), rel=0.05)
    assert torch.equal(network.memory1.forget_bias, torch.ones(64))
    assert network.memory1.input_gates.bias.sum() == 64
    assert not network.residual.conv1.bias.any()
