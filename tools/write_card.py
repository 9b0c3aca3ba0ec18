# SPDX-License-Identifier: Apache-2.0
r"""The card of a weight file: its name, and what `affordance-seg evaluate` measured of it.

    python tools/write_card.py mean.safetensors --name compact-rendered-16 --out new.safetensors \
        --metrics "validation, 150 rendered clips" val-dis.json val-primal_dual.json

Figures of other weights are refused: the evaluation carries the fingerprint of those it measured.
The file is written in half precision, so the evaluated weights must be in half precision too.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.errors import AffordanceError, CheckpointError, ConfigError
from affordance_seg_ros.flow.estimator import flow_in_words
from affordance_seg_ros.model.checkpoint import load_weights, save_checkpoint
from affordance_seg_ros.model.fingerprint import fingerprint

_NEEDED = {
    *("until", "target", "data", "limit", "clips", "unreadable", "left_out"),
    *("estimator", "flow", "min_confidence", "video", "static"),
}
_SCORES = ("iou_mean", "f1_mean", "f1_paper_weighted", "fw_margolin", "action_top1")
_UNTIL = {"end": "to their end", "acting": "cut while acting"}
_TARGET = {"demonstrated": "demonstrated part", "affordances": "every part"}


def gather(evaluations: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return the metrics of a card.

    Args:
        evaluations: What the clips are, and the document of `evaluate --json`.

    Raises:
        ConfigError: Two of them measured the same, or one title stands for different clips.
    """
    metrics: dict[str, Any] = {}
    measured_on: dict[str, str] = {}
    for title, each in evaluations:
        some = f", {each['clips']} of them" if each["limit"] else ""
        titled, data = f"{title}{some}", f"{each['clips']} clips of {each['data']}"
        if measured_on.setdefault(titled, data) != data:
            raise ConfigError(
                f"{titled}: {measured_on[titled]}, and {data}; expected the same clips"
            )
        clips = f"{titled}, {_UNTIL[each['until']]}, {_TARGET[each['target']]}"
        setting = f"{_flow(each)}, min_confidence {each['min_confidence']:g}"
        measured = metrics.setdefault(clips, {})
        if setting in measured:
            raise ConfigError(f"{clips}, {setting}: measured twice; expected one evaluation of it")
        measured[setting] = {way: _rounded(each[way]) for way in ("video", "static")}
    return metrics


def read_evaluation(path: Path, weights: str) -> dict[str, Any]:
    """Return a document of `evaluate --json`.

    Args:
        path: The file.
        weights: Fingerprint of the weights that must have been evaluated.

    Raises:
        ConfigError: The file cannot be read, or holds no evaluation.
        CheckpointError: Other weights were evaluated.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        measured = document["weights"]["fingerprint"]
        missing = _NEEDED - {*document}
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{path}; expected a file of affordance-seg evaluate --json") from None
    if missing:
        raise ConfigError(f"{path} lacks {sorted(missing)[0]}; expected a new evaluation")
    if measured != weights:
        raise CheckpointError(f"{path} evaluates weights {measured}; expected {weights}")
    if lost := [*document["unreadable"], *document["left_out"]]:
        raise ConfigError(
            f"{path} leaves out {len(lost)} clips, such as {lost[0]}; expected all clips"
        )
    return document


def _flow(evaluation: Mapping[str, Any]) -> str:
    """Return the estimator in words, with its options where they are not the defaults."""
    flow = FlowConfig.from_mapping(evaluation["flow"])
    default = asdict(FlowConfig(estimator=flow.estimator))
    changed = [f"{name} {value}" for name, value in asdict(flow).items() if value != default[name]]
    name = flow_in_words(evaluation["estimator"])
    return " with ".join([name, *([", ".join(changed)] if changed else [])])


def _rounded(way: Mapping[str, Any]) -> dict[str, Any]:
    intervals = {
        name: [_round(end) for end in ends] for name, ends in sorted(way["interval_95"].items())
    }
    return {**{name: _round(way[name]) for name in _SCORES}, "interval_95": intervals}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def main(argv: Sequence[str] | None = None) -> int:
    """Write; return the exit code: 2 for weights or evaluations that cannot be used."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", help="weight file, or the name of one in the package")
    parser.add_argument("--name", help="new name of the weights; default: the present one")
    parser.add_argument("--description", help="one or two sentences; default: the present ones")
    parser.add_argument(
        "--metrics",
        nargs="+",
        action="append",
        default=[],
        metavar=("TITLE", "FILE"),
        help="what the clips are, and files of affordance-seg evaluate --json; once for each set; "
        "default: the present figures",
    )
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    arguments = parser.parse_args(argv)
    try:
        checkpoint = load_weights(arguments.weights, "cpu")
        weights = fingerprint(checkpoint.network.half().float())  # as the file will hold them
        evaluations = []
        for title, *files in arguments.metrics:
            if not files:
                raise ConfigError(f"--metrics '{title}' without a file; expected one or more")
            evaluations += [(title, read_evaluation(Path(each), weights)) for each in files]
        card = replace(
            checkpoint.card,
            name=arguments.name or checkpoint.card.name,
            description=arguments.description or checkpoint.card.description,
            metrics=gather(evaluations) or checkpoint.card.metrics,
        )
        save_checkpoint(arguments.out, replace(checkpoint, card=card), dtype=torch.float16)
    except AffordanceError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{card.name}, weights {weights}: {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
