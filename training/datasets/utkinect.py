# SPDX-License-Identifier: Apache-2.0
"""UTKinect-Action3D: whole-body actions, to pre-train the RGB-D stream.

Layout: ``RGB/s01_e01/colorImg<frame>.jpg`` (640x480), ``depth/s01_e01/depthImg<frame>.xml``
(320x240, OpenCV's XML of an image), and ``actionLabel.txt``: blocks of a line ``s01_e01`` and ten
lines ``<action>: <first frame> <last frame>``, NaN where an action was not recorded. Frame numbers
have gaps. Colour and depth are not registered: both are treated as the same view.
"""

import math
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.frames import RgbdFrame
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.training.datasets.label_map import LabelMap
from affordance_seg_ros.training.datasets.labelled_sequence import (
    LabelledSequence,
    Problem,
    Scan,
)
from affordance_seg_ros.training.datasets.listing import read_lines
from affordance_seg_ros.training.datasets.picture_file import read_color, still_frame

ACTIONS = (
    "walk", "sitDown", "standUp", "pickUp", "carry", "throw", "push", "pull", "waveHands",
    "clapHands",
)  # fmt: skip
SPLITS = ("", "odd", "even")
_PERIOD_NS = 66_666_667  # 15 frames/s, as published
_KINECT1_FOCAL_AT_640_PX = 525.0
_FARTHEST_MM = 10_000
_PLAYER_BITS = 3


class UtKinectSequence(LabelledSequence):
    """One action of one take."""

    def __init__(self, root: Path, take: str, action: str, first: int, last: int) -> None:
        colors = _numbered(root / "RGB" / take, "colorImg*.jpg")
        depths = _numbered(root / "depth" / take, "depthImg*.xml")
        both = sorted(number for number in colors.keys() & depths.keys() if first <= number <= last)
        if not both:
            raise SourceError(
                f"{action} of {take}: no frame from {first} to {last} has both pictures"
            )
        self.name = f"{take}_{action}"
        self.action = action
        self.group = take.split("_")[0]
        self.cache_folder = None
        self._frames = [(number, colors[number], depths[number]) for number in both]

    def __len__(self) -> int:
        return len(self._frames)

    def frame(self, index: int) -> RgbdFrame:
        """Return one frame at the depth camera's size."""
        number, color_path, depth_path = self._frames[index]
        depth_mm = read_depth_xml(depth_path)
        height, width = depth_mm.shape
        color = cv2.resize(read_color(color_path), (width, height), interpolation=cv2.INTER_AREA)
        return still_frame(
            np.asarray(color, np.uint8),
            depth_mm,
            stamp_ns=number * _PERIOD_NS,
            focal_length_at_640_px=_KINECT1_FOCAL_AT_640_PX,
        )


def read_depth_xml(path: Path) -> npt.NDArray[np.uint16]:
    """Return the (H, W) uint16 depth [mm] of a file of OpenCV's XML storage.

    It is written as an image (``width``, ``height``), which OpenCV itself no longer reads, or as a
    matrix (``cols``, ``rows``). A Kinect of the first generation sees no farther than 10 m: larger
    values are its SDK's packed depth, millimetres above three bits with the player's number.

    Raises:
        SourceError: The file is missing, damaged, or holds no 16-bit picture.
    """
    if not path.is_file():
        raise SourceError(f"{path} is missing")
    try:
        node = next(iter(ElementTree.parse(path).getroot()))
        width, height = int(_text(node, "width", "cols")), int(_text(node, "height", "rows"))
        numbers = np.array(_text(node, "data").split(), np.int64).reshape(height, width)
    except StopIteration:
        raise SourceError(f"{path} is damaged: it is empty") from None
    except (OSError, ValueError, ElementTree.ParseError) as error:
        raise SourceError(f"{path} is damaged: {error}") from None
    if not numbers.size or numbers.min() < 0 or numbers.max() > np.iinfo(np.uint16).max:
        raise SourceError(f"{path} holds no 16-bit picture")
    depth = numbers.astype(np.uint16)
    return depth >> _PLAYER_BITS if depth.max() > _FARTHEST_MM else depth


def _text(node: ElementTree.Element, *names: str) -> str:
    """Return the text of the first element of these names that exists."""
    for name in names:
        if text := node.findtext(name):
            return text
    raise ValueError(f"it lacks {' and '.join(names)}")


def scan_utkinect(root: Path, split: str, label_map: LabelMap | None, labels: LabelSet) -> Scan:
    """Find all actions of all takes; there are no splits, and no affordances.

    Args:
        root: Folder of the data set.
        split: Wanted takes: ``odd`` or ``even`` subjects; empty for all.
        label_map: Not used: the actions keep their own names.
        labels: Not used.
    """
    if split not in SPLITS:
        return Scan((), (Problem(root, f"split '{split}'; expected odd, even, or '' for all"),))
    listing = root / "actionLabel.txt"
    try:
        lines = read_lines(listing)
    except SourceError as error:
        return Scan((), (Problem(root, str(error)),))
    sequences, problems = [], []
    take = ""
    for number, line in enumerate(lines, 1):
        words = line.replace(":", " ").split()
        if not words:
            continue
        if len(words) == 1:
            take = words[0]
            continue
        try:
            span = _span(words)
            if not take or words[0] not in ACTIONS:
                raise ValueError
            if span and _wanted(take, split):
                sequences.append(UtKinectSequence(root, take, words[0], *span))
        except (ValueError, OverflowError):
            what = f"line {number} '{line}'; expected '<action>: <first> <last>', below a take"
            problems.append(Problem(listing, what))
        except SourceError as error:
            problems.append(Problem(listing, str(error)))
    return Scan(tuple(sequences), tuple(problems))


def _span(words: list[str]) -> tuple[int, int] | None:
    """Return first and last frame of an action; None if it is marked as not recorded."""
    _, first, last = words
    if math.isnan(float(first)) or math.isnan(float(last)):
        return None
    return int(float(first)), int(float(last))


def _wanted(take: str, split: str) -> bool:
    digits = "".join(filter(str.isdigit, take.split("_")[0]))
    odd = bool(digits) and int(digits) % 2 == 1
    return not split or odd == (split == "odd")


def _numbered(folder: Path, pattern: str) -> dict[int, Path]:
    """Return the files of a folder by the number in their names."""
    found = {}
    for path in folder.glob(pattern):
        digits = "".join(filter(str.isdigit, path.stem))
        if digits:
            found[int(digits)] = path
    return found
