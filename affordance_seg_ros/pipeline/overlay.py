# SPDX-License-Identifier: Apache-2.0
"""A picture for people: the mask over the colour image, with legend, action and weights."""

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.frames import Prediction
from affordance_seg_ros.labels import BACKGROUND, LabelSet

Picture = npt.NDArray[np.uint8]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WHITE = (255, 255, 255)
_BLACK = (0, 0, 0)


def blend_mask(
    color: Picture, mask: Picture, labels: LabelSet, *, opacity: float = 0.55
) -> Picture:
    """Return the picture with each label's colour over it and a solid line around each label.

    Args:
        color: (H, W, 3) RGB.
        mask: (H, W) label ids.
        labels: Colours of the labels.
        opacity: Weight of the label colour, in [0, 1].
    """
    blended = color.copy()
    painted = mask != BACKGROUND
    if not painted.any():
        return blended
    tint = labels.colors_rgb[mask[painted]].astype(np.float32)
    mixed = opacity * tint + (1 - opacity) * color[painted].astype(np.float32)
    blended[painted] = mixed.astype(np.uint8)
    border = painted & (cv2.erode(mask, np.ones((3, 3), np.uint8)) != mask)
    blended[border] = labels.colors_rgb[mask[border]]
    return blended


def draw_overlay(
    color: Picture, prediction: Prediction, labels: LabelSet, *, trained: bool, footer: str = ""
) -> Picture:
    """Return the colour picture with mask, legend of the labels seen, action and scores.

    Args:
        color: (H, W, 3) RGB, the frame that was predicted.
        prediction: What the pipeline said of it.
        labels: Names and colours.
        trained: False writes UNTRAINED across the picture.
        footer: A last line, such as the latency.
    """
    picture = blend_mask(color, prediction.mask, labels)
    height = picture.shape[0]
    scale = max(height / 480, 0.4)
    line = round(22 * scale)
    action = prediction.action
    write_text(picture, f"{action.name} {action.score:.2f}", (8, line), scale)
    scores = label_scores(prediction)
    for row, (label_id, score) in enumerate(scores.items(), start=2):
        swatch = tuple(int(value) for value in labels.colors_rgb[label_id])
        top = round((row - 0.7) * line)
        cv2.rectangle(picture, (8, top), (8 + line // 2, top + line // 2), swatch, cv2.FILLED)
        cv2.rectangle(picture, (8, top), (8 + line // 2, top + line // 2), _BLACK, 1)
        text = f"{labels.name(label_id)} {score:.2f}"
        write_text(picture, text, (12 + line // 2, row * line - line // 8), 0.8 * scale)
    if not trained:
        write_text(picture, "UNTRAINED WEIGHTS", (8, height - 8 - line), scale, (255, 120, 120))
    if footer:
        write_text(picture, footer, (8, height - 8), 0.7 * scale)
    return picture


def label_scores(prediction: Prediction) -> dict[int, float]:
    """Return the mean confidence of each label in the mask, background left out."""
    present = np.unique(prediction.mask)
    return {
        int(label_id): float(prediction.confidence[prediction.mask == label_id].mean())
        for label_id in present[present != BACKGROUND]
    }


def text_width(text: str, scale: float) -> int:
    """Return the width of a line of text as `write_text` writes it [px]."""
    size, thickness = _font(scale)
    (width, _), _ = cv2.getTextSize(text, _FONT, size, thickness)
    return int(width)


def write_text(
    picture: Picture,
    text: str,
    origin: tuple[int, int],
    scale: float,
    color: tuple[int, int, int] = _WHITE,
) -> None:
    """Write a line of text with a dark outline, readable on any ground.

    Args:
        picture: (H, W, 3) RGB, written into.
        text: The line.
        origin: Left end of the base line (column, row) [px].
        scale: Size; 1 suits 480 rows.
        color: RGB.
    """
    size, thickness = _font(scale)
    cv2.putText(picture, text, origin, _FONT, size, _BLACK, thickness + 2, cv2.LINE_AA)
    cv2.putText(picture, text, origin, _FONT, size, color, thickness, cv2.LINE_AA)


def _font(scale: float) -> tuple[float, int]:
    """Return size and thickness of letters; scale 1 suits 480 rows."""
    return 0.6 * scale, max(1, round(1.5 * scale))
