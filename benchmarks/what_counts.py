# SPDX-License-Identifier: Apache-2.0
"""What flow, attention, the past and a known action are worth to weights: each removed or given.

The network sees the last frames of clips at its own size. Nothing is trained for this: it shows
what trained weights rely on, not what a network that never had it could learn.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from affordance_seg_ros.config import STILL, FlowConfig
from affordance_seg_ros.errors import AffordanceError, ConfigError, SourceError
from affordance_seg_ros.evaluation.action_metrics import ActionMetrics
from affordance_seg_ros.evaluation.bench.markdown import table
from affordance_seg_ros.evaluation.metrics import SegmentationMetrics
from affordance_seg_ros.evaluation.report import write_json
from affordance_seg_ros.model.action_context import ActionContext, DecoderContext
from affordance_seg_ros.model.checkpoint import Checkpoint, load_weights
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.training.augmentation.augmentation_config import NO_AUGMENTATION
from affordance_seg_ros.training.datasets.data_source import DataSource
from affordance_seg_ros.training.datasets.flow_cache import FlowCache
from affordance_seg_ros.training.datasets.kept_records import keep_all
from affordance_seg_ros.training.datasets.labelled_sequence import LabelledSequence
from affordance_seg_ros.training.datasets.pictures import Pictures
from affordance_seg_ros.training.run_data import find_sequences
from affordance_seg_ros.training.sample import NO_ACTION, Batch
from affordance_seg_ros.training.samples import TrainingSamples
from affordance_seg_ros.training.stage_config import StageConfig
from affordance_seg_ros.training.validation import ValidationSet


class EvenAttention(nn.Module):
    """The mean of another attention, everywhere."""

    def __init__(self, uneven: nn.Module) -> None:
        super().__init__()
        self._uneven = uneven

    def forward(self, features: Tensor, memory: Tensor) -> Tensor:
        """Return (B, 1, h, w) attention that favours no place."""
        attention: Tensor = self._uneven(features, memory)
        return attention.mean((-2, -1), keepdim=True).expand_as(attention)


class AnyAction(nn.Module):
    """What an action context tells the decoder when nothing is known about the action."""

    def __init__(self, context: ActionContext) -> None:
        super().__init__()
        self._context = context
        context.decided = False

    def forward(self, action_logits: Tensor) -> DecoderContext:
        """Return the context of logits (B, actions), whatever they say."""
        told: DecoderContext = self._context(torch.zeros_like(action_logits))
        return told


class Case(NamedTuple):
    """What the network is shown, and in which state.

    Attributes:
        name: Name in the table.
        shown: Makes what is shown from a clip's batch and another clip's.
        network: Changes a copy of the network.
    """

    name: str
    shown: Callable[[Batch, Batch], Batch] = lambda clip, other: clip
    network: Callable[[AffordanceNetwork], None] = lambda network: None


def _last(batch: Batch, frames: int) -> Batch:
    """Return the last frames of a batch; nothing has moved before the first of them."""
    flow = batch.flow[:, -frames:].clone()
    flow[:, 0] = STILL
    return batch._replace(
        appearance=batch.appearance[:, -frames:], flow=flow, target=batch.target[:, -frames:]
    )


def _even(network: AffordanceNetwork) -> None:
    network.attention = EvenAttention(network.attention)


def _any_action(network: AffordanceNetwork) -> None:
    """Tell the decoder that all actions are equally likely, unless it is told none anyway."""
    if network.action_context is not None:
        network.action_context = AnyAction(network.action_context)


CASES = (
    Case("as they are"),
    Case("nothing moves", lambda clip, _: clip._replace(flow=torch.full_like(clip.flow, STILL))),
    Case("another clip's motion", lambda clip, other: clip._replace(flow=other.flow)),
    Case("the last five frames alone", lambda clip, _: _last(clip, 5)),
    Case("attention even over the picture", network=_even),
    Case("no action told to the decoder", network=_any_action),
    Case("the true action told", lambda clip, _: clip._replace(told_action=clip.action)),
)
"""All cases, in the order of the table."""


@torch.inference_mode()
def measure(checkpoint: Checkpoint, batches: Sequence[Batch], case: Case) -> dict[str, Any]:
    """Score masks and actions of one case.

    Args:
        checkpoint: The weights.
        batches: Batches of one clip each; the other clip of each is the next one.
        case: The case.

    Returns:
        Mean IoU and F1 over the affordances, and the share of correct actions.
    """
    network = deepcopy(checkpoint.network).eval()
    case.network(network)
    labels = checkpoint.network_config.labels
    masks, actions = SegmentationMetrics(labels), ActionMetrics(labels)
    for index, clip in enumerate(batches):
        shown = case.shown(clip, batches[(index + 1) % len(batches)])
        output = network(shown.appearance, shown.flow, told_action=shown.told_action)
        mask = output.logits[0, -1].argmax(0).numpy().astype("uint8")
        masks.add(clip.target[0, -1].numpy().astype("uint8"), mask)
        actions.add(int(clip.action), int(output.action_logits[0, -1].argmax()))
    scored = masks.result()
    return {
        "iou_mean": scored.iou.mean,
        "f1_mean": scored.f1.mean,
        "action_top1": actions.result().accuracy,
    }


@torch.inference_mode()
def describe_attention(checkpoint: Checkpoint, batches: Sequence[Batch]) -> dict[str, float]:
    """Describe how much an attention prefers some places to others.

    Args:
        checkpoint: The weights.
        batches: Batches of one clip each.

    Returns:
        Over the last pictures of all clips: the mean, the mean of each picture's standard deviation
        over its positions, and the least value.
    """
    network = checkpoint.network.eval()
    maps = torch.cat([network(clip.appearance, clip.flow).attention[:, -1] for clip in batches])
    return {
        "mean": float(maps.mean()),
        "deviation": float(maps.flatten(1).std(1).mean()),
        "least": float(maps.min()),
    }


def read_batches(
    checkpoint: Checkpoint, sequences: Sequence[LabelledSequence], estimator: str
) -> list[Batch]:
    """Return the last frames of all clips with a known action, as many as the network learned from.

    Raises:
        ConfigError: The network sees no flow, or flow in a colour that depends on the picture.
        SourceError: The action of no clip is known, or a file is damaged.
    """
    network, size = checkpoint.network_config, checkpoint.input_config
    if network.flow == "none" or size.flow_encoding == "viewer":
        raise ConfigError(
            f"weights with flow={network.flow}, flow_encoding={size.flow_encoding}; expected "
            "weights that use flow, in an encoding that shows when nothing moves"
        )
    cache = FlowCache(estimator, FlowConfig(), size)
    keep_all(sequences, [cache], workers=0, progress=True)
    samples = TrainingSamples(
        sequences=sequences,
        stage=StageConfig(),
        network=network,
        input_config=size,
        augmentation=NO_AUGMENTATION,
        pictures=Pictures(size, (*network.affordances, *network.actions), keep=False),
        caches=[cache],
        seed=0,
    )
    read = ValidationSet(samples, network.labels, torch.device("cpu"), nullcontext, workers=0)
    batches = [each for each in read.batches() if each.action.item() != NO_ACTION]
    if not batches:
        raise SourceError(f"none of {len(sequences)} clips has an action that the weights know")
    return batches


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; return the exit code: 2 for clips or weights that cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path, help="folder of labelled clips; flow is kept in it")
    parser.add_argument("--split", default="val", help="split to use; '' for all")
    parser.add_argument("--weights", default="", help="file or name; empty for the package's own")
    parser.add_argument("--estimator", default="dis", help="flow estimator")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args(argv)
    try:
        checkpoint = load_weights(arguments.weights, "cpu")
        source = DataSource(root=str(arguments.clips), split=arguments.split)
        sequences = find_sequences([source], checkpoint.network_config.labels)
        batches = read_batches(checkpoint, sequences, arguments.estimator)
        rows = {case.name: measure(checkpoint, batches, case) for case in CASES}
        attention = describe_attention(checkpoint, batches)
    except AffordanceError as error:
        print(error, file=sys.stderr)
        return 2
    headers = ("the network's own choice", "mean IoU", "mean F1", "action")
    print(table(headers, [[name, *row.values()] for name, row in rows.items()]))
    print(
        "\nattention: mean {mean:.3f}, standard deviation over a picture {deviation:.3f}, "
        "least {least:.3f}".format(**attention)
    )
    if arguments.json:
        document = {"clips": len(batches), "cases": rows, "attention": attention}
        write_json(arguments.json, document)
    return 0


if __name__ == "__main__":
    sys.exit(main())
