# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest
import torch

from affordance_seg_ros.config import COMPACT, PAPER
from affordance_seg_ros.errors import CheckpointError, ConfigError
from affordance_seg_ros.model.checkpoint import load_weights
from affordance_seg_ros.model.encoder import VGG16_LAYERS
from affordance_seg_ros.model.fitting import load_matching_weights
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.training.initialise import initial_network, load_vgg16
from affordance_seg_ros.training.run_config import InitialiseConfig, RunConfig
from affordance_seg_ros.training.stage_config import StageConfig
from affordance_seg_ros.training.training_state import Progress
from affordance_seg_ros.training.weights_output import save_weights

SMALL = replace(COMPACT, width=4)
WIDTHS = {"1": 64, "2": 128, "3": 256, "4": 512}


@pytest.fixture(scope="module")
def vgg16(tmp_path_factory):
    """A file of torchvision's layout: its names and shapes, and a few of the other layers."""
    random = torch.Generator().manual_seed(0)
    tensors, channels = {}, 3
    for ours, theirs in VGG16_LAYERS.items():
        out = WIDTHS[ours[4]]
        tensors[f"{theirs}.weight"] = torch.randn(out, channels, 3, 3, generator=random)
        tensors[f"{theirs}.bias"] = torch.randn(out, generator=random)
        channels = out
    tensors["classifier.6.bias"] = torch.zeros(1000)
    path = tmp_path_factory.mktemp("vgg16") / "vgg16.pth"
    torch.save(tensors, path)
    return path


@pytest.fixture(scope="module")
def paper(vgg16):
    network = AffordanceNetwork(PAPER)
    load_vgg16(network, vgg16)
    return network, torch.load(vgg16, weights_only=True)


def test_both_streams_get_every_layer(paper):
    network, tensors = paper
    for stream in network.streams.values():
        for ours, theirs in VGG16_LAYERS.items():
            convolution = getattr(stream, ours).conv
            assert torch.equal(convolution.bias, tensors[f"{theirs}.bias"])
            if ours != "conv1_1":
                assert torch.equal(convolution.weight, tensors[f"{theirs}.weight"])


def test_depth_gets_the_mean_over_colours(paper):
    network, tensors = paper
    weight = network.streams["appearance"].conv1_1.conv.weight
    assert torch.equal(weight[:, :3], tensors["features.0.weight"])
    assert torch.equal(weight[:, 3], tensors["features.0.weight"].mean(1))
    assert torch.equal(network.streams["flow"].conv1_1.conv.weight, weight[:, :3])


def test_a_mask_of_the_depth_has_no_say_at_first(vgg16):
    network = AffordanceNetwork(replace(PAPER, depth_mask=True))
    load_vgg16(network, vgg16)
    weight = network.streams["appearance"].conv1_1.conv.weight
    assert weight[:, 3].any()
    assert not weight[:, 4].any()


def test_vgg16_is_refused_for_another_width(vgg16):
    with pytest.raises(ConfigError, match="width=4; expected 64"):
        load_vgg16(AffordanceNetwork(SMALL), vgg16)


def test_a_missing_file_says_where_it_comes_from(tmp_path):
    with pytest.raises(CheckpointError, match="expected torchvision's VGG16"):
        load_vgg16(AffordanceNetwork(PAPER), tmp_path / "vgg16.pth")


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "damaged"), ({"conv1.weight": torch.zeros(1)}, "lacks features.0")],
)
def test_another_file_is_refused(tmp_path, content, words):
    path = tmp_path / "vgg16.pth"
    if content is None:
        path.write_bytes(b"not a file of torch")
    else:
        torch.save(content, path)
    with pytest.raises(CheckpointError, match=words):
        load_vgg16(AffordanceNetwork(PAPER), path)


def test_the_seed_decides_the_weights():
    a, b, c = (initial_network(RunConfig(network=SMALL, seed=seed)) for seed in (0, 0, 1))
    assert torch.equal(a.fusion.conv.weight, b.fusion.conv.weight)
    assert not torch.equal(a.fusion.conv.weight, c.fusion.conv.weight)


