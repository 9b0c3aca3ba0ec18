# SPDX-License-Identifier: Apache-2.0
"""Clip folders: rendered, recorded or converted."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from affordance_seg_ros.errors import AffordanceError, SourceError
from affordance_seg_ros.frames import RgbdFrame
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.sources.clip import CLIP_JSON, Clip, read_clip
from affordance_seg_ros.training.datasets.label_map import LabelMap, table_key
from affordance_seg_ros.training.datasets.labelled_sequence import (
    LabelImage,
    LabelledSequence,
    Problem,
    Scan,
)


class ClipSequence(LabelledSequence):
    """A clip, with its labels in the run's ids."""

    def __init__(self, clip: Clip, label_map: LabelMap, labels: LabelSet) -> None:
        self.name = clip.path.name
        self.cache_folder = clip.path / "cache"
        self.action = label_map.action(clip.info.action, labels)
        self.object_name = clip.info.object_name
        self.interaction = clip.info.interaction
        self.split = clip.info.split
        self.clip = clip
        self._table = label_map.table(labels)
        self.label_key = table_key(self._table, labels)

    def __len__(self) -> int:
        return len(self.clip)

    def frame(self, index: int) -> RgbdFrame:
        """Return one frame."""
        return self.clip.frame(index)

    def frame_size(self) -> tuple[int, int]:
        """Return width and height of the frames [px]."""
        return self.clip.info.camera.width, self.clip.info.camera.height

    def demonstrated(self, index: int) -> LabelImage | None:
        """Return the label of the demonstrated affordance."""
        return self._translated(self.clip.labels(index))

    def affordances(self, index: int) -> LabelImage | None:
        """Return the affordance of every part."""
        return self._translated(self.clip.affordances(index))

    def labelled(self, target: str) -> Sequence[int]:
        """Return the numbers of the frames that have a label."""
        return self.clip.labelled("affordances" if target == "affordances" else "labels")

    def sources(self) -> Iterable[Path]:
        """Return the clip's pictures and labels."""
        yield self.clip.path
        for name in (CLIP_JSON, "label.png", "affordances.png"):
            yield self.clip.path / name
        for name in ("color", "depth", "labels", "affordances"):
            yield self.clip.path / name
            yield from (self.clip.path / name).glob("*")

    def _translated(self, label: LabelImage | None) -> LabelImage | None:
        return None if label is None else self._table[label]


def clip_folders(root: Path) -> Iterator[Path]:
    """Yield the folder of every finished clip in a folder and below, in order of names.

    Links are followed; each clip is yielded once. A writer's unfinished folder begins with a dot.

    Args:
        root: Folder.
    """
    seen: set[Path] = set()
    for place, folders, files in os.walk(root, followlinks=True):
        real = Path(place).resolve()
        if real in seen:
            folders.clear()  # a link to a folder above would loop for ever
            continue
        seen.add(real)
        if CLIP_JSON in files:
            folders.clear()
            yield Path(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))


def scan_clips(root: Path, split: str, label_map: LabelMap | None, labels: LabelSet) -> Scan:
    """Find all clips in a folder and the folders in it, in order of their names.

    Args:
        root: Folder.
        split: Wanted split, such as ``train``; empty for all.
        label_map: How the clips' labels become the run's; None if the names are the same.
        labels: Affordances and actions of the run.
    """
    sequences, problems = [], []
    others: Counter[str] = Counter()
    for folder in clip_folders(root):
        try:
            clip = read_clip(folder)
            if split and clip.info.split != split:
                others[clip.info.split] += 1
                continue
            if not (folder / "color").is_dir():
                bag = any(folder.glob("*.mcap")) or any(folder.glob("*.db3"))
                came = "a bag" if bag else "no folder color/"
                raise SourceError(f"{came}; expected a clip folder with color/ and depth/")
            own = clip.info.labels
            names = LabelMap.same_names(own)
            if label_map is not None:
                names = label_map.of(own.affordances, own.actions, labels)
            sequences.append(ClipSequence(clip, names, labels))
        except AffordanceError as error:
            problems.append(Problem(folder / CLIP_JSON, str(error)))
    left_out = ""
    if without := others.get(""):
        left_out = (
            f'{without} without a split in {root}; expected "split": "{split}" in {CLIP_JSON}, '
            "or an empty split, which takes all"
        )
    return Scan(tuple(sequences), tuple(problems), others, left_out)
