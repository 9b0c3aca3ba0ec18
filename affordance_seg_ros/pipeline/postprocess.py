# SPDX-License-Identifier: Apache-2.0
"""From the network's logits to a label map and confidences at colour resolution."""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from torch import Tensor

from affordance_seg_ros.frames import Action
from affordance_seg_ros.labels import BACKGROUND, LabelSet
from affordance_seg_ros.pipeline.fit import Fit


class LabelMap(NamedTuple):
    """Mask (H, W) uint8 label ids, confidence (H, W) float32 probability of each."""

    mask: npt.NDArray[np.uint8]
    confidence: npt.NDArray[np.float32]


def label_map(
    logits: Tensor,
    placed: Fit,
    width: int,
    height: int,
    *,
    min_confidence: float,
    certainty: float = 1.0,
) -> LabelMap:
    """Choose the most probable label of each pixel of the colour picture.

    Probabilities are enlarged bilinearly and then compared, so that borders are smooth. Only labels
    that win somewhere at network resolution compete: enlarging all of them costs ten times as much.

    Args:
        logits: (C, h, w) logits at network size, background first.
        placed: How the picture was fitted to that size.
        width: Width of the colour picture [px].
        height: Height of the colour picture [px].
        min_confidence: Pixels whose affordance is less probable become background, in [0, 1].
        certainty: Probability of the action that the logits take for granted, in [0, 1]. It has
            no say in which label wins, but scales the confidence of every affordance.
    """
    probabilities = logits.softmax(0).cpu().numpy()
    winners = np.unique(probabilities.argmax(0))
    x, y, columns, rows = placed.target
    seen = probabilities[:, y : y + rows, x : x + columns]
    size = (placed.source.width, placed.source.height)
    confidence = _enlarge(seen[BACKGROUND], size)
    background = confidence.copy()
    mask = np.zeros(confidence.shape, np.uint8)
    for label_id in winners[winners != BACKGROUND]:
        probability = _enlarge(seen[label_id], size)
        # Only where the label wins; several times faster than boolean indexing, here and below.
        np.copyto(mask, label_id, where=probability > confidence, casting="unsafe")
        np.maximum(confidence, probability, out=confidence)
    marked = mask != BACKGROUND
    if certainty != 1.0:
        np.multiply(confidence, certainty, out=confidence, where=marked)
    doubtful = marked & (confidence < min_confidence)
    np.copyto(mask, BACKGROUND, where=doubtful)
    np.copyto(confidence, background, where=doubtful)
    if size == (width, height):
        return LabelMap(mask, confidence)
    # The network saw only a window: what it did not see is background, with no confidence.
    full = LabelMap(np.zeros((height, width), np.uint8), np.zeros((height, width), np.float32))
    x, y, columns, rows = placed.source
    full.mask[y : y + rows, x : x + columns] = mask
    full.confidence[y : y + rows, x : x + columns] = confidence
    return full


def choose_action(action_logits: Tensor, labels: LabelSet) -> Action:
    """Choose the most probable action.

    Args:
        action_logits: (A,) logits.
        labels: Names of the actions.
    """
    return action_of(action_logits.softmax(0).float().cpu().numpy(), labels)


def action_of(scores: npt.NDArray[np.float32], labels: LabelSet) -> Action:
    """Return the most probable action.

    Args:
        scores: (A,) probabilities.
        labels: Names of the actions.
    """
    best = int(scores.argmax())
    return Action(best, labels.actions[best], float(scores[best]), scores)


def _enlarge(plane: npt.NDArray[np.float32], size: tuple[int, int]) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), np.float32)