@pytest.fixture
def started(tmp_path):
    path = tmp_path / "start.safetensors"
    network = initial_network(RunConfig(network=SMALL, seed=5))
    save_weights(path, network, RunConfig(network=SMALL), {}, StageConfig(), Progress())
    return path, network


def test_a_run_starts_from_the_weights_of_another(started):
    path, network = started
    again = initial_network(
        RunConfig(network=SMALL, initialise=InitialiseConfig(weights=str(path)), seed=9)
    )
    torch.testing.assert_close(
        again.fusion.conv.weight, network.fusion.conv.weight, rtol=1e-3, atol=1e-4
    )


def test_weights_of_another_range_of_depth_see_the_same_depths(started):
    path, _ = started
    learned = RunConfig(network=SMALL, initialise=InitialiseConfig(weights=str(path)))
    wider = replace(learned.input, depth_near_m=0.0, depth_far_m=4.0)
    same, moved = (initial_network(run) for run in (learned, replace(learned, input=wider)))
    rgb, depth_m = torch.rand(3, 32, 32), 0.4 + 2 * torch.rand(1, 32, 32)

    def seen(network, scale):
        scaled = (depth_m - scale.depth_near_m) / (scale.depth_far_m - scale.depth_near_m)
        picture = torch.cat((rgb, scaled))[None]
        # Beside the border a picture goes on with zeros, which are another depth then.
        return network.streams["appearance"].conv1_1.conv(picture)[..., 1:-1, 1:-1]

    torch.testing.assert_close(seen(moved, wider), seen(same, learned.input))
    assert not torch.equal(seen(moved, learned.input), seen(same, learned.input))


def test_weights_without_a_mask_of_the_depth_start_with_one(started):
    path, network = started
    start = InitialiseConfig(weights=str(path))
    masked = initial_network(RunConfig(network=replace(SMALL, depth_mask=True), initialise=start))
    weight = masked.streams["appearance"].conv1_1.conv.weight
    learned = network.streams["appearance"].conv1_1.conv.weight
    torch.testing.assert_close(weight[:, :4], learned, rtol=1e-3, atol=1e-4)
    assert not weight[:, 4].any()


def test_weights_of_another_network_are_refused(started):
    with pytest.raises(CheckpointError, match="expected weights with"):
        initial_network(
            RunConfig(
                network=replace(SMALL, width=8),
                initialise=InitialiseConfig(weights=str(started[0])),
            )
        )


@pytest.mark.parametrize(
    ("network", "size", "words"),
    [
        ({"center_flow": True}, {}, "center_flow=False where the run has True"),
        ({"attention_norm": "softmax"}, {}, "attention_norm=softmax_max where the run has softmax"),
        ({}, {"flow_range_m": 0.5}, "flow_range_m=0.1 where the run has 0.5"),
    ],
)
def test_weights_that_fit_and_see_other_numbers_are_refused(started, network, size, words):
    run = RunConfig(network=SMALL, initialise=InitialiseConfig(weights=str(started[0])))
    other = replace(run, network=replace(SMALL, **network), input=replace(run.input, **size))
    with pytest.raises(CheckpointError, match=words):
        initial_network(other)
    initial_network(replace(run, input=replace(run.input, height=64, width=80)))


def test_weights_of_another_width_do_not_fit(started):
    start = InitialiseConfig(weights=str(started[0]), fitting=True)
    with pytest.raises(CheckpointError, match="have width=4; expected 8"):
        initial_network(RunConfig(network=replace(SMALL, width=8), initialise=start))


