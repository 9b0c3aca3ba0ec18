# SPDX-License-Identifier: Apache-2.0
"""UMD part affordance: single pictures of tools on a turntable, all parts labelled.

Layout: ``tools/<tool>_<NN>/<tool>_<NN>_<frame:08d>_{rgb.jpg,depth.png,label.mat,label_rank.mat}``,
``category_split.txt`` and ``novel_split.txt`` with lines ``<1|2> <tool>_<NN>``. Despite its name,
the first splits by instances of a category and the second by categories. A third of the pictures
was labelled by hand (``gt_type`` in ``label.mat``); the others took their labels from neighbours,
and the data set's publication neither trains nor tests with them.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

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
    read_depth_mm,
    still_frame,
)

SPLITS = {
    "train": ("category_split.txt", "1"),
    "test": ("category_split.txt", "2"),
    "novel_train": ("novel_split.txt", "1"),
    "novel_test": ("novel_split.txt", "2"),
}
"""Split names: file and number in its first column; only pictures labelled by hand are taken."""

ALL = "_all"
"""Ending of a split's name with which all pictures of its tools are taken."""

AFFORDANCES = ("grasp", "cut", "scoop", "contain", "pound", "support", "wrap-grasp")
"""Names of the ids 1 to 7."""
_KINECT1_FOCAL_AT_640_PX = 525.0
_PARTS = ("rgb.jpg", "depth.png", "label.mat")


class UmdPicture(LabelledPicture):
    """One picture with all its affordances."""

    def __init__(self, stem: Path, label_map: LabelMap, labels: LabelSet) -> None:
        self.name = stem.name
        self.group = stem.parent.name
        self._stem = stem
        self._table = label_map.table(labels)

    def frame(self, index: int) -> RgbdFrame:
        """Return the picture."""
        return still_frame(
            read_color(self._part("rgb.jpg")),
            read_depth_mm(self._part("depth.png")),
            stamp_ns=0,
            focal_length_at_640_px=_KINECT1_FOCAL_AT_640_PX,
        )

    def affordances(self, index: int) -> LabelImage | None:
        """Return the most likely affordance of every pixel."""
        path = self._part("label.mat")
        label = _read_label(path, "gt_label")
        if label is None:
            raise SourceError(f"{path} lacks gt_label")
        return self._table[label_ids(label, path)]

    def sources(self) -> Iterable[Path]:
        """Return its files."""
        return [self._part(each) for each in _PARTS]

    def labelled_by_hand(self) -> bool:
        """Return whether a person labelled it, or nothing says that its label is a neighbour's.

        Raises:
            SourceError: Its label is damaged.
        """
        how = _read_label(self._part("label.mat"), "gt_type")
        return how is None or str(np.squeeze(how)) != "automatic"

    def _part(self, suffix: str) -> Path:
        return self._stem.with_name(f"{self._stem.name}_{suffix}")


def scan_umd(root: Path, split: str, label_map: LabelMap | None, labels: LabelSet) -> Scan:
    """Find the pictures of a split; see `scan_clips`.

    Args:
        root: Folder of the data set.
        split: One of `SPLITS`, the same followed by `ALL`, or empty for all pictures of all tools.
        label_map: How its affordances become the run's; None for `umd_to_sor3d`.
        labels: The run's affordances.
    """
    names = (label_map or read_label_map("umd_to_sor3d")).of(AFFORDANCES, (), labels)
    sequences, problems = [], []
    try:
        tools = _tools(root, split.removesuffix(ALL))
    except SourceError as error:
        return Scan((), (Problem(root, str(error)),))
    for tool in tools:
        folder = root / "tools" / tool
        pictures = sorted(folder.glob("*_rgb.jpg"))
        if not pictures:
            problems.append(Problem(folder, "holds no *_rgb.jpg"))
        for picture in pictures:
            stem = picture.with_name(picture.name.removesuffix("_rgb.jpg"))
            missing = [p for p in _PARTS if not stem.with_name(f"{stem.name}_{p}").is_file()]
            if missing:
                problems.append(Problem(stem, f"lacks {', '.join(missing)}"))
            else:
                sequences.append(UmdPicture(stem, names, labels))
    left_out = ""
    if split and not split.endswith(ALL):
        found = len(sequences)
        sequences, damaged = _labelled_by_hand(sequences)
        problems += (Problem(root, each) for each in damaged)
        if others := found - len(sequences) - len(damaged):
            left_out = (
                f"{others} in {root} with labels taken from their neighbours; expected split "
                f"'{split}{ALL}' to include them"
            )
    return Scan(tuple(sequences), tuple(problems), left_out=left_out)


def _labelled_by_hand(pictures: list[UmdPicture]) -> tuple[list[UmdPicture], list[str]]:
    """Return those that a person labelled, and what is wrong with the labels that are damaged."""
    from tqdm import tqdm

    by_hand, damaged = [], []
    for picture in tqdm(pictures, unit="label", desc="umd", delay=2.0, leave=False):
        try:
            if picture.labelled_by_hand():
                by_hand.append(picture)
        except SourceError as error:
            damaged.append(str(error))
    return by_hand, damaged


def _read_label(path: Path, name: str) -> npt.NDArray[Any] | None:
    """Return one variable of a MATLAB file; None if the file lacks it.

    Raises:
        SourceError: The file is damaged.
    """
    from scipy.io import loadmat

    try:
        value: npt.NDArray[Any] | None = loadmat(path, variable_names=(name,)).get(name)
    except Exception as error:  # scipy has no common base for errors of damaged files
        raise SourceError(f"{path} is damaged: {error}") from None
    return value


def _tools(root: Path, split: str) -> list[str]:
    if not split:
        return sorted(path.name for path in (root / "tools").glob("*") if path.is_dir())
    if split not in SPLITS:
        raise SourceError(f"split '{split}'; expected one of {', '.join(SPLITS)}")
    file, number = SPLITS[split]
    rows = [line.split() for line in read_lines(root / file) if line]
    wrong = [row for row in rows if len(row) != 2 or row[0] not in ("1", "2")]
    if wrong:
        raise SourceError(f"{file}: line '{' '.join(wrong[0])}'; expected '<1|2> <tool>_<NN>'")
    return [tool for which, tool in rows if which == number]
