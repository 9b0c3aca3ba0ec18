# SPDX-License-Identifier: Apache-2.0
"""From the output on the device to a frame's result on the host."""

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from affordance_seg_ros.config import NetworkConfig
from affordance_seg_ros.frames import Action
from affordance_seg_ros.labels import BACKGROUND, LabelSet
from affordance_seg_ros.model.network import StepOutput
from affordance_seg_ros.pipeline.fit import Fit
from affordance_seg_ros.pipeline.packet import Download
from affordance_seg_ros.pipeline.postprocess import LabelMap, action_of, choose_action, label_map

NO_CONFIDENCE = np.empty((0, 0), np.float32)
_NO_PICTURE = np.empty((0, 0, 3), np.uint8)


class Reading(NamedTuple):
    """A frame's result on the host.

    Attributes:
        labelled: Label map and confidences at colour resolution; the confidences are (0, 0) if not
            wanted.
        action: The action.
        flow_color: (h, w, 3) uint8 flow picture; (0, 0, 3) if not wanted.
        finite: Whether all of the network's output is finite: half precision may lack the range.
    """

    labelled: LabelMap
    action: Action
    flow_color: npt.NDArray[np.uint8]
    finite: bool


class Readout(Protocol):
    """Brings a frame's result to the host."""

    def __call__(
        self,
        output: StepOutput,
        flow_color: Tensor | None,
        placed: Fit,
        width: int,
        height: int,
        *,
        min_confidence: float,
        with_confidence: bool = True,
    ) -> Reading:
        """Read a frame's result.

        Args:
            output: The network's output for one frame (a batch of one).
            flow_color: (h, w, 3) uint8 coloured flow; None if not wanted.
            placed: How the picture was fitted to the network's size.
            width: Width of the colour picture [px].
            height: Height of the colour picture [px].
            min_confidence: See `label_map`.
            with_confidence: Whether the confidences are wanted.
        """


class HostReadout:
    """Enlarges on the host, and only the labels that compete: the faster way on a CPU.

    Args:
        labels: Names of labels and actions.
        decided: Whether the network's mask takes the recognised action for granted.
    """

    def __init__(self, labels: LabelSet, *, decided: bool = False) -> None:
        self._labels = labels
        self._decided = decided

    def __call__(
        self,
        output: StepOutput,
        flow_color: Tensor | None,
        placed: Fit,
        width: int,
        height: int,
        *,
        min_confidence: float,
        with_confidence: bool = True,
    ) -> Reading:
        """Read a frame's result; see `Readout`."""
        action = choose_action(output.action_logits[0], self._labels)
        labelled = label_map(
            output.logits[0],
            placed,
            width,
            height,
            min_confidence=min_confidence,
            certainty=action.score if self._decided else 1.0,
        )
        if not with_confidence:
            labelled = labelled._replace(confidence=NO_CONFIDENCE)
        picture = _NO_PICTURE if flow_color is None else flow_color.cpu().numpy()
        return Reading(labelled, action, picture, bool(_is_finite(output)))


class DeviceReadout:
    """Enlarges and chooses on the device, and brings everything to the host in one transfer.

    Args:
        labels: Names of labels and actions.
        device: Where the network's output is.
        decided: As for `HostReadout`.
    """

    def __init__(self, labels: LabelSet, device: torch.device, *, decided: bool = False) -> None:
        self._labels = labels
        self._decided = decided
        self._download = Download(device)

    def __call__(
        self,
        output: StepOutput,
        flow_color: Tensor | None,
        placed: Fit,
        width: int,
        height: int,
        *,
        min_confidence: float,
        with_confidence: bool = True,
    ) -> Reading:
        """Read a frame's result; see `Readout`."""
        scores = output.action_logits[0].softmax(0)
        mask, confidence = _label_map(
            output.logits[0],
            placed,
            width,
            height,
            min_confidence=min_confidence,
            certainty=scores.max() if self._decided else None,
        )
        wanted = {"scores": scores, "mask": mask, "finite": _is_finite(output).to(torch.uint8)}
        if with_confidence:
            wanted = {"confidence": confidence, **wanted}
        if flow_color is not None:
            wanted["flow_color"] = flow_color
        parts = dict(zip(wanted, self._download(tuple(wanted.values())), strict=True))
        return Reading(
            LabelMap(parts["mask"], parts.get("confidence", NO_CONFIDENCE)),
            action_of(parts["scores"], self._labels),
            parts.get("flow_color", _NO_PICTURE),
            bool(parts["finite"]),
        )


def build_readout(network: NetworkConfig, device: torch.device) -> Readout:
    """Return the readout that suits a network's output on a device."""
    labels, decided = network.labels, network.decided_context
    if device.type == "cuda":
        return DeviceReadout(labels, device, decided=decided)
    return HostReadout(labels, decided=decided)


def _is_finite(output: StepOutput) -> Tensor:
    """Return a () bool; a value that is not finite makes its pixels background of no confidence.

    A sum is finite only if all its terms are, and takes a twentieth of the time of testing each.
    """
    logits, scores = output.logits, output.action_logits
    return (logits.sum(dtype=torch.float32) + scores.sum(dtype=torch.float32)).isfinite()


def _label_map(
    logits: Tensor,
    placed: Fit,
    width: int,
    height: int,
    *,
    min_confidence: float,
    certainty: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Return what `label_map` does, as tensors on the device of the logits.

    All labels are enlarged, those that do not compete as zeros: leaving them out would make the
    host wait.
    """
    probabilities = logits.softmax(0)
    competes = torch.zeros_like(probabilities[:, 0, 0])  # (C,) 1 for background and winners
    competes.scatter_(0, probabilities.argmax(0).flatten(), 1.0)
    competes[BACKGROUND].fill_(1.0)
    x, y, columns, rows = placed.target
    seen = probabilities[:, y : y + rows, x : x + columns] * competes[:, None, None]
    size = (placed.source.height, placed.source.width)
    enlarged = functional.interpolate(seen[None], size, mode="bilinear", align_corners=False)[0]
    confidence, mask = enlarged.max(0)
    marked = mask != BACKGROUND
    if certainty is not None:
        confidence = torch.where(marked, confidence * certainty, confidence)
    doubtful = marked & (confidence < min_confidence)
    confidence = torch.where(doubtful, enlarged[BACKGROUND], confidence)
    mask = mask.masked_fill(doubtful, BACKGROUND).to(torch.uint8)
    if size == (height, width):
        return mask, confidence
    # The network saw only a window: what it did not see is background, with no confidence.
    x, y, columns, rows = placed.source
    borders = (x, width - x - columns, y, height - y - rows)
    return functional.pad(mask, borders), functional.pad(confidence, borders)
