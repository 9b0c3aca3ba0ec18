# SPDX-License-Identifier: Apache-2.0
"""The mean of two weight files of one network, the second of which was trained on from the first.

The mean may keep what a last step of training gained without all that it lost. The file gets the
second one's card, which says so; its quality has to be measured anew. The card also keeps the first
one's recipe if the second's does not: what a weight file has seen must not be lost.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from affordance_seg_ros.errors import AffordanceError, CheckpointError, ConfigError
from affordance_seg_ros.model.checkpoint import Checkpoint, load_weights, save_checkpoint
from affordance_seg_ros.model.depth_input import with_depth_input
from affordance_seg_ros.model.fingerprint import fingerprint


def average(first: Checkpoint, second: Checkpoint, share: float) -> Checkpoint:
    """Return `share` of the second weights and the rest of the first; neither is changed.

    If the second was trained on with another depth input, the first is adapted to it.

    Raises:
        ConfigError: The share is not in [0, 1].
        CheckpointError: They are of different networks or inputs.
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"share={share:g}; expected 0 to 1")
    origins = [_origin(each) for each in (first, second)]
    if not _went_on_from(origins[0]["fingerprint"], second.card.recipe):
        own = {name: each for name, each in first.card.recipe.items() if name != "mean"}
        origins[0].update({"recipe": own} if own else {})
    added = [each.card.recipe.get("added_to_score", {}) for each in (first, second)]
    first = with_depth_input(first, second.network_config, second.input_config)
    for one, other in (
        (first.network_config, second.network_config),
        (first.input_config, second.input_config),
    ):
        if one != other:
            raise CheckpointError(f"weights of {one} and {other}; expected the same")
    before, after = first.network.state_dict(), second.network.state_dict()
    network = deepcopy(second.network)
    network.load_state_dict({name: before[name].lerp(after[name], share) for name in before})
    mean = {"of": origins, "share_of_second": share}
    recipe = {**second.card.recipe, "mean": mean}
    if actions := {**added[0], **added[1]}:
        recipe["added_to_score"] = {
            action: round(
                (1 - share) * added[0].get(action, 0) + share * added[1].get(action, 0), 3
            )
            for action in actions
        }
    card = replace(second.card, metrics={}, recipe=recipe)
    return replace(second, network=network, card=card)


def _origin(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what the mean's card says about one of its weights, with its own mean if it is one."""
    card = checkpoint.card
    origin: dict[str, Any] = {"name": card.name, "fingerprint": fingerprint(checkpoint.network)}
    if "mean" in card.recipe:
        origin["mean"] = card.recipe["mean"]
    return origin


def _went_on_from(origin: str, recipe: Mapping[str, Any]) -> bool:
    """Return whether weights of a recipe started, directly or not, from those of a fingerprint."""
    while start := recipe.get("starts_from", {}):
        if start.get("fingerprint") == origin:
            return True
        recipe = start.get("recipe", {})
    return False


def main(argv: Sequence[str] | None = None) -> int:
    """Average; return the exit code: 2 for weights that cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", help="weight file, or the name of one in the package")
    parser.add_argument("second", help="the same")
    parser.add_argument("--share", type=float, default=0.5, help="share of the second [0 to 1]")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    arguments = parser.parse_args(argv)
    try:
        both = (load_weights(name, "cpu") for name in (arguments.first, arguments.second))
        save_checkpoint(arguments.out, average(*both, arguments.share), dtype=torch.float16)
    except AffordanceError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
