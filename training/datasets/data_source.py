# SPDX-License-Identifier: Apache-2.0
"""Data sets by name, and where they are."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.options import Options, option
from affordance_seg_ros.sources.clip import CLIP_JSON
from affordance_seg_ros.training.datasets.clips import clip_folders, scan_clips
from affordance_seg_ros.training.datasets.iit_aff import SPLITS as IIT_SPLITS
from affordance_seg_ros.training.datasets.iit_aff import scan_iit_aff
from affordance_seg_ros.training.datasets.label_map import LabelMap, read_label_map
from affordance_seg_ros.training.datasets.labelled_sequence import Scan
from affordance_seg_ros.training.datasets.sor3d_aff import scan_sor3d_aff
from affordance_seg_ros.training.datasets.umd import ALL as UMD_ALL
from affordance_seg_ros.training.datasets.umd import SPLITS as UMD_SPLITS
from affordance_seg_ros.training.datasets.umd import scan_umd
from affordance_seg_ros.training.datasets.utkinect import scan_utkinect
from affordance_seg_ros.whole_file import user_path

_HELD_OUT = 10
"""One in this many subjects, tools or sequences is held out."""

Scanner = Callable[[Path, str, LabelMap | None, LabelSet], Scan]

KINDS: MappingProxyType[str, Scanner] = MappingProxyType(
    {
        "clips": scan_clips,
        "sor3d_aff": scan_sor3d_aff,
        "umd": scan_umd,
        "iit_aff": scan_iit_aff,
        "utkinect": scan_utkinect,
    }
)
"""Data sets by the names of `DataSource.kind`."""

LISTED_SPLITS: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {"umd": tuple(f"{each}{UMD_ALL}" for each in UMD_SPLITS), "iit_aff": tuple(IIT_SPLITS)}
)
"""Splits that are listed in files, by kind; the lists are not read if all data are used."""


@dataclass(frozen=True)
class DataSource(Options):
    """A part of a data set."""

    kind: str = option("clips", "Layout of the data", choices=tuple(KINDS))
    root: str = option("data/clips", "Folder of the data set")
    split: str = option("train", "Split to use; empty for all")
    label_map: str = option(
        "", "Label map from its labels to the run's: a YAML file, or the name of one in the "
        "package; empty for the data set's usual one",
    )  # fmt: skip
    part: str = option(
        "all", "Part of the split to use: all; every tenth subject (SOR3D-AFF, UTKinect), tool "
        "(UMD) or sequence (held_out); or the others (kept), so that validation does not use the "
        "test data", choices=("all", "kept", "held_out"),
    )  # fmt: skip

    def __str__(self) -> str:
        """Return where the data are and which part is used, for people."""
        part = f", part '{self.part}'" if self.part != "all" else ""
        return f"{self.root} ({self.kind}, split '{self.split}'{part})"

    @property
    def title(self) -> str:
        """Kind and split, for a table."""
        return f"{self.kind}, {self.split or 'all'}"

    def scan(self, labels: LabelSet) -> Scan:
        """Find the sequences of this part, with labels in a run's ids.

        Raises:
            SourceError: The folder does not exist.
            ConfigError: The label map cannot be used with these labels.
        """
        root = user_path(self.root, SourceError)
        if not root.is_dir():
            raise SourceError(f"data set {root}; expected a folder ({self.kind})")
        label_map = read_label_map(self.label_map) if self.label_map else None
        scan = KINDS[self.kind](root, self.split, label_map, labels)
        if self.part == "all":
            return scan
        groups = sorted({each.group or each.name for each in scan.sequences})
        taken = set(groups[::_HELD_OUT])
        if self.part == "kept":
            taken = set(groups) - taken
        sequences = (each for each in scan.sequences if (each.group or each.name) in taken)
        return scan._replace(sequences=tuple(sequences))


def detect_kind(root: Path) -> str:
    """Return the kind of a data set by what its folder holds.

    Raises:
        SourceError: It is none of the known layouts.
    """
    if not root.is_dir():
        raise SourceError(f"data set {root}; expected a folder")
    if (root / "actionLabel.txt").is_file():
        return "utkinect"
    if (root / "affordances_labels").is_dir():
        return "iit_aff"
    if (root / "category_split.txt").is_file() or any(root.glob("tools/*/*_rgb.jpg")):
        return "umd"
    if next(clip_folders(root), None) is not None:
        return "clips"
    if any((root / split).is_dir() for split in ("train", "val")):
        return "sor3d_aff"
    raise SourceError(
        f"{root} is not a known data set; expected clips ({CLIP_JSON}), SOR3D-AFF (train/, val/), "
        "UMD (tools/NAME/*_rgb.jpg), IIT-AFF (affordances_labels/) or UTKinect (actionLabel.txt)"
    )
