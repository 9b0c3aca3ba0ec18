# SPDX-License-Identifier: Apache-2.0
"""The contact sheet: colour, depth, 3D flow, mask and action side by side over time."""

from collections.abc import Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.frames import DepthImage, Prediction
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.pipeline.overlay import blend_mask, label_scores, text_width, write_text

Picture = npt.NDArray[np.uint8]
Item = TypeVar("Item")

_CELL_WIDTH = 240
_CAPTION_HEIGHT = 64
_ROW_TITLES = ("colour", "depth", "3D flow", "mask")
_TITLE_WIDTH = 84
_TITLE_HEIGHT = 34
_TITLE_SCALE = 0.9
_MARGIN = 8
_UNTRAINED = "UNTRAINED WEIGHTS"
_GAP = 4
_INK = (235, 235, 235)
_DIM = (160, 160, 160)
_ALARM = (255, 120, 120)
_GROUND = 24
_CAPTION_LABELS = 2
"""More labels than this, the largest ones, do not fit in a column."""
# Depth is coloured over the middle of its own range: a far wall must not flatten the table.
_DEPTH_PERCENTILES = (2, 90)


class Moment(NamedTuple):
    """One column of the sheet: a frame and its prediction."""

    color: Picture
    depth: DepthImage
    prediction: Prediction


class EvenlyThinned(Generic[Item]):
    """Keeps up to 2 n items spread evenly over a stream of unknown length.

    Args:
        count: n, the number of items that `pick` returns at most.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._stride = 1
        self._seen = 0
        self._kept: list[Item] = []

    def wants_next(self) -> bool:
        """Return whether the next item would be kept; otherwise it need not be made."""
        return self._seen % self._stride == 0

    def add(self, item: Item | None) -> None:
        """Add the next item; it may be None where `wants_next` is false."""
        if self.wants_next():
            if item is None:
                raise ValueError("the next item is wanted; it cannot be None")
            self._kept.append(item)
        self._seen += 1
        if len(self._kept) == 2 * self._count:
            self._kept = self._kept[::2]
            self._stride *= 2

    def pick(self) -> list[Item]:
        """Return up to n items, evenly spread, including the first and the last that were kept."""
        if len(self._kept) <= self._count:
            return list(self._kept)
        indices = np.linspace(0, len(self._kept) - 1, self._count).round().astype(int)
        return [self._kept[index] for index in indices]


def color_depth(depth: DepthImage) -> Picture:
    """Return depth as a picture (H, W, 3), near warm and far cool, black where there is none."""
    depth_m = depth.to_metres()
    seen = np.isfinite(depth_m)
    if not seen.any():
        return np.zeros((*depth_m.shape, 3), np.uint8)
    near, far = np.percentile(depth_m[seen], _DEPTH_PERCENTILES)
    scaled = np.clip((far - depth_m) / max(far - near, 1e-3), 0, 1)
    scaled[~seen] = 0
    levels = (255 * scaled).astype(np.uint8)
    colored = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB)
    colored[~seen] = 0
    return np.asarray(colored, np.uint8)


def draw_contact_sheet(
    moments: Sequence[Moment], labels: LabelSet, *, title: str, trained: bool
) -> Picture:
    """Draw the sheet: a column for each moment, rows for colour, depth, 3D flow, mask and action.

    Args:
        moments: The columns in order of time; at least one.
        labels: Names and colours of the labels.
        title: Line at the top: the recording, the weights.
        trained: False writes UNTRAINED beside the title.

    Returns:
        (H, W, 3) RGB.
    """
    height, width = moments[0].color.shape[:2]
    cell_height = round(_CELL_WIDTH * height / width)
    rows = len(_ROW_TITLES)
    sheet_height = _TITLE_HEIGHT + rows * (cell_height + _GAP) + _CAPTION_HEIGHT
    alarm = "" if trained else _UNTRAINED
    alarm_width = text_width(alarm, _TITLE_SCALE)
    sheet_width = max(
        _TITLE_WIDTH + len(moments) * (_CELL_WIDTH + _GAP),
        text_width(title, _TITLE_SCALE) + alarm_width + 4 * _MARGIN,
    )
    sheet = np.full((sheet_height, sheet_width, 3), _GROUND, np.uint8)
    write_text(sheet, title, (_MARGIN, 23), _TITLE_SCALE, _INK)
    write_text(sheet, alarm, (sheet_width - alarm_width - _MARGIN, 23), _TITLE_SCALE, _ALARM)
    for row, name in enumerate((*_ROW_TITLES, "action")):
        top = _TITLE_HEIGHT + row * (cell_height + _GAP)
        write_text(sheet, name, (_MARGIN, top + 20), 0.8, _INK)
    first_ns = moments[0].prediction.stamp_ns
    for column, moment in enumerate(moments):
        left = _TITLE_WIDTH + column * (_CELL_WIDTH + _GAP)
        for row, picture in enumerate(_pictures(moment, labels)):
            top = _TITLE_HEIGHT + row * (cell_height + _GAP)
            cell = cv2.resize(picture, (_CELL_WIDTH, cell_height), interpolation=cv2.INTER_AREA)
            sheet[top : top + cell_height, left : left + _CELL_WIDTH] = cell
        top = _TITLE_HEIGHT + rows * (cell_height + _GAP)
        seconds = 1e-9 * (moment.prediction.stamp_ns - first_ns)
        for line, (text, ink) in enumerate(_captions(moment.prediction, labels, seconds)):
            write_text(sheet, text, (left + 2, top + 17 + 20 * line), 0.75, ink)
    return sheet


def _pictures(moment: Moment, labels: LabelSet) -> Iterator[Picture]:
    yield moment.color
    yield color_depth(moment.depth)
    yield moment.prediction.flow_color
    yield blend_mask(moment.color, moment.prediction.mask, labels)


def _captions(
    prediction: Prediction, labels: LabelSet, seconds: float
) -> Iterator[tuple[str, tuple[int, int, int]]]:
    action = prediction.action
    yield f"{action.name} {action.score:.2f}", _INK
    areas = np.bincount(prediction.mask.ravel(), minlength=labels.class_count)
    scores = label_scores(prediction)
    largest = sorted(scores, key=lambda label_id: -areas[label_id])[:_CAPTION_LABELS]
    seen = ", ".join(f"{labels.name(label_id)} {scores[label_id]:.2f}" for label_id in largest)
    more = f" +{len(scores) - len(largest)}" if len(scores) > len(largest) else ""
    yield seen + more or "background only", _DIM
    yield f"t = {seconds:.2f} s", _DIM
