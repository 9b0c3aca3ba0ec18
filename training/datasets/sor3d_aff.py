# SPDX-License-Identifier: Apache-2.0
"""SOR3D-AFF: 1201 Kinect clips of nine affordances, the last frame labelled.

Layout: ``<root>/{train,val}/<subject>_<action>_..._<object>/rgb/`` with n frames and four more
files in sorted order, the first of them the mask, the last a hot-spot JSON; next to it ``depth/``
with the n depth pictures (16-bit PNG, millimetres), mapped to colour or the other way round.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.frames import RgbdFrame
from affordance_seg_ros.labels import BACKGROUND, IGNORE, SOR3D_AFF, LabelSet
from affordance_seg_ros.training.datasets.label_map import LabelMap, table_key
from affordance_seg_ros.training.datasets.labelled_sequence import (
    LabelImage,
    LabelledSequence,
    Problem,
    Scan,
)
from affordance_seg_ros.training.datasets.picture_file import (
    read_color,
    read_depth_mm,
    still_frame,
)

SPLITS = ("train", "val")
MASK_COLORS_RGB = {
    "cut": (255, 165, 0),
    "grasp": (0, 255, 0),
    "hammer": (0, 255, 100),
    "lift": (0, 255, 40),
    "paint": (0, 255, 200),
    "push": (120, 255, 240),
    "rotate": (0, 255, 60),
    "squeeze": (0, 255, 160),
    "type": (0, 255, 240),
}
MASK_TOLERANCE = 8
"""Largest difference of a channel from a label's colour: lift and rotate are 20 apart."""

_FILES_AFTER_FRAMES = 4
_PERIOD_NS = 100_000_000
_KINECT2_FOCAL_AT_640_PX = 457.0  # 365.5 px on the 512 columns of the depth camera


class Sor3dSequence(LabelledSequence):
    """One clip; only its last frame is labelled."""

    def __init__(self, folder: Path, label_map: LabelMap, labels: LabelSet) -> None:
        parts = folder.name.split("_")
        if len(parts) < 3:
            raise SourceError(f"name '{folder.name}'; expected <subject>_<action>_..._<object>")
        listing = _files(folder / "rgb")
        self._colors = listing[:-_FILES_AFTER_FRAMES]
        if not self._colors or listing[-1].suffix.lower() != ".json":
            raise SourceError(
                f"rgb/ holds {len(listing)} files; expected frames, then {_FILES_AFTER_FRAMES} "
                "files, of which the first is the mask and the last a JSON file"
            )
        self._mask = listing[len(self._colors)]
        self._depths = [each for each in _files(folder / "depth") if each.suffix == ".png"]
        if len(self._depths) != len(self._colors):
            raise SourceError(
                f"depth/ holds {len(self._depths)} PNG files for {len(self._colors)} frames"
            )
        self.name = folder.name
        if parts[1] not in SOR3D_AFF:
            raise SourceError(f"action '{parts[1]}'; expected one of {', '.join(SOR3D_AFF)}")
        self.action = label_map.action(parts[1], labels)
        self.object_name = parts[-1]
        self.group = parts[0]
        self.cache_folder = folder / "cache"
        self._table = label_map.table(labels)
        self.label_key = table_key(self._table, labels)

    def __len__(self) -> int:
        return len(self._colors)

    def frame(self, index: int) -> RgbdFrame:
        """Return one frame; the clips have no stamps, so the paper's 10 frames/s are assumed."""
        index = range(len(self))[index]
        return still_frame(
            read_color(self._colors[index]),
            read_depth_mm(self._depths[index]),
            stamp_ns=index * _PERIOD_NS,
            focal_length_at_640_px=_KINECT2_FOCAL_AT_640_PX,
        )

    def demonstrated(self, index: int) -> LabelImage | None:
        """Return the label of the last frame; None for the others."""
        if range(len(self))[index] != len(self) - 1:
            return None
        ids = mask_ids(read_color(self._mask))
        if not ((ids != BACKGROUND) & (ids != IGNORE)).any():
            raise SourceError(f"{self._mask} holds no colour of an affordance")
        return self._table[ids]

    def labelled(self, target: str) -> Sequence[int]:
        """Return the number of the last frame, for what is demonstrated."""
        return [len(self) - 1] if target == "demonstrated" else []

    def sources(self) -> Iterable[Path]:
        """Return the clip's pictures and its mask."""
        return (*self._colors, *self._depths, self._mask)


def _files(folder: Path) -> list[Path]:
    """Return the files of a folder by name, without hidden ones; none if it is missing."""
    if not folder.is_dir():
        return []
    return sorted(each for each in folder.iterdir() if each.is_file() and each.name[0] != ".")


def mask_ids(mask: LabelImage) -> LabelImage:
    """Return the (H, W) label ids of an (H, W, 3) RGB mask.

    White and black are background: the masks are black where depth is not valid. A colour that
    belongs to no label, such as one made by JPEG or a bilinear resize, is ignored.
    """
    colors, inverse = np.unique(mask.reshape(-1, 3), axis=0, return_inverse=True)
    known = {name: index + 1 for index, name in enumerate(SOR3D_AFF)}
    ids = np.full(len(colors), IGNORE, np.uint8)
    palette = [(known[name], rgb) for name, rgb in MASK_COLORS_RGB.items()]
    palette += [(BACKGROUND, (255, 255, 255)), (BACKGROUND, (0, 0, 0))]
    for label_id, rgb in palette:
        ids[np.abs(colors.astype(int) - rgb).max(1) <= MASK_TOLERANCE] = label_id
    return ids[inverse.ravel()].reshape(mask.shape[:2])


def scan_sor3d_aff(root: Path, split: str, label_map: LabelMap | None, labels: LabelSet) -> Scan:
    """Find the clips of a split (``train`` or ``val``; empty for both); see `scan_clips`."""
    names = LabelMap.same_names(LabelSet())
    if label_map is not None:
        names = label_map.of(SOR3D_AFF, SOR3D_AFF, labels)
    if split and split not in SPLITS:
        accepted = f"expected {', '.join(SPLITS)}, or '' for both"
        return Scan((), (Problem(root, f"split '{split}'; {accepted}"),))
    sequences, problems = [], []
    for each in [split] if split else SPLITS:
        if not (root / each).is_dir():
            problems.append(Problem(root / each, "is missing"))
            continue
        for folder in sorted(path for path in (root / each).iterdir() if path.is_dir()):
            try:
                if not (folder / "rgb").is_dir():
                    raise SourceError("lacks the folder rgb")
                sequences.append(Sor3dSequence(folder, names, labels))
            except SourceError as error:
                problems.append(Problem(folder, str(error)))
    return Scan(tuple(sequences), tuple(problems))