def test_of_another_network_what_fits_is_taken(started):
    path, network = started
    config = replace(SMALL, appearance="rgb", flow="none", affordances=("cut", "lift"))
    start = InitialiseConfig(weights=str(path), fitting=True)
    found, chance = (
        initial_network(RunConfig(network=config, initialise=each, seed=9))
        for each in (start, InitialiseConfig())
    )
    near = {"rtol": 1e-3, "atol": 1e-4}  # a weight file is in half precision
    stream, theirs = found.streams["appearance"], network.streams["appearance"]
    torch.testing.assert_close(stream.conv2_1.conv.weight, theirs.conv2_1.conv.weight, **near)
    color = theirs.conv1_1.conv.weight[:, :3]
    torch.testing.assert_close(stream.conv1_1.conv.weight, color, **near)
    classifier = next(name for name in found.state_dict() if name.endswith("classifier.weight"))
    assert torch.equal(found.state_dict()[classifier], chance.state_dict()[classifier])


def test_parts_are_left_out_by_name(started):
    path, _ = started
    start = InitialiseConfig(weights=str(path), fitting=True, leave_out=("streams.flow",))
    found, chance = (
        initial_network(RunConfig(network=SMALL, initialise=each, seed=9))
        for each in (start, InitialiseConfig())
    )
    first = "conv1_1.conv.weight"
    flow, appearance = (f"streams.{stream}.{first}" for stream in ("flow", "appearance"))
    assert torch.equal(found.state_dict()[flow], chance.state_dict()[flow])
    assert not torch.equal(found.state_dict()[appearance], chance.state_dict()[appearance])


def test_a_part_that_is_not_there_cannot_be_left_out(started):
    start = InitialiseConfig(weights=str(started[0]), fitting=True, leave_out=("head",))
    with pytest.raises(ConfigError, match=r"initialise\.leave_out='head'; expected one of streams"):
        initial_network(RunConfig(network=SMALL, initialise=start))


def test_leaving_out_without_fitting_is_refused():
    with pytest.raises(ConfigError, match="expected fitting: true"):
        InitialiseConfig(weights="default", leave_out=("streams.flow",))


def test_more_input_channels_than_the_start_has_begin_with_chance():
    chance = initial_network(RunConfig(network=SMALL, seed=9))
    found = initial_network(RunConfig(network=SMALL, seed=9))
    rgb = initial_network(RunConfig(network=replace(SMALL, appearance="rgb"), seed=5))
    load_matching_weights(found, rgb.state_dict())
    name = "streams.appearance.conv1_1.conv.weight"
    weight = found.state_dict()[name]
    assert torch.equal(weight[:, :3], rgb.state_dict()[name])
    assert torch.equal(weight[:, 3], chance.state_dict()[name][:, 3])


def test_weights_of_which_nothing_fits_are_refused():
    with pytest.raises(CheckpointError, match="expected some of"):
        load_matching_weights(AffordanceNetwork(SMALL), {"layer.weight": torch.zeros(3, 3)})


def test_a_run_starts_from_weights_of_the_package_by_their_name():
    config = load_weights("parts", "cpu").network_config
    found = initial_network(RunConfig(network=config, initialise=InitialiseConfig(weights="parts")))
    weight = load_weights("parts", "cpu").network.fusion.conv.weight
    assert torch.equal(found.fusion.conv.weight, weight)


def with_actions_turned_round(network):
    return replace(network, actions=(*network.actions[1:], network.actions[0]))


def test_weights_of_labels_in_another_order_are_refused(started):
    path, _ = started
    other = with_actions_turned_round(SMALL)
    initialise = InitialiseConfig(weights=str(path))
    with pytest.raises(CheckpointError, match=r"expected weights with .*fitting=true"):
        initial_network(RunConfig(network=other, initialise=initialise))


def test_of_labels_in_another_order_what_fits_is_all_but_theirs(started):
    path, network = started
    other = with_actions_turned_round(SMALL)
    initialise = InitialiseConfig(weights=str(path), fitting=True)
    found = initial_network(RunConfig(network=other, initialise=initialise, seed=9))
    by_chance = initial_network(RunConfig(network=other, seed=9))
    for name, tensor in found.state_dict().items():
        of_labels = name.startswith(("action_context.features.", "action_head.layer3."))
        expected = (by_chance if of_labels else network).state_dict()[name]
        torch.testing.assert_close(tensor, expected, rtol=1e-3, atol=1e-4, msg=name)
