# SPDX-License-Identifier: Apache-2.0
"""A quick check of how well a stage is doing: metrics at network size, and pictures."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from affordance_seg_ros.config import InputConfig
from affordance_seg_ros.evaluation.action_metrics import ActionMetrics
from affordance_seg_ros.evaluation.metrics import SegmentationMetrics
from affordance_seg_ros.labels import IGNORE, LabelSet
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.training.loading import loaded, sample_loader
from affordance_seg_ros.training.marking import marking
from affordance_seg_ros.training.objective import ActionObjective
from affordance_seg_ros.training.sample import NO_ACTION, Batch
from affordance_seg_ros.training.samples import SampleKey, TrainingSamples

_PICTURES = 6
_ENLARGED = 2


class Validation(NamedTuple):
    """The result of a validation.

    Attributes:
        iou: Mean IoU over the affordances; None where none is in truth or masks.
        f1: Mean F1, likewise.
        iou_by_class: IoU of each affordance.
        action_accuracy: Share of recognised actions; None where none is known.
        picture: (H, W, 3) uint8 RGB: colour, flow, truth and mask of a few samples; None without
            masks.
        learns_masks: Whether masks are what the stage learns.
    """

    iou: float | None
    f1: float | None
    iou_by_class: dict[str, float | None]
    action_accuracy: float | None
    picture: npt.NDArray[np.uint8] | None
    learns_masks: bool = True

    @property
    def score(self) -> float:
        """The number that should rise: the mean IoU, or the accuracy where no mask is learned."""
        found = self.iou if self.learns_masks else None
        return found if found is not None else (self.action_accuracy or 0.0)

    def document(self) -> dict[str, Any]:
        """Return JSON values of what was measured."""
        left_out = ("picture", "learns_masks")
        return {name: value for name, value in self._asdict().items() if name not in left_out}


class ValidationSet(NamedTuple):
    """What is validated on, and how.

    Attributes:
        samples: Samples without augmentation.
        labels: Affordances and actions.
        device: Where the network is.
        autocast: Context of the run's precision.
        workers: Processes that prepare samples.
    """

    samples: TrainingSamples
    labels: LabelSet
    device: torch.device
    autocast: Callable[[], AbstractContextManager[None]]
    workers: int

    def batches(self) -> Iterator[Batch]:
        """Yield every sample as a separate batch."""
        keys = [[SampleKey(0, index, False)] for index in range(len(self.samples))]
        for batch in loaded(sample_loader(self.samples, keys, workers=self.workers)):
            yield Batch(*(tensor.to(self.device) for tensor in batch))


@torch.no_grad()
def validate(network: AffordanceNetwork, data: ValidationSet) -> Validation:
    """Measure masks and actions of a network at the last frames.

    Args:
        network: The network; its mode is restored.
        data: What it is shown.
    """
    labels = data.labels
    masks, actions = SegmentationMetrics(labels), ActionMetrics(labels)
    rows: list[npt.NDArray[np.uint8]] = []
    was_training = network.training
    network.eval()
    for batch in data.batches():
        with data.autocast(), marking(network, data.samples.stage):
            flow = batch.flow if batch.flow.shape[2] else None
            output = network(batch.appearance, flow, told_action=batch.told_action)
        mask = output.logits[0, -1].argmax(0).cpu().numpy().astype(np.uint8)
        truth = batch.target[0, -1].cpu().numpy().astype(np.uint8)
        if (truth != IGNORE).any():
            masks.add(truth, mask)
        if batch.action.item() != NO_ACTION:
            actions.add(int(batch.action.item()), int(output.action_logits[0, -1].argmax()))
        if len(rows) < _PICTURES:
            rows.append(_row(batch, truth, mask, labels, data.samples.scaled_input))
    network.train(was_training)
    scored, spoken = masks.result().document(), actions.result().document()
    return Validation(
        iou=scored["iou"]["mean"],
        f1=scored["f1"]["mean"],
        iou_by_class=scored["iou"]["by_class"],
        action_accuracy=spoken["accuracy"],
        picture=_stack(rows),
        learns_masks=data.samples.stage.segmentation_weight > 0,
    )


@torch.no_grad()
def validate_actions(objective: ActionObjective, data: ValidationSet) -> Validation:
    """Measure how often a stream alone names the action.

    Args:
        objective: The stream with the layers that name actions; its mode is restored.
        data: What it is shown.

    Returns:
        The accuracy at the last frame; there are neither masks nor a picture.
    """
    actions = ActionMetrics(data.labels)
    was_training = objective.training
    objective.eval()
    for batch in data.batches():
        if batch.action.item() != NO_ACTION:
            with data.autocast():
                named = objective.name(batch)[0, -1].argmax()
            actions.add(int(batch.action.item()), int(named))
    objective.train(was_training)
    accuracy = actions.result().document()["accuracy"]
    return Validation(None, None, {}, accuracy, picture=None)


def _row(
    batch: Batch,
    truth: npt.NDArray[np.uint8],
    mask: npt.NDArray[np.uint8],
    labels: LabelSet,
    config: InputConfig,
) -> npt.NDArray[np.uint8]:
    """Return colour, flow, truth and mask of the last frame side by side."""
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in (config.color_mean, config.color_std))
    color = _bytes(batch.appearance[0, -1, :3].cpu() * std + mean)
    shown = [color]
    if batch.flow.shape[2]:
        shown.append(_bytes(batch.flow[0, -1].cpu()))
    palette = labels.colors_rgb.copy()
    palette[IGNORE] = (64, 64, 64)
    for ids in (truth, mask):
        blended = color // 3 + palette[ids] // 3 * 2
        shown.append(np.where(((ids > 0) | (ids == IGNORE))[..., None], blended, color // 2))
    row = np.concatenate(shown, 1)
    return cv2.resize(row, None, fx=_ENLARGED, fy=_ENLARGED, interpolation=cv2.INTER_NEAREST)


def _stack(rows: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8]:
    return np.concatenate(rows) if rows else np.zeros((1, 1, 3), np.uint8)


def _bytes(picture: Tensor) -> npt.NDArray[np.uint8]:
    """Return (3, h, w) in [0, 1] as (h, w, 3) uint8."""
    array: npt.NDArray[np.uint8] = (
        picture.float().clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    )
    return array
