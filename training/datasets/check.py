# SPDX-License-Identifier: Apache-2.0
"""What a data set holds and what is wrong with it, file by file."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from affordance_seg_ros.camera import check_lens
from affordance_seg_ros.errors import AffordanceError
from affordance_seg_ros.frames import RgbdFrame
from affordance_seg_ros.labels import IGNORE, LabelSet
from affordance_seg_ros.training.datasets.data_source import KINDS, LISTED_SPLITS, detect_kind
from affordance_seg_ros.training.datasets.label_map import LabelMap
from affordance_seg_ros.training.datasets.labelled_sequence import (
    LabelledSequence,
    Problem,
    check_label_size,
)

_SPLITS = {"train", "val", "test", ""}
_PERIODS_S = (0.06, 0.15)
"""Accepted range of a clip's frame period: the robot's network sees frames 0.1 s apart."""


class DataReport(NamedTuple):
    """The result of reading every file of a data set.

    Attributes:
        kind: Layout of the data.
        sequences: Number of usable sequences.
        frames: Number of their frames.
        labelled_frames: Number of those with a label.
        actions: Number of sequences by action; the empty name stands for unknown.
        splits: Number of sequences by split, if they state it themselves.
        pixel_share: Share of each label in all labelled pixels, by name; for frames with both kinds
            of labels, the demonstrated one counts.
        ignored_share: Share of the pixels of all labels that are ignored: what a label map leaves
            out, and ids and colours that belong to no label.
        problems: What is wrong.
    """

    kind: str
    sequences: int
    frames: int
    labelled_frames: int
    actions: dict[str, int]
    splits: dict[str, int]
    pixel_share: dict[str, float]
    ignored_share: float
    problems: tuple[Problem, ...]

    def document(self) -> dict[str, Any]:
        """Return JSON values."""
        return {**self._asdict(), "problems": [str(each) for each in self.problems]}


def check_data(
    root: Path, labels: LabelSet, label_map: LabelMap | None = None, *, progress: bool = True
) -> DataReport:
    """Read every file of a data set.

    Args:
        root: Folder of the data set; its layout is detected.
        labels: Affordances and actions that the labels are mapped to.
        label_map: How they are mapped; None for the data set's usual map.
        progress: Whether to show a progress bar.

    Raises:
        SourceError: The folder does not exist or has none of the known layouts.
    """
    from tqdm import tqdm

    kind = detect_kind(root)
    scan = KINDS[kind](root, "", label_map, labels)
    problems = list(scan.problems)
    for split in LISTED_SPLITS.get(kind, ()):
        problems += KINDS[kind](root, split, label_map, labels).problems
    counts = _Counts()
    for sequence in tqdm(scan.sequences, unit="sequence", desc=kind, disable=not progress):
        wrong = counts.add(sequence, of_video=kind == "clips")
        problems += [Problem(Path(sequence.name), each) for each in wrong]
    problems += [
        Problem(root, f"split '{split}'; expected train, val, test or none")
        for split in sorted(counts.splits.keys() - _SPLITS)
    ]
    if not scan.sequences and not problems:
        problems.append(Problem(root, f"holds no sequence of the layout {kind}"))
    pixels = counts.pixels
    counted = max(1, int(pixels[:IGNORE].sum()))
    share = {labels.name(i): pixels[i] / counted for i in range(labels.class_count) if pixels[i]}
    return DataReport(
        kind,
        len(scan.sequences),
        counts.frames,
        counts.labelled,
        dict(counts.actions),
        dict(counts.splits) if any(counts.splits) else {},
        share,
        pixels[IGNORE] / max(1, int(pixels.sum())),
        tuple(dict.fromkeys(problems)),
    )


@dataclass
class _Counts:
    """What is counted over the sequences of a data set; see `DataReport`."""

    frames: int = 0
    labelled: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    pixels: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))

    def add(self, sequence: LabelledSequence, *, of_video: bool) -> list[str]:
        """Read all of a sequence and count it; return what is wrong with it."""
        self.frames += len(sequence)
        self.actions[sequence.action] += 1
        self.splits[sequence.split] += 1
        stamps_ns: list[int] = []
        problems: list[str] = []
        labelled = 0
        for index in range(len(sequence)):
            try:
                frame = sequence.frame(index)
                stamps_ns.append(frame.stamp_ns)
                pixels = _check_frame(sequence, index, frame)
            except AffordanceError as error:
                problems.append(f"frame {index}: {error}")
                continue
            if pixels is not None:
                labelled += 1
                self.pixels += pixels
        self.labelled += labelled
        if of_video and (what := _wrong_rate(stamps_ns)):
            problems.append(what)
        if not (problems or labelled or sequence.action):
            problems.append("neither an action nor a label")
        return problems


def _check_frame(sequence: LabelledSequence, index: int, frame: RgbdFrame) -> np.ndarray | None:
    """Return the (256,) pixel counts of a frame's labels, None without labels, or raise."""
    check_lens(frame.camera)
    if not np.isfinite(frame.depth.to_metres()).any():
        raise AffordanceError("no pixel has depth")
    counts = None
    for label in (sequence.affordances(index), sequence.demonstrated(index)):
        if label is None:
            continue
        check_label_size(label, frame.color.shape[:2])
        counts = np.bincount(label.ravel(), minlength=256)
        if counts[IGNORE] == label.size:
            raise AffordanceError("all of the label is ignored; expected ids of this data set")
    return counts


def _wrong_rate(stamps_ns: list[int]) -> str:
    """Return what is wrong with the rate of frames; empty if nothing is."""
    if len(stamps_ns) < 2:
        return ""
    period_s = float(np.median(np.diff(stamps_ns))) * 1e-9
    if _PERIODS_S[0] <= period_s <= _PERIODS_S[1]:
        return ""
    return (
        f"frames are {period_s:.3f} s apart; expected 0.1 s, as at the node's `rate_hz`: "
        "at other intervals, motion has another speed"
    )
