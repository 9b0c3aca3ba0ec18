# SPDX-License-Identifier: Apache-2.0
"""Pictures of an evaluation: the confusion of actions, and the best and worst clips."""

from collections.abc import Sequence
from itertools import product

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.labels import IGNORE, LabelSet
from affordance_seg_ros.training.evaluate import Example

Picture = npt.NDArray[np.uint8]

_CELL_PX = 56
_MARGIN_PX = 110
_PANEL_PX = 240
_TITLE_PX = 22
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_confusion(confusion: npt.NDArray[np.int64], labels: LabelSet) -> Picture:
    """Return a picture of the confusion matrix.

    Args:
        confusion: (A, A) number of clips by true (row) and recognised (column) action.
        labels: Names of the actions.
    """
    names = labels.actions
    side = _MARGIN_PX + _CELL_PX * len(names) + 10
    picture = np.full((side, side, 3), 255, np.uint8)
    totals = confusion.sum(1)
    for row, column in product(range(len(names)), repeat=2):
        count = int(confusion[row, column])
        share = count / totals[row] if totals[row] else 0.0
        x, y = _MARGIN_PX + column * _CELL_PX, _MARGIN_PX + row * _CELL_PX
        shade = tuple(int(255 - share * (255 - c)) for c in (0, 90, 160))
        cv2.rectangle(picture, (x, y), (x + _CELL_PX - 2, y + _CELL_PX - 2), shade, -1)
        ink = (255, 255, 255) if share > 0.5 else (0, 0, 0)
        _write(picture, str(count), (x + 8, y + 34), ink)
    for index, name in enumerate(names):
        _write(picture, name, (8, _MARGIN_PX + index * _CELL_PX + 34))
        # Names of columns are staggered, so that neighbours do not touch.
        step = 24 if index % 2 else 0
        _write(picture, name, (_MARGIN_PX + index * _CELL_PX, _MARGIN_PX - 10 - step))
    _write(picture, "true action by row, recognised by column", (8, 20))
    return picture


def draw_examples(best: Sequence[Example], worst: Sequence[Example], labels: LabelSet) -> Picture:
    """Return a page with a row for every clip: picture, truth and mask.

    Args:
        best: Best clips.
        worst: Worst clips.
        labels: Colours of the labels.
    """
    rows = [_row(each, "best", labels) for each in best]
    rows += [_row(each, "worst", labels) for each in worst]
    return np.concatenate(rows or [_title("no clip shows an affordance, and none was marked")])


def _row(example: Example, kind: str, labels: LabelSet) -> Picture:
    panels = [example.color, *(_blend(example.color, ids, labels) for ids in example[3:5])]
    height = round(_PANEL_PX * example.color.shape[0] / example.color.shape[1])
    resized = [
        cv2.resize(each, (_PANEL_PX, height), interpolation=cv2.INTER_AREA) for each in panels
    ]
    title = _title(
        f"{kind}: {example.name}   IoU {example.iou:.2f}   true {example.action or '?'}, "
        f"recognised {example.recognised}"
    )
    return np.concatenate((title, np.concatenate(resized, 1)))


def _title(text: str) -> Picture:
    title = np.full((_TITLE_PX, 3 * _PANEL_PX, 3), 255, np.uint8)
    _write(title, text, (6, 16))
    return title


def _blend(color: Picture, ids: npt.NDArray[np.uint8], labels: LabelSet) -> Picture:
    """Return the picture, darker, with labels in their colours and ignored pixels in grey."""
    palette = labels.colors_rgb.copy()
    palette[IGNORE] = (96, 96, 96)
    shown = (color // 4 + palette[ids] // 4 * 3).astype(np.uint8)
    return np.where((ids > 0)[..., None], shown, color // 2).astype(np.uint8)


def _write(
    picture: Picture, text: str, at: tuple[int, int], ink: tuple[int, int, int] = (0, 0, 0)
) -> None:
    cv2.putText(picture, text, at, _FONT, 0.45, ink, 1, cv2.LINE_AA)
