# SPDX-License-Identifier: Apache-2.0
import json
import math
from dataclasses import replace

import pytest
import safetensors.torch
import torch

from affordance_seg_ros.config import COMPACT, COMPACT_INPUT, NETWORKS
from affordance_seg_ros.errors import CheckpointError
from affordance_seg_ros.model import checkpoint as checkpoint_module
from affordance_seg_ros.model.checkpoint import (
    DEFAULT_WEIGHTS,
    NAMED_WEIGHTS,
    load_checkpoint,
    load_weights,
    save_checkpoint,
    untrained,
)
from affordance_seg_ros.model.weights_file import read_weights_file


def rewrite(path, *, change_tensors=None, change_document=None):
    """Change what a weight file holds, leaving it a whole .safetensors file."""
    with safetensors.safe_open(path, "pt") as file:
        document = json.loads(file.metadata()["affordance_seg_ros"])
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    if change_tensors:
        change_tensors(tensors)
    if change_document:
        change_document(document)
    metadata = {"affordance_seg_ros": json.dumps(document)}
    path.write_bytes(safetensors.torch.save(tensors, metadata))


def assert_equal_weights(network, other):
    weights, others = network.state_dict(), other.state_dict()
    assert weights.keys() == others.keys()
    for name, tensor in weights.items():
        assert tensor.dtype == others[name].dtype
        assert torch.equal(tensor, others[name]), name


def test_a_round_trip_keeps_every_bit(checkpoint, saved):
    loaded = load_checkpoint(saved, "cpu")
    assert_equal_weights(loaded.network, checkpoint.network)
    assert loaded.network_config == loaded.network.config == checkpoint.network_config
    assert loaded.input_config == checkpoint.input_config
    assert loaded.card == checkpoint.card
    assert not loaded.network.training
    picture = torch.rand(1, 4, 64, 96)
    with torch.no_grad():
        expected, _ = checkpoint.network.step(picture, None, None)
        output, _ = loaded.network.step(picture, None, None)
    assert torch.equal(output.logits, expected.logits)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_files_load_as_float32(checkpoint, saved, dtype):
    whole_bytes = saved.stat().st_size
    save_checkpoint(saved, checkpoint, dtype=dtype)
    loaded = load_checkpoint(saved, "cpu").network.state_dict()
    for name, tensor in checkpoint.network.state_dict().items():
        assert loaded[name].dtype == torch.float32
        assert torch.equal(loaded[name], tensor.to(dtype).float())
    assert saved.stat().st_size < 0.65 * whole_bytes


def test_a_loaded_network_does_not_depend_on_its_file(saved):
    network = load_checkpoint(saved, "cpu").network
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with saved.open("r+b") as file:
        file.write(bytes(saved.stat().st_size))
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())


@pytest.mark.parametrize("metrics", [{"iou": math.nan}, {"iou": object()}])
def test_refuses_to_save_a_card_that_json_cannot_express(checkpoint, tmp_path, metrics):
    checkpoint = replace(checkpoint, card=replace(checkpoint.card, metrics=metrics))
    with pytest.raises(CheckpointError, match="the description is not JSON"):
        save_checkpoint(tmp_path / "tiny.safetensors", checkpoint)
    assert list(tmp_path.iterdir()) == []


def test_refuses_to_save_weights_that_overflow(checkpoint, tmp_path):
    with torch.no_grad():
        checkpoint.network.fusion.conv.bias[0] = 1e6
    with pytest.raises(CheckpointError, match=r"fusion\.conv\.bias is not finite"):
        save_checkpoint(tmp_path / "tiny.safetensors", checkpoint, dtype=torch.float16)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 2}, "format version 2; expected 1: a newer release"),
        ({"format_version": None}, "format version None; expected 1"),
        ({"network": None}, "network=None; expected a JSON object"),
        ({"network": {"width": 5000}}, "invalid configuration: width=5000; expected 4 to 128"),
        ({"network": {"depth": 5}}, "unknown option 'depth'"),
        ({"network": {"actions": ["mix", 7]}}, r"actions\[1\]=7 is of type int; expected str"),
        ({"input": {"color_mean": ["a", 0, 0]}}, r"color_mean\[0\]='a' is of type str"),
        ({"input": {"color_std": [1, 1]}}, r"color_std=.* expected 3 numbers"),
        ({"card": {}}, "invalid configuration: name=None; expected a str"),
        ({"card": {"name": "tiny", "trained": "yes"}}, "trained='yes'; expected a bool"),
    ],
)
def test_refuses_descriptions_that_are_not_a_networks(saved, changes, message):
    rewrite(saved, change_document=lambda document: document.update(changes))
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(saved, "cpu")


