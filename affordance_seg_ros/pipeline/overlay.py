# SPDX-License-Identifier: Apache-2.0
"""A picture for people: the mask over the colour image, with legend, action and weights."""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.frames import Prediction
from affordance_seg_ros.labels import BACKGROUND, LabelSet
from affordance_seg_ros.readable import readable

Picture = npt.NDArray[np.uint8]
Ink = tuple[int, int, int]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WHITE = (255, 255, 255)
_BLACK = (0, 0, 0)
_ALARM = (255, 150, 150)
_LEAST_SCALE = 0.65
_GROUND_LIGHT = 0.45
"""Share of the picture's brightness that is left under a legend."""


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
    left, top, columns, rows = cv2.boundingRect(mask)
    window = (slice(top, top + rows), slice(left, left + columns))
    painted = mask[window]
    if not painted.size:
        return blended
    tint = labels.colors_rgb[painted]
    mixed = cv2.addWeighted(tint, opacity, color[window], 1 - opacity, 0)
    width = 1 + 2 * max(1, round(min(color.shape[:2]) / 480))
    # The lowest label id wins: each line lies within its label, and none in the background.
    inner = cv2.erode(mask, np.ones((width, width), np.uint8))[window]
    border = inner != painted
    mixed[border] = tint[border]
    cv2.copyTo(mixed, painted, blended[window])  # background is 0 and not copied
    return blended


def draw_overlay(
    color: Picture, prediction: Prediction, labels: LabelSet, *, trained: bool, footer: str = ""
) -> Picture:
    """Return the colour picture with mask, legend of the labels seen, action and scores.

    Args:
        color: (H, W, 3) RGB, the frame that was predicted.
        prediction: The pipeline's prediction for it.
        labels: Names and colours.
        trained: False writes UNTRAINED WEIGHTS on the picture.
        footer: A last line, such as the latency.
    """
    picture = blend_mask(color, prediction.mask, labels)
    height, width = picture.shape[:2]
    # Letters smaller than seven pixels cannot be read, so small pictures get larger ones.
    scale = max(min(height / 480, width / 640), _LEAST_SCALE)
    action = prediction.action
    lines = [_Line(f"action: {action.name} {action.score:.2f}")]
    for label_id, score in label_scores(prediction).items():
        red, green, blue = labels.colors_rgb[label_id].tolist()
        lines.append(_Line(f"{labels.name(label_id)} {score:.2f}", swatch=(red, green, blue)))
    _write_panel(picture, lines, scale, at_bottom=False)
    status = [] if trained else [_Line("UNTRAINED WEIGHTS", ink=_ALARM)]
    _write_panel(picture, status + [_Line(footer)] * bool(footer), scale, at_bottom=True)
    return picture


class _Line(NamedTuple):
    """A line of text, with a square of a label's colour before it."""

    text: str
    ink: Ink = _WHITE
    swatch: Ink | None = None


def _write_panel(picture: Picture, lines: list[_Line], scale: float, *, at_bottom: bool) -> None:
    """Write lines on a darkened panel in the left corner, at the top or at the bottom."""
    if not lines:
        return
    height, width = picture.shape[:2]
    margin, step = round(6 * scale), round(22 * scale)
    square = round(0.6 * step)
    indents = [0 if line.swatch is None else square + margin for line in lines]
    columns = max(
        indent + text_width(line.text, scale) for indent, line in zip(indents, lines, strict=True)
    )
    rows = min(step * len(lines) + margin, height)
    top = height - rows if at_bottom else 0
    ground = picture[top : top + rows, : min(columns + 3 * margin, width)]
    ground[:] = (_GROUND_LIGHT * ground).astype(np.uint8)
    for number, (indent, line) in enumerate(zip(indents, lines, strict=True), start=1):
        base = top + number * step + margin // 2 - round(0.2 * step)
        if line.swatch is not None:
            corner, opposite = (margin, base - square), (margin + square, base)
            cv2.rectangle(picture, corner, opposite, line.swatch, cv2.FILLED)
            cv2.rectangle(picture, corner, opposite, _WHITE, 1)
        write_text(picture, line.text, (margin + indent, base), scale, line.ink)


def label_scores(prediction: Prediction) -> dict[int, float]:
    """Return the mean confidence of each label in the mask, except background."""
    mask, confidence = prediction.mask, prediction.confidence
    # OpenCV's histogram and mean take a tenth of the time of NumPy's sorting and selecting.
    present = np.flatnonzero(cv2.calcHist([mask], [0], None, [256], [0, 256]))
    return {
        int(label_id): float(cv2.mean(confidence, (mask == label_id).view(np.uint8))[0])
        for label_id in present[present != BACKGROUND]
    }


def text_width(text: str, scale: float) -> int:
    """Return the width of a line of text as `write_text` writes it [px]."""
    size, thickness = _font(scale)
    (width, _), _ = cv2.getTextSize(readable(text), _FONT, size, thickness)
    return int(width)


def write_text(
    picture: Picture,
    text: str,
    origin: tuple[int, int],
    scale: float,
    color: Ink = _WHITE,
) -> None:
    """Write a line of text with a dark outline, readable on any background.

    Args:
        picture: (H, W, 3) RGB, modified in place.
        text: The line.
        origin: Left end of the baseline (column, row) [px].
        scale: Size; 1 suits 480 rows.
        color: RGB.
    """
    size, thickness = _font(scale)
    text = readable(text)
    cv2.putText(picture, text, origin, _FONT, size, _BLACK, thickness + 2, cv2.LINE_AA)
    cv2.putText(picture, text, origin, _FONT, size, color, thickness, cv2.LINE_AA)


def _font(scale: float) -> tuple[float, int]:
    """Return size and thickness of letters; scale 1 suits 480 rows."""
    return 0.6 * scale, max(1, round(1.5 * scale))
