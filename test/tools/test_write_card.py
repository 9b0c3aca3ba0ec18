# SPDX-License-Identifier: Apache-2.0
"""A weight file gets the figures that were measured of it, and of no other."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import write_card

from affordance_seg_ros.model.checkpoint import load_checkpoint, untrained
from affordance_seg_ros.model.checkpoint import save_checkpoint as save
from affordance_seg_ros.model.fingerprint import fingerprint


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    file = tmp_path / "weights.safetensors"
    save(file, untrained("compact"))
    return file


@pytest.fixture
def evaluation(tmp_path: Path, weights: Path) -> Callable[..., str]:
    """Return a function that writes an evaluation of `weights`, changed as asked."""
    measured = fingerprint(load_checkpoint(weights, "cpu").network)

    def write(name: str, **changed: Any) -> str:
        scores = {
            "iou_mean": 0.71239,
            "f1_mean": 0.8,
            "f1_paper_weighted": 0.8,
            "fw_margolin": None,
            "action_top1": 0.95,
            "interval_95": {"iou_mean": [0.65051, None]},
            "per_class": {},
        }
        document = {
            "weights": {"fingerprint": measured},
            "until": "end",
            "target": "demonstrated",
            "estimator": "primal_dual",
            "min_confidence": 0.75,
            "video": scores,
            "static": {**scores, "iou_mean": 0.2},
        }
        (tmp_path / name).write_text(json.dumps({**document, **changed}))
        return str(tmp_path / name)

    return write


def test_evaluations_become_metrics_of_the_file(
    weights: Path, evaluation: Callable[..., str], tmp_path: Path
) -> None:
    files = [
        evaluation("end.json"),
        evaluation("dis.json", estimator="dis", min_confidence=0.0),
        evaluation("acting.json", until="acting"),
    ]
    out = tmp_path / "carded.safetensors"
    arguments = [str(weights), "--name", "rendered-1", "--description", "Good.", "--out", str(out)]
    assert write_card.main([*arguments, "--metrics", "val, 50 clips", *files]) == 0
    card = load_checkpoint(out, "cpu").card
    assert (card.name, card.description, card.trained) == ("rendered-1", "Good.", False)
    end = card.metrics["val, 50 clips, to their end, demonstrated part"]
    assert list(end) == [
        "primal-dual flow, min_confidence 0.75",
        "DIS flow, min_confidence 0",
    ]
    ways = end["DIS flow, min_confidence 0"]
    assert (ways["video"]["iou_mean"], ways["static"]["iou_mean"]) == (0.712, 0.2)
    assert ways["video"]["interval_95"] == {"iou_mean": [0.651, None]}
    assert ways["video"]["fw_margolin"] is None
    assert "val, 50 clips, cut while acting, demonstrated part" in card.metrics


def test_figures_of_other_weights_are_refused(
    weights: Path,
    evaluation: Callable[..., str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = evaluation("other.json", weights={"fingerprint": "0123456789abcdef"})
    out = tmp_path / "carded.safetensors"
    assert write_card.main([str(weights), "--metrics", "val", other, "--out", str(out)]) == 2
    assert "other.json is of weights 0123456789abcdef; expected of" in capsys.readouterr().err
    assert not out.exists()


def test_the_same_setting_twice_is_refused(
    weights: Path,
    evaluation: Callable[..., str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = [evaluation("one.json"), evaluation("two.json")]
    out = tmp_path / "carded.safetensors"
    assert write_card.main([str(weights), "--metrics", "val", *files, "--out", str(out)]) == 2
    assert "measured twice; expected one evaluation of it" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"weights": {}}'])
def test_what_is_no_evaluation_is_refused(
    weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
) -> None:
    (tmp_path / "some.json").write_text(text)
    arguments = [str(weights), "--metrics", "val", str(tmp_path / "some.json")]
    assert write_card.main([*arguments, "--out", str(tmp_path / "carded.safetensors")]) == 2
    assert "some.json; expected a file of affordance-seg evaluate --json" in capsys.readouterr().err