def test_integers_are_accepted_where_numbers_are_expected(saved):
    rewrite(saved, change_document=lambda document: document["input"].update(color_mean=[0, 0, 1]))
    mean = load_checkpoint(saved, "cpu").input_config.color_mean
    assert mean == (0.0, 0.0, 1.0)
    assert all(isinstance(number, float) for number in mean)


def test_refuses_missing_tensors(saved):
    rewrite(saved, change_tensors=lambda tensors: tensors.pop("fusion.conv.bias"))
    with pytest.raises(CheckpointError, match=r"lacks tensors fusion\.conv\.bias"):
        load_checkpoint(saved, "cpu")


def test_refuses_unexpected_tensors(saved):
    def add(tensors):
        tensors.update({f"extra{i}": torch.zeros(1) for i in range(5)})

    rewrite(saved, change_tensors=add)
    with pytest.raises(CheckpointError, match="does not know: extra0, extra1, extra2 and 2 more"):
        load_checkpoint(saved, "cpu")


def test_refuses_tensors_of_another_shape(saved):
    rewrite(saved, change_tensors=lambda t: t.update({"fusion.conv.bias": torch.zeros(33)}))
    with pytest.raises(CheckpointError, match=r"bias has shape \(33,\); expected \(32,\)"):
        load_checkpoint(saved, "cpu")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_refuses_weights_that_are_not_finite(saved, value):
    rewrite(saved, change_tensors=lambda t: t["fusion.conv.bias"].__setitem__(5, value))
    with pytest.raises(CheckpointError, match=r"fusion\.conv\.bias is not finite"):
        load_checkpoint(saved, "cpu")


def test_untrained_weights_say_so_and_follow_their_seed():
    first, again, other = untrained("compact"), untrained("compact"), untrained("compact", seed=1)
    assert (first.card.name, first.card.trained) == ("untrained-compact", False)
    assert (first.network_config, first.input_config) == (COMPACT, COMPACT_INPUT)
    assert_equal_weights(first.network, again.network)
    assert not torch.equal(first.network.fusion.conv.weight, other.network.fusion.conv.weight)


def test_untrained_weights_leave_the_global_random_state_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    untrained("compact")
    assert torch.equal(torch.rand(3), expected)


def test_load_weights_takes_a_path_or_a_name(saved):
    assert load_weights(str(saved), "cpu").card.name == "tiny-1"
    named = load_weights("untrained:compact", "cpu")
    assert_equal_weights(named.network, untrained("compact").network)
    paper = load_weights("untrained:paper", "meta")
    assert paper.network_config == NETWORKS["paper"][0]


def test_load_weights_of_nothing_takes_the_packages_own_or_says_untrained(saved, monkeypatch):
    monkeypatch.setattr(checkpoint_module, "DEFAULT_WEIGHTS", saved)
    assert load_weights("", "cpu").card.name == "tiny-1"
    monkeypatch.setattr(checkpoint_module, "DEFAULT_WEIGHTS", saved.with_name("none"))
    card = load_weights("", "cpu").card
    assert (card.name, card.trained) == ("untrained-compact", False)


def test_damaged_default_weights_are_no_reason_to_run_untrained(saved, monkeypatch):
    saved.write_bytes(saved.read_bytes()[:-1])
    monkeypatch.setattr(checkpoint_module, "DEFAULT_WEIGHTS", saved)
    with pytest.raises(CheckpointError, match="damaged or cut off"):
        load_weights("", "cpu")


def test_refuses_an_unknown_untrained_network():
    with pytest.raises(CheckpointError, match="untrained network 'huge'; expected one of paper, "):
        load_weights("untrained:huge", "cpu")


@pytest.mark.parametrize("name", ["", *NAMED_WEIGHTS])
def test_the_packages_own_weights_are_trained_half_precision_and_small(name):
    path = NAMED_WEIGHTS.get(name, DEFAULT_WEIGHTS)
    assert load_weights(name, "cpu").card.trained
    assert path.stat().st_size < 10e6
    assert {t.dtype for t in read_weights_file(path).tensors.values()} == {torch.float16}
