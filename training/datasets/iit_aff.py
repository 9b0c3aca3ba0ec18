# SPDX-License-Identifier: Apache-2.0
"""IIT-AFF: single pictures of household objects, all parts labelled.

Layout: ``rgb/*.jpg``, ``deep/*.txt`` or ``depth/*.txt`` (metres or millimetres), the ids in
``affordances_labels/*.txt``, and lists ``train_and_val.txt``, ``val.txt``, ``test.txt`` of names
that end in .jpg.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.frames import RgbdFrame
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.training.datasets.label_map import LabelMap, read_label_map
from affordance_seg_ros.training.datasets.labelled_sequence import (
    LabelImage,
    LabelledPicture,
    Problem,
    Scan,
)
from affordance_seg_ros.training.datasets.listing import read_lines
from affordance_seg_ros.training.datasets.picture_file import (
    label_ids,
    read_color,
    read_numbers,
    still_frame,
)

SPLITS = {
    "train": ("train_and_val.txt", "val.txt"),
    "val": ("val.txt", ""),
    "train_and_val": ("train_and_val.txt", ""),
    "test": ("test.txt", ""),
}
"""Split names: the list, and the list of what is left out of it."""

AFFORDANCES = (
    "contain", "cut", "display", "engine", "grasp", "hit", "pound", "support", "w-grasp",
)  # fmt: skip
"""Names of the ids 1 to 9."""
_FOCAL_AT_640_PX = 540.0  # Asus Xtion Pro Live, nominal
_LARGEST_METRES = 50.0
"""Depth files with a larger value are in millimetres."""


class IitPicture(LabelledPicture):
    """One picture with all its affordances."""

    def __init__(self, root: Path, stem: str, label_map: LabelMap, labels: LabelSet) -> None:
        self.name = stem
        depth = "deep" if (root / "deep").is_dir() else "depth"
        self._color = root / "rgb" / f"{stem}.jpg"
        self._depth = root / depth / f"{stem}.txt"
        self._labels = root / "affordances_labels" / f"{stem}.txt"
        for path in (self._color, self._depth, self._labels):
            if not path.is_file():
                raise SourceError(f"{path} is missing")
        self._table = label_map.table(labels)

    def frame(self, index: int) -> RgbdFrame:
        """Return the picture."""
        depth = np.nan_to_num(read_numbers(self._depth), posinf=0.0, neginf=0.0)
        depth_mm = depth if depth.max() > _LARGEST_METRES else 1000 * depth
        return still_frame(
            read_color(self._color),
            np.clip(np.rint(depth_mm), 0, 65535).astype(np.uint16),
            stamp_ns=0,
            focal_length_at_640_px=_FOCAL_AT_640_PX,
        )

    def affordances(self, index: int) -> LabelImage | None:
        """Return the affordance of every pixel."""
        return self._table[label_ids(read_numbers(self._labels), self._labels)]

    def sources(self) -> Iterable[Path]:
        """Return its files."""
        return self._color, self._depth, self._labels


def scan_iit_aff(root: Path, split: str, label_map: LabelMap | None, labels: LabelSet) -> Scan:
    """Find the pictures of a split, one of `SPLITS`; empty for all in rgb/; see `scan_clips`."""
    names = (label_map or read_label_map("iit_aff_to_sor3d")).of(AFFORDANCES, (), labels)
    if split and split not in SPLITS:
        return Scan((), (Problem(root, f"split '{split}'; expected {', '.join(SPLITS)}"),))
    if split:
        try:
            taken, left_out = (_stems(root / name) if name else [] for name in SPLITS[split])
        except SourceError as error:
            return Scan((), (Problem(root, str(error)),))
        without = set(left_out)
        stems = [stem for stem in taken if stem not in without]
    else:
        stems = sorted(path.stem for path in (root / "rgb").glob("*.jpg"))
    sequences, problems = [], []
    for stem in stems:
        try:
            sequences.append(IitPicture(root, stem, names, labels))
        except SourceError as error:
            problems.append(Problem(root / "rgb" / f"{stem}.jpg", str(error)))
    return Scan(tuple(sequences), tuple(problems))


def _stems(listing: Path) -> list[str]:
    """Return the pictures that a list names, without their endings."""
    return [Path(line).stem for line in read_lines(listing) if line]
