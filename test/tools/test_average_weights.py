# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from pathlib import Path
from typing import Any

import average_weights
import pytest
import torch

from affordance_seg_ros.model.checkpoint import Checkpoint, load_checkpoint, untrained
from affordance_seg_ros.model.checkpoint import save_checkpoint as save
from affordance_seg_ros.model.fingerprint import fingerprint


def parameters(checkpoint: Checkpoint) -> dict[str, torch.Tensor]:
    return {name: each.clone() for name, each in checkpoint.network.state_dict().items()}


def test_a_share_lies_between_both_and_the_ends_are_the_files_themselves() -> None:
    first, second = (parameters(untrained("compact", seed)) for seed in (1, 2))
    for share in (0.0, 0.25, 1.0):
        mean = average_weights.average(untrained("compact", 1), untrained("compact", 2), share)
        for name, each in parameters(mean).items():
            expected = (1 - share) * first[name] + share * second[name]
            torch.testing.assert_close(each, expected)


def test_the_mean_of_two_files_is_a_file_without_figures(tmp_path: Path) -> None:
    for seed in (1, 2):
        trained = untrained("compact", seed)
        card = replace(trained.card, trained=True, metrics={"iou": seed})
        save(tmp_path / f"{seed}.safetensors", replace(trained, card=card), dtype=torch.float16)
    files = [str(tmp_path / f"{seed}.safetensors") for seed in (1, 2)]
    assert average_weights.main([*files, "--out", str(tmp_path / "mean.safetensors")]) == 0
    card = load_checkpoint(tmp_path / "mean.safetensors", "cpu").card
    assert card.metrics == {}
    prints = [fingerprint(load_checkpoint(file, "cpu").network) for file in files]
    assert len(set(prints)) == 2
    origins = [{"name": card.name, "fingerprint": each} for each in prints]
    assert card.recipe["mean"] == {"of": origins, "share_of_second": 0.5}


def test_the_mean_says_what_was_added_to_its_scores() -> None:
    plain, added = untrained("compact", 1), untrained("compact", 2)
    recipe = {"added_to_score": {"squeeze": 2.0}, "mean": {"share_of_second": 0.25}}
    added = replace(added, card=replace(added.card, recipe=recipe))
    for pair, share in (((plain, added), 0.25), ((added, plain), 0.75)):
        mean = average_weights.average(*pair, share).card.recipe
        assert mean["added_to_score"] == {"squeeze": 0.5}
        kept = [each.get("mean") for each in mean["mean"]["of"]]
        assert kept.count({"share_of_second": 0.25}) == 1
    assert "added_to_score" not in average_weights.average(plain, plain, 0.5).card.recipe


def test_the_mean_keeps_the_recipe_of_a_first_file_that_the_second_does_not_know() -> None:
    def trained(seed: int, recipe: dict[str, Any]) -> Checkpoint:
        checkpoint = untrained("compact", seed)
        return replace(checkpoint, card=replace(checkpoint.card, recipe=recipe))

    first = trained(1, {"run": "first", "mean": {"share_of_second": 0.25}})
    began = {"fingerprint": fingerprint(first.network), "recipe": first.card.recipe}
    other = trained(2, {"run": "other"})
    mean = average_weights.average(first, other, 0.5).card.recipe
    assert mean["run"] == "other"
    assert mean["mean"]["of"][0]["recipe"] == {"run": "first"}
    assert mean["mean"]["of"][0]["mean"] == {"share_of_second": 0.25}
    between = {"fingerprint": fingerprint(other.network), "recipe": {"starts_from": began}}
    for origin in (began, between):
        went_on = trained(3, {"run": "went on", "starts_from": origin})
        mean = average_weights.average(first, went_on, 0.5).card.recipe
        assert mean["starts_from"] == origin
        assert "recipe" not in mean["mean"]["of"][0]


def test_the_first_file_is_moved_into_the_depth_range_of_the_second() -> None:
    first, second = (untrained("compact", seed) for seed in (1, 2))
    wider = replace(second.input_config, depth_near_m=0.0)
    mean = average_weights.average(first, replace(second, input_config=wider), 0.0)
    assert mean.input_config == wider
    name = "streams.appearance.conv1_1.conv.weight"
    moved, learned = parameters(mean)[name], parameters(first)[name]
    torch.testing.assert_close(moved[:, 3], learned[:, 3] * 3.0 / 2.7)
    torch.testing.assert_close(moved[:, :3], learned[:, :3])
    assert torch.equal(learned, parameters(untrained("compact", 1))[name])


def test_a_share_that_is_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["untrained:compact", "untrained:compact", "--share", "1.5"]
    assert average_weights.main([*arguments, "--out", str(tmp_path / "mean.safetensors")]) == 2
    assert "share=1.5; expected 0 to 1" in capsys.readouterr().err


def test_weights_of_other_networks_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "mean.safetensors")]
    assert average_weights.main(["default", "untrained:compact", *out]) == 2
    assert "expected the same" in capsys.readouterr().err
    assert not (tmp_path / "mean.safetensors").exists()
