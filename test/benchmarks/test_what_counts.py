# SPDX-License-Identifier: Apache-2.0
"""What a network leans on is seen by what is taken from it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import what_counts
from tiny_clips import write_clips

from affordance_seg_ros.config import COMPACT, STILL
from affordance_seg_ros.errors import ConfigError, SourceError
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.model.checkpoint import Checkpoint, untrained
from affordance_seg_ros.model.initialisation import xavier_initialise
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.training.datasets.data_source import DataSource
from affordance_seg_ros.training.run_data import find_sequences
from affordance_seg_ros.training.sample import NO_ACTION, Batch


@pytest.fixture
def checkpoint() -> Checkpoint:
    config = replace(COMPACT, width=4, action_context=True)
    network = AffordanceNetwork(config)
    xavier_initialise(network, torch.Generator().manual_seed(0))
    return replace(untrained("compact"), network=network.eval(), network_config=config)


def batch(seed: int, *, frames: int = 6) -> Batch:
    random = torch.Generator().manual_seed(seed)
    return Batch(
        appearance=torch.randn(1, frames, 4, 32, 40, generator=random),
        flow=torch.rand(1, frames, 3, 32, 40, generator=random),
        target=torch.randint(0, 10, (1, frames, 32, 40), generator=random),
        action=torch.tensor([seed % 9]),
        told_action=torch.tensor([NO_ACTION]),
    )


def case(name: str) -> Any:
    return next(each for each in what_counts.CASES if each.name == name)


def test_each_case_changes_what_it_says() -> None:
    clip, other = batch(1), batch(2)

    def shown(name: str) -> Batch:
        return case(name).shown(clip, other)

    assert shown("as they are") is clip
    assert (shown("nothing moves").flow == STILL).all()
    assert torch.equal(shown("another clip's motion").flow, other.flow)
    assert shown("the true action told").told_action == 1
    five = shown("the last five frames alone")
    assert torch.equal(five.appearance, clip.appearance[:, 1:])
    assert (five.flow[:, 0] == STILL).all()
    assert torch.equal(five.flow[:, 1:], clip.flow[:, 2:])
    assert (clip.flow[:, 1] != STILL).any()  # the clip itself is as it was


def test_an_even_attention_has_the_same_mean_and_favours_no_place(checkpoint: Checkpoint) -> None:
    clip = batch(0)
    uneven = checkpoint.network(clip.appearance, clip.flow).attention
    case("attention even over the picture").network(checkpoint.network)
    even = checkpoint.network(clip.appearance, clip.flow).attention
    torch.testing.assert_close(even, uneven.mean((-2, -1), keepdim=True).expand_as(even))
    assert uneven.std() > 0


def test_a_told_action_changes_the_masks_alone_and_no_case_the_weights(
    checkpoint: Checkpoint,
) -> None:
    batches = [batch(seed) for seed in range(3)]
    before = {name: each.clone() for name, each in checkpoint.network.state_dict().items()}
    rows = {each.name: what_counts.measure(checkpoint, batches, each) for each in what_counts.CASES}
    assert rows["as they are"]["action_top1"] == rows["the true action told"]["action_top1"]
    assert rows["as they are"]["iou_mean"] != rows["the true action told"]["iou_mean"]
    after = checkpoint.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_decoder_that_is_told_no_action_pays_no_heed_to_it(checkpoint: Checkpoint) -> None:
    case("no action told to the decoder").network(checkpoint.network)
    clip = batch(0)
    told = [
        checkpoint.network(clip.appearance, clip.flow, told_action=torch.tensor([action])).logits
        for action in (0, 1)
    ]
    assert torch.equal(*told)


def test_attention_is_described_by_how_much_it_differs_within_a_picture(
    checkpoint: Checkpoint,
) -> None:
    batches = [batch(seed) for seed in range(2)]
    seen = what_counts.describe_attention(checkpoint, batches)
    assert 0 < seen["least"] < seen["mean"] < 1
    assert seen["deviation"] > 0
    case("attention even over the picture").network(checkpoint.network)
    even = what_counts.describe_attention(checkpoint, batches)
    assert even["mean"] == pytest.approx(seen["mean"])
    assert even["deviation"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("change", [{"flow": "none"}, {"flow_encoding": "viewer"}])
def test_weights_that_do_not_see_that_nothing_moves_are_refused(
    checkpoint: Checkpoint, change: dict[str, str]
) -> None:
    part = checkpoint.network_config if "flow" in change else checkpoint.input_config
    name = "network_config" if "flow" in change else "input_config"
    other = replace(checkpoint, **{name: replace(part, **change)})
    with pytest.raises(ConfigError, match="expected weights that use flow"):
        what_counts.read_batches(other, [], "dis")


def test_clips_of_no_known_action_say_nothing(checkpoint: Checkpoint, tmp_path: Path) -> None:
    write_clips(tmp_path, 2, split="val")
    sequences = find_sequences([DataSource(root=str(tmp_path), split="val")], LabelSet())
    for sequence in sequences:
        sequence.action = ""
    with pytest.raises(SourceError, match="none of 2 clips has an action"):
        what_counts.read_batches(checkpoint, sequences, "dis")


def test_clips_give_a_table_and_their_figures(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_clips(tmp_path / "clips", 3, split="val")
    result = tmp_path / "figures.json"
    arguments = [str(tmp_path / "clips"), "--weights", "untrained:compact", "--json", str(result)]
    assert what_counts.main(arguments) == 0
    figures = json.loads(result.read_text())
    assert figures["clips"] == 3
    assert figures["attention"].keys() == {"mean", "deviation", "least"}
    assert figures["cases"].keys() == {each.name for each in what_counts.CASES}
    assert capsys.readouterr().out.count("\n") >= 2 + len(what_counts.CASES)
    assert what_counts.main([str(tmp_path / "none")]) == 2
    assert f"data set {tmp_path / 'none'}; expected a folder" in capsys.readouterr().err
