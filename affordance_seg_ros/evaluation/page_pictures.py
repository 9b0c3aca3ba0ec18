# SPDX-License-Identifier: Apache-2.0
"""The pictures of a report page, as JPEGs within a fixed number of bytes."""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.evaluation.contact_sheet import EvenlyThinned
from affordance_seg_ros.evaluation.run_history import FrameNote

Picture = npt.NDArray[np.uint8]

_FILM_FRAMES = 150
_FILM_BYTES = 2_200_000
"""In base64 this is 2.9 MB."""
_FILM_WIDTH = 480
_WORST = 6
_WORST_WIDTH = 640
_WORST_BYTES = 60_000
_QUALITIES = (70, 45, 25, 10)
_APART_S = 0.5
"""At most one frame of each interval of this length is kept, or all would show one moment."""


class Still(NamedTuple):
    """A picture of the page: its frame number, and a JPEG."""

    frame: int
    jpeg: bytes


class Film:
    """Frames spread evenly over a run of any length, within bounds of number and bytes."""

    def __init__(self) -> None:
        self._stills: EvenlyThinned[Still] = EvenlyThinned(_FILM_FRAMES)

    def wants_next(self) -> bool:
        """Return whether the next frame would be kept; otherwise its picture need not be made."""
        return self._stills.wants_next()

    def add(self, index: int, picture: Picture | None) -> None:
        """Add the next frame (H, W, 3) RGB; it may be None where `wants_next` is false."""
        still = None if picture is None else Still(index, to_jpeg(picture, _FILM_WIDTH))
        self._stills.add(still)

    def stills(self) -> list[Still]:
        """Return the frames that fit, evenly spread, in order of time."""
        found = self._stills.pick()
        while len(found) > 1 and sum(len(still.jpeg) for still in found) > _FILM_BYTES:
            found = found[::2]
        return found


class WorstFrames:
    """The frames with the highest badness, at most one of each moment.

    Args:
        count: How many are kept.
    """

    def __init__(self, count: int = _WORST) -> None:
        self._count = count
        self._of_moment: dict[int, tuple[float, Still]] = {}

    def wants(self, stamp_ns: int, badness: float) -> bool:
        """Return whether a frame would be kept; otherwise its picture need not be made."""
        if np.isnan(badness):
            return False
        held = self._of_moment.get(_moment(stamp_ns))
        if held is not None:
            return badness > held[0]
        return len(self._of_moment) < self._count or badness > self._least()[0]

    def add(self, stamp_ns: int, badness: float, index: int, picture: Picture) -> None:
        """Keep a frame that is wanted; one that is less bad makes way for it."""
        still = Still(index, to_jpeg(picture, _WORST_WIDTH, limit=_WORST_BYTES))
        self._of_moment[_moment(stamp_ns)] = (badness, still)
        if len(self._of_moment) > self._count:
            del self._of_moment[self._least()[1]]

    def stills(self) -> list[Still]:
        """Return the frames, the worst one first."""
        ranked = sorted(self._of_moment.values(), key=lambda kept: -kept[0])
        return [still for _, still in ranked]

    def _least(self) -> tuple[float, int]:
        return min((badness, moment) for moment, (badness, _) in self._of_moment.items())


class Badness(NamedTuple):
    """A measure of how bad a frame is, with its title on the page."""

    title: str
    value: float


def badness_measures(note: FrameNote, labelled: bool) -> tuple[Badness, ...]:
    """Return the measures by which a frame is judged; NaN where one does not apply.

    Args:
        note: The frame.
        labelled: Whether the run has labels at all.
    """
    if labelled:
        return (Badness("Lowest IoU", 1 - note.iou),)
    return (
        Badness("Slowest", note.duration_ms),
        Badness("Least confident", 1 - note.confidence),
    )


def to_jpeg(picture: Picture, width: int, *, limit: int = 0) -> bytes:
    """Return a picture (H, W, 3) RGB as a JPEG no wider than `width`.

    Args:
        picture: The picture.
        width: Largest width [px].
        limit: Bytes above which the quality is lowered; 0 for none.
    """
    rows, columns = picture.shape[:2]
    if columns > width:
        size = (width, max(1, round(rows * width / columns)))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    data = b""
    for quality in _QUALITIES:
        data = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, quality))[1].tobytes()
        if not limit or len(data) <= limit:
            break
    return data


def _moment(stamp_ns: int) -> int:
    return int(stamp_ns // round(1e9 * _APART_S))
