# SPDX-License-Identifier: Apache-2.0
"""Weights that prefer neither of two actions that look alike: a constant is added to one's score.

The constant is the likeliest one (logistic regression of an intercept) for clips that show both: on
them, the probabilities of both are right on average. Nothing else in the weights changes. The clips
should not be those that the weights are measured on, and their numbers for the two actions
decide how one mistake weighs against the other. What is likeliest at the start of a stream may not
be so in the middle of one: with `--before`, each clip is seen a second time, after another one, and
the constant is fitted to both.
"""

import argparse
import sys
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, replace
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import mannwhitneyu
from tqdm import tqdm

from affordance_seg_ros.config import FlowConfig, PipelineConfig
from affordance_seg_ros.errors import AffordanceError, ConfigError
from affordance_seg_ros.flow.estimator import build_estimator
from affordance_seg_ros.frames import Prediction
from affordance_seg_ros.model.checkpoint import Checkpoint, load_weights, save_checkpoint
from affordance_seg_ros.pipeline.streaming import Pipeline
from affordance_seg_ros.training.clip_prediction import run_clip
from affordance_seg_ros.training.datasets.data_source import DataSource
from affordance_seg_ros.training.datasets.labelled_sequence import LabelledSequence
from affordance_seg_ros.training.evaluate import CLIP_GAP_S
from affordance_seg_ros.training.long_stream import run_following_clip
from affordance_seg_ros.training.run_data import find_sequences

_RANGE = 50.0
_LEAST = 1e-12


class Margins(NamedTuple):
    """How much higher the second of two actions scores after clips, and whether it is shown.

    Attributes:
        alone: (N,) differences of scores after a clip that starts with an empty memory.
        after: (N,) the same after a clip that follows another one; or (0,).
        second: (N,) whether the clip shows the second action.
    """

    alone: npt.NDArray[np.float64]
    after: npt.NDArray[np.float64]
    second: npt.NDArray[np.bool_]


def measure_margins(
    checkpoint: Checkpoint,
    sequences: Sequence[LabelledSequence],
    actions: tuple[str, str],
    before: Sequence[LabelledSequence] = (),
) -> Margins:
    """Return how much higher the second action scores after each clip, and whether it is shown.

    Args:
        checkpoint: The weights.
        sequences: Clips; those of other actions are left out.
        actions: Two actions of the weights.
        before: Clips, taken in turn, after which each clip is seen a second time; may be empty.
    """
    config = PipelineConfig(
        min_confidence=0.0, max_gap_s=CLIP_GAP_S, flow=FlowConfig(estimator="dis")
    )
    device = torch.device("cpu")
    pipeline = Pipeline(checkpoint, build_estimator(config.flow, device), config, device)
    ids = [checkpoint.network_config.labels.action_id(name) for name in actions]
    shown = [each for each in sequences if each.action in actions]

    def margin(prediction: Prediction) -> float:
        first, second = (np.log(max(prediction.action.scores[i], _LEAST)) for i in ids)
        return float(second - first)

    alone = [margin(run_clip(pipeline, each)) for each in tqdm(shown, "alone", unit="clip")]
    pairs = [*zip(cycle(before), shown)]
    after = [
        margin(run_following_clip(pipeline, other, each))
        for other, each in tqdm(pairs, "after another", unit="clip", disable=not pairs)
    ]
    second = [each.action == actions[1] for each in shown]
    return Margins(np.array(alone), np.array(after), np.array(second, bool))


def likeliest_offset(margins: npt.NDArray[np.float64], second: npt.NDArray[np.bool_]) -> float:
    """Return the constant with which the margins best tell which of two actions is shown.

    Args:
        margins: (N,) differences of scores.
        second: (N,) whether the second action is shown.

    Raises:
        ConfigError: One of the actions is never shown.
    """
    if not second.any() or second.all():
        raise ConfigError(
            f"{int(second.sum())} of {len(second)} clips show the second action; expected both"
        )
    share = second.mean()
    found: float = brentq(lambda x: expit(margins + x).mean() - share, -_RANGE, _RANGE)
    return found


