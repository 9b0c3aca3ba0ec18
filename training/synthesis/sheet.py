# SPDX-License-Identifier: Apache-2.0
"""A contact sheet of a rendered clip: colour, depth, true motion and labels over time."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.training.synthesis.filming import FilmedFrame

Picture = npt.NDArray[np.uint8]

_COLUMNS = 7
_CELL_WIDTH = 240
_FLOW_RANGE_M = 0.05
_DEPTH_SPAN_M = 1.2


def moments(frames: int) -> list[int]:
    """Return the numbers of the frames that a sheet shows: seven, evenly spread."""
    chosen = np.linspace(0, frames - 1, min(_COLUMNS, frames)).round().astype(int)
    return [int(number) for number in chosen]


def draw_sheet(frames: Sequence[FilmedFrame], labels: LabelSet, title: str) -> Picture:
    """Return a picture of some moments; rows are colour, depth, motion, and both labels.

    Args:
        frames: The frames that are shown, those of `moments` of a clip.
        labels: Colours of the label ids.
        title: Line above everything.

    Returns:
        (H, W, 3) RGB.
    """
    columns = []
    for frame in frames:
        cells = [
            frame.color,
            _depth_picture(frame.depth_mm),
            _motion_picture(frame),
            _labelled(frame.color, frame.labels, labels),
            _labelled(frame.color, frame.affordances, labels),
        ]
        columns.append(np.concatenate([_cell(cell) for cell in cells]))
    body = np.concatenate(columns, 1)
    head = np.full((26, body.shape[1], 3), 24, np.uint8)
    cv2.putText(head, title, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (235,) * 3, 1, cv2.LINE_AA)
    return np.concatenate([head, body])


def _cell(picture: Picture) -> Picture:
    height = round(_CELL_WIDTH * picture.shape[0] / picture.shape[1])
    return np.asarray(cv2.resize(picture, (_CELL_WIDTH, height), interpolation=cv2.INTER_AREA))


def _depth_picture(depth_mm: npt.NDArray[np.uint16]) -> Picture:
    """Return depth from the nearest point on, near warm and far cool, black where there is none."""
    seen = depth_mm > 0
    depth_m = depth_mm / 1000
    near = float(np.percentile(depth_m[seen], 2)) if seen.any() else 0.0
    share = np.clip(1 - (depth_m - near) / _DEPTH_SPAN_M, 0, 1)
    colored = cv2.applyColorMap((255 * share).astype(np.uint8), cv2.COLORMAP_TURBO)
    picture = np.ascontiguousarray(colored[..., ::-1])
    picture[~seen] = 0
    return picture


def _motion_picture(frame: FilmedFrame) -> Picture:
    """Return true motion, grey where still, white where hidden in the next frame."""
    if frame.motion_m is None or frame.occluded is None:
        return np.full((*frame.labels.shape, 3), 128, np.uint8)
    share = np.clip(0.5 + frame.motion_m / (2 * _FLOW_RANGE_M), 0, 1)
    picture = (255 * share).astype(np.uint8)
    picture[frame.occluded] = 255
    return picture


def _labelled(color: Picture, ids: npt.NDArray[np.uint8], labels: LabelSet) -> Picture:
    picture = color.copy()
    on = ids > 0
    picture[on] = (0.3 * color[on] + 0.7 * labels.colors_rgb[ids[on]]).astype(np.uint8)
    return picture
