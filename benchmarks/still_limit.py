# SPDX-License-Identifier: Apache-2.0
"""What the last frame alone can tell: masks of somebody who knows all but what was done.

At the end of a rendered clip the object lies there again, and the hand is away. Somebody who sees
every part without an error has to guess the action, and with it the part: the commonest action with
the object. That is about as far as any network can come from that frame: what lies beside a tool (a
board, a sheet, a nail) lies there whatever is done with it.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.config import NetworkConfig
from affordance_seg_ros.errors import AffordanceError, SourceError
from affordance_seg_ros.evaluation.action_metrics import ActionMetrics
from affordance_seg_ros.evaluation.bench.markdown import table
from affordance_seg_ros.evaluation.metrics import SegmentationMetrics
from affordance_seg_ros.evaluation.report import write_json
from affordance_seg_ros.sources.clip import Clip, read_clip
from affordance_seg_ros.sources.clip_info import ROLES
from affordance_seg_ros.training.datasets.clips import clip_folders

_USED = ROLES.index("object")

Mask = npt.NDArray[np.uint8]


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


def measure(clips: Sequence[Clip]) -> dict[str, Any]:
    """Score the guesses.

    Args:
        clips: Rendered clips.

    Returns:
        Mean IoU and F1 over the affordances, and the share of actions that are right.
    """
    labels = NetworkConfig().labels
    shown: dict[str, Counter[str]] = {}
    for clip in clips:
        shown.setdefault(clip.info.object_name, Counter())[clip.info.action] += 1
    masks, actions = SegmentationMetrics(labels), ActionMetrics(labels)
    for clip in clips:
        guess = shown[clip.info.object_name].most_common(1)[0][0]
        masks.add(clip.label(), guessed_mask(clip, guess))
        actions.add(labels.action_id(clip.info.action), labels.action_id(guess))
    scored = masks.result()
    return {
        "iou_mean": scored.iou.mean,
        "f1_mean": scored.f1.mean,
        "action_top1": actions.result().accuracy,
    }


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
    print(table(("clips", "mean IoU", "mean F1", "action"), [[len(clips), *found.values()]]))
    if arguments.json:
        write_json(arguments.json, {"clips": len(clips), **found})
    return 0


if __name__ == "__main__":
    sys.exit(main())