def ordered_share(margins: npt.NDArray[np.float64], second: npt.NDArray[np.bool_]) -> float:
    """Return the share of pairs of clips in which the second action's has the larger margin.

    No constant changes it: it says how well the two are told apart (the area under the ROC curve).

    Args:
        margins: (N,) differences of scores.
        second: (N,) whether the second action is shown; some, and not all.
    """
    wins: float = mannwhitneyu(margins[second], margins[~second]).statistic
    return wins / (int(second.sum()) * int((~second).sum()))


def with_offset(
    checkpoint: Checkpoint, action: str, offset: float, sources: Sequence[DataSource] = ()
) -> Checkpoint:
    """Return weights whose score of an action is higher by a constant; the given ones stay as is.

    Args:
        checkpoint: The weights.
        action: One of their actions.
        offset: The constant.
        sources: Data that it was found with, for the recipe: they cannot measure the weights.
    """
    network = deepcopy(checkpoint.network)
    with torch.no_grad():
        network.action_head.layer3.bias[checkpoint.network_config.labels.action_id(action)] += (
            offset
        )
    recipe = dict(checkpoint.card.recipe)
    before = recipe.get("added_to_score", {})
    recipe["added_to_score"] = {**before, action: round(before.get(action, 0.0) + offset, 3)}
    recipe["balanced_on"] = [*recipe.get("balanced_on", ()), *map(asdict, sources)]
    card = replace(checkpoint.card, metrics={}, recipe=recipe)
    return replace(checkpoint, network=network, card=card)


def main(argv: Sequence[str] | None = None) -> int:
    """Balance; return the exit code: 2 for weights or clips that cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", help="weight file, or the name of one in the package")
    parser.add_argument("--clips", type=Path, required=True, help="folder of clips")
    parser.add_argument(
        "--before", type=Path, help="folder of clips of any action; each clip also follows one"
    )
    parser.add_argument("--split", default="train", help="split to use; '' for all")
    parser.add_argument(
        "--actions", nargs=2, default=("grasp", "squeeze"), help="the second gets the constant"
    )
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    arguments = parser.parse_args(argv)
    actions = (arguments.actions[0], arguments.actions[1])
    try:
        checkpoint = load_weights(arguments.weights, "cpu")
        labels = checkpoint.network_config.labels
        if unknown := sorted(set(actions) - set(labels.actions)):
            raise ConfigError(f"action {unknown[0]}; expected two of {', '.join(labels.actions)}")
        roots = [arguments.clips, *([arguments.before] if arguments.before else [])]
        sources = [DataSource(root=str(root), split=arguments.split) for root in roots]
        clips, *before = (find_sequences([each], labels) for each in sources)
        alone, after, second = measure_margins(checkpoint, clips, actions, *before)
        places = {"alone": alone, "after another": after} if before else {"alone": alone}
        offset = likeliest_offset(np.concatenate((alone, after)), np.tile(second, len(places)))
        balanced = with_offset(checkpoint, actions[1], offset, sources)
        save_checkpoint(arguments.out, balanced, dtype=torch.float16)
    except AffordanceError as error:
        print(error, file=sys.stderr)
        return 2
    for place, margins in places.items():
        for name, added in (("without", 0.0), ("with", offset)):
            taken = margins + added > 0
            print(
                f"{place}, {name} the offset: "
                f"{int((~taken & ~second).sum())} of {int((~second).sum())} {actions[0]}, "
                f"{int((taken & second).sum())} of {int(second.sum())} {actions[1]}"
            )
        print(
            f"{place}: {100 * ordered_share(margins, second):.0f} of 100 pairs in the right order"
        )
    print(f"{offset:.3f} added to {actions[1]}: {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
