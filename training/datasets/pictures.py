# SPDX-License-Identifier: Apache-2.0
"""Frames and labels at the network's size, as training reads them."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch

from affordance_seg_ros.config import InputConfig
from affordance_seg_ros.labels import BACKGROUND, IGNORE
from affordance_seg_ros.pipeline.fit import Fit
from affordance_seg_ros.pipeline.preprocess import Preprocessor
from affordance_seg_ros.training.datasets.kept_records import KeptRecords, Records
from affordance_seg_ros.training.datasets.labelled_sequence import (
    LabelImage,
    LabelledSequence,
    check_label_size,
    naming_frame,
)

_VERSION = 2
"""Version of how frames become pictures; a higher one leaves older files unused."""


class Picture(NamedTuple):
    """One frame at network size.

    Attributes:
        rgb: (3, h, w) uint8 colour, black where padded.
        depth_m: (h, w) float32 depth [m], 0 for none.
        inside: (h, w) false where the picture is padded.
        target: (h, w) uint8 label ids, 255 where there is nothing to learn.
    """

    rgb: npt.NDArray[np.uint8]
    depth_m: npt.NDArray[np.float32]
    inside: npt.NDArray[np.bool_]
    target: LabelImage


class _FittedFrame(NamedTuple):
    """A frame at network size, where it is placed there, and its original (height, width)."""

    rgb: npt.NDArray[np.uint8]
    depth_m: npt.NDArray[np.float32]
    placed: Fit
    size: tuple[int, ...]


class Pictures(KeptRecords):
    """The pictures of labelled sequences, read on demand, or kept as files.

    A kept picture takes 10 bytes per pixel and is read in a fraction of the time that decoding and
    resizing a frame and its label take; samples are bit-identical.

    Args:
        config: How frames become pictures.
        labels: Names of the label set: kept labels are its ids.
        keep: Whether to keep the pictures of sequences that have a folder for them.
    """

    kind = "pictures"

    def __init__(self, config: InputConfig, labels: tuple[str, ...], *, keep: bool) -> None:
        self._config = config
        self.keep = keep
        self._preprocessor = Preprocessor(config, torch.device("cpu"))
        settings = json.dumps(
            {"version": _VERSION, "input": asdict(config), "labels": labels}, sort_keys=True
        )
        digest = hashlib.sha256(settings.encode()).hexdigest()[:8]
        self.key = f"pictures-{config.width}x{config.height}-{digest}"

    def path(self, sequence: LabelledSequence) -> Path | None:
        """Return where a sequence's pictures are kept; those with other labels go elsewhere."""
        kept = super().path(sequence)
        if kept is None or not sequence.label_key:
            return kept
        return kept.with_name(f"{self.key}-{sequence.label_key}.npy")

    def read(self, sequence: LabelledSequence, index: int, target: str) -> Picture:
        """Return one frame and its label.

        Args:
            sequence: A sequence.
            index: Number of the frame.
            target: As in `StageConfig.target`, or empty for no label.

        Raises:
            SourceError: A file is missing or damaged.
        """
        if self.keep and self.path(sequence) is not None:
            record = self.records(sequence)[index]
            label = record[target] if target else self._nothing()
            return Picture(record["rgb"], record["depth_m"], record["inside"], label)
        frame = self._frame(sequence, index)
        label = self._label(sequence, index, target, frame)
        return Picture(frame.rgb, frame.depth_m, _inside(frame.placed), label)

    def compute_records(self, sequence: LabelledSequence) -> Records:
        """Return all pictures of a sequence, with both kinds of labels."""
        size = (self._config.height, self._config.width)
        layout = [("rgb", np.uint8, (3, *size)), ("depth_m", np.float32, size)]
        planes = ("inside", np.bool_, size), *((name, np.uint8, size) for name in _LABELS)
        records = np.zeros(len(sequence), [*layout, *planes])
        for index, record in enumerate(records):
            frame = self._frame(sequence, index)
            record["rgb"], record["depth_m"] = frame.rgb, frame.depth_m
            record["inside"] = _inside(frame.placed)
            for name in _LABELS:
                record[name] = self._label(sequence, index, name, frame)
        return records

    def _frame(self, sequence: LabelledSequence, index: int) -> _FittedFrame:
        with naming_frame(sequence, index):
            frame = sequence.frame(index)
            prepared = self._preprocessor.prepare(frame)
        mean = torch.tensor(self._config.color_mean).view(3, 1, 1)
        std = torch.tensor(self._config.color_std).view(3, 1, 1)
        # Resized colours were bytes before they were normalised: rounding recovers them.
        rgb = ((prepared.appearance[0, :3] * std + mean) * 255).round().clamp(0, 255)
        rgb = rgb * torch.from_numpy(_inside(prepared.fit))
        depth_m = prepared.flow_input.depth_m.numpy()
        size = frame.color.shape[:2]
        return _FittedFrame(rgb.to(torch.uint8).numpy(), depth_m, prepared.fit, size)

    def _label(
        self, sequence: LabelledSequence, index: int, target: str, frame: _FittedFrame
    ) -> LabelImage:
        label = getattr(sequence, target)(index) if target else None
        if label is None:
            return self._nothing()
        with naming_frame(sequence, index):
            check_label_size(label, frame.size)
        return fit_label(label, frame.placed)

    def _nothing(self) -> LabelImage:
        return np.full((self._config.height, self._config.width), IGNORE, np.uint8)


_LABELS = ("affordances", "demonstrated")
"""Kinds of labels, by the names of `StageConfig.target` and of `LabelledSequence`'s methods."""


def fit_label(label: LabelImage, placed: Fit) -> LabelImage:
    """Return an (H, W) label at network size, 255 in the padding.

    A pixel takes the id of most of what it covers; in a tie, an affordance wins over background,
    as thin parts would be lost otherwise.
    """
    x, y, width, height = placed.source
    window = label[y : y + height, x : x + width]
    size = (placed.target.width, placed.target.height)
    ids = sorted(np.unique(window), key=lambda each: each == BACKGROUND)
    shares = [
        cv2.resize((window == each).astype(np.float32), size, interpolation=cv2.INTER_AREA)
        for each in ids
    ]
    fitted = np.full((placed.height, placed.width), IGNORE, np.uint8)
    x, y, width, height = placed.target
    fitted[y : y + height, x : x + width] = np.array(ids, np.uint8)[np.argmax(shares, axis=0)]
    return fitted


def _inside(placed: Fit) -> npt.NDArray[np.bool_]:
    inside = np.zeros((placed.height, placed.width), bool)
    x, y, width, height = placed.target
    inside[y : y + height, x : x + width] = True
    return inside
