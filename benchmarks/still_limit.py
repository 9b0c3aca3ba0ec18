# SPDX-License-Identifier: Apache-2.0
"""What the last frame alone can tell: masks of somebody who knows everything but what was done.

At the end of a rendered clip the object is at rest again and the hand is gone; what lies next to a
tool (a board, a sheet, a nail) lies there whatever is done with the tool. Even somebody who sees
every part without error has to guess the action, and with it the part, from the object, by one of
two rules:

- the commonest action with the object;
- for each object, the action that gives the best mean IoU on these very clips, as far as hill
  climbing from many starts finds it: only somebody who knows the answers can choose that way.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.config import NetworkConfig
from affordance_seg_ros.errors import AffordanceError, SourceError
from affordance_seg_ros.evaluation.bench.markdown import table
from affordance_seg_ros.evaluation.metrics import PixelCounts, count_picture, mean_of_defined
from affordance_seg_ros.evaluation.report import write_json
from affordance_seg_ros.sources.clip import Clip, read_clip
from affordance_seg_ros.sources.clip_info import ROLES
from affordance_seg_ros.training.datasets.clips import clip_folders

_USED = ROLES.index("object")
_ASCENTS = 50

Mask = npt.NDArray[np.uint8]
Guesses = Mapping[str, Mapping[str, PixelCounts]]
"""For each object and each action shown with it: the counts if that action is always guessed."""
Rule = dict[str, str]
"""The action that is guessed for each object."""


def guessed_mask(clip: Clip, action: str) -> Mask:
    """Return the (H, W) label of a clip's last frame if `action` had been shown in it.

    Raises:
        SourceError: The clip does not hold the affordance and the role of every pixel.
    """
    if action == clip.info.action:
        return clip.label()
    roles, affordances = clip.roles(len(clip) - 1), clip.affordances()
    if roles is None or affordances is None:
        raise SourceError(f"{clip.path} holds no roles or affordances; expected a rendered clip")
    used = roles == _USED
    names = clip.info.labels.affordances
    wanted = [used & (affordances == 1 + names.index(name)) for name in (action, "lift")]
    part = next((part for part in wanted if part.any()), used)
    return np.where(part, 1 + names.index(action), 0).astype(np.uint8)


def measure(clips: Sequence[Clip]) -> dict[str, dict[str, Any]]:
    """Score the guesses of both rules, `commonest` and `best`.

    Args:
        clips: Rendered clips.

    Returns:
        Mean IoU and F1 over the affordances, and the share of correct actions.
    """
    labels = NetworkConfig().labels
    shown: dict[str, Counter[str]] = {}
    for clip in clips:
        shown.setdefault(clip.info.object_name, Counter())[clip.info.action] += 1
    guessed: dict[str, dict[str, list[PixelCounts]]] = {
        thing: {action: [] for action in sorted(actions)} for thing, actions in shown.items()
    }
    for clip in clips:
        for action, counts in guessed[clip.info.object_name].items():
            counts.append(count_picture(clip.label(), guessed_mask(clip, action), labels))
    guesses = {
        thing: {action: PixelCounts.total(counts) for action, counts in actions.items()}
        for thing, actions in guessed.items()
    }
    commonest = {thing: actions.most_common(1)[0][0] for thing, actions in shown.items()}
    return {
        name: _score(guesses, shown, rule)
        for name, rule in (("commonest", commonest), ("best", _best(guesses, commonest)))
    }


def _score(guesses: Guesses, shown: Mapping[str, Counter[str]], rule: Rule) -> dict[str, Any]:
    counts = _pooled(guesses, rule)
    right = sum(actions[rule[thing]] for thing, actions in shown.items())
    return {
        "iou_mean": float(mean_of_defined(counts.iou())),
        "f1_mean": float(mean_of_defined(counts.f1())),
        "action_top1": right / sum(actions.total() for actions in shown.values()),
    }


def _pooled(guesses: Guesses, rule: Rule) -> PixelCounts:
    return PixelCounts.total([guesses[thing][action] for thing, action in rule.items()])


def _best(guesses: Guesses, start: Rule) -> Rule:
    """Return the rule with the highest mean IoU: the best of climbs from many starts."""
    random = np.random.default_rng(0)
    starts = [{thing: str(random.choice([*actions])) for thing, actions in guesses.items()}
              for _ in range(_ASCENTS)]  # fmt: skip
    return max((_climb(guesses, each) for each in (start, *starts)), key=lambda found: found[0])[1]


def _climb(guesses: Guesses, rule: Rule) -> tuple[float, Rule]:
    """Improve the action of one object after the other, until no change helps."""

    def iou(tried: Rule) -> float:
        return float(mean_of_defined(_pooled(guesses, tried).iou()))

    reached = -1.0
    while (found := iou(rule)) > reached:
        reached = found
        for thing, actions in guesses.items():
            rule = max(({**rule, thing: action} for action in actions), key=iou)
    return reached, rule


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; return the exit code: 2 for clips that cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path, help="folder of rendered clips")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args(argv)
    try:
        clips = [read_clip(folder) for folder in clip_folders(arguments.clips)]
        if not clips:
            raise SourceError(f"no clip in {arguments.clips}; expected rendered clips")
        found = measure(clips)
    except AffordanceError as error:
        print(error, file=sys.stderr)
        return 2
    rows = [[f"{rule} action", len(clips), *scores.values()] for rule, scores in found.items()]
    print(table(("guess", "clips", "mean IoU", "mean F1", "action"), rows))
    if arguments.json:
        write_json(arguments.json, {"clips": len(clips), **found})
    return 0


if __name__ == "__main__":
    sys.exit(main())
