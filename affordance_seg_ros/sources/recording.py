# SPDX-License-Identifier: Apache-2.0
"""What any recording on disk offers, whatever its format."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.frames import RgbdFrame
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.readable import readable
from affordance_seg_ros.sources.clip_reader import Clip
from affordance_seg_ros.sources.pairing import PairingCounts

LabelMap = npt.NDArray[np.uint8]
_MOST_REASONS = 20


def commonest(reasons: Counter[str]) -> dict[str, int]:
    """Return how often each reason was given; if there are too many, the rarest are combined.

    A reason may name a size or a file, and so differ for each message.
    """
    if len(reasons) <= _MOST_REASONS:
        return dict(reasons)
    kept = dict(reasons.most_common(_MOST_REASONS))
    return {**kept, "other reasons": reasons.total() - sum(kept.values())}


@dataclass(frozen=True)
class ReadReport:
    """The outcome of reading a recording.

    Attributes:
        frames: Frames given out.
        skipped: Number of messages or pairs that could not be used, by reason.
        pairing: What became of the colour and depth messages.
        not_due: Frames passed over because they were not requested.
    """

    frames: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    pairing: PairingCounts = field(default_factory=PairingCounts)
    not_due: int = 0

    def __str__(self) -> str:
        """Return one line for a person."""
        parts = [f"{self.frames} frames"]
        if self.pairing.unpaired:
            parts.append(
                f"{self.pairing.unpaired_color} colour and {self.pairing.unpaired_depth} depth "
                "images unpaired"
            )
        if self.pairing.duplicates:
            parts.append(f"{self.pairing.duplicates} images with a repeated stamp")
        parts += [f"{count} x {reason}" for reason, count in self.skipped.items()]
        return "; ".join(parts)


class LabelMaps(Mapping[int, LabelMap]):
    """Label maps of a clip by the stamp of their frame [ns], read on request."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._index = {
            stamp_ns: index
            for index, stamp_ns in enumerate(clip.stamps_ns)
            if clip.has_label(index)
        }

    def __getitem__(self, stamp_ns: int) -> LabelMap:
        labels = self._clip.labels(self._index[stamp_ns])
        if labels is None:
            raise KeyError(stamp_ns)
        return labels

    def __iter__(self) -> Iterator[int]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._index)


@dataclass
class Recording(ABC):
    """A recording that can be read from its beginning any number of times.

    Attributes:
        path: Where it is.
        kind: Its format, for people.
        camera: Calibration of the (first) colour picture.
        frame_count: Number of frames at most; None if unknown.
        rate_hz: Mean or nominal frame rate [Hz]; None if unknown.
        action: Demonstrated action; empty if unknown.
        label_names: Names of the ids in ``labels``.
        labels: Label maps of demonstrated affordances by frame stamp [ns].
        doubts: What looks as if it were not as it should be, in words.
        is_stamped: Whether the frames carry stamps of their own; if not, these follow from a rate.
    """

    path: Path
    kind: str
    camera: Camera
    frame_count: int | None
    rate_hz: float | None
    action: str = ""
    label_names: LabelSet = field(default_factory=LabelSet)
    labels: Mapping[int, LabelMap] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    is_stamped: bool = True
    _given: int = field(default=0, init=False)
    _not_due: int = field(default=0, init=False)
    _skipped: Counter[str] = field(default_factory=Counter, init=False)

    @property
    def name(self) -> str:
        """Name of the recording, for people: its file or folder without suffix."""
        return readable(self.path.resolve().stem)

    def frames(self, is_due: Callable[[int], bool] = lambda stamp_ns: True) -> Iterator[RgbdFrame]:
        """Yield the frames in order; ``report`` tells the outcome.

        Args:
            is_due: Called once for each stamp [ns]; if it says no, the frame is passed over before
                it is decoded, as in the live node: what cannot be decoded was due all the same.

        Raises:
            SourceError: The recording is damaged, or no frame could be read.
        """
        self._ask, self._given, self._not_due = is_due, 0, 0
        self._skipped = Counter()
        for frame in self._read(self._skipped):
            self._given += 1
            yield frame
        if not self._given:
            raise SourceError(f"{self.path}: no frame could be read: {self.report}")

    @property
    def report(self) -> ReadReport:
        """The outcome of the last reading so far."""
        pairing = self._pairing()
        return ReadReport(self._given, commonest(self._skipped), pairing, self._not_due)

    @abstractmethod
    def _read(self, skipped: Counter[str]) -> Iterator[RgbdFrame]:
        """Yield the frames that are due and count, by reason, what is left out."""

    def _is_due(self, stamp_ns: int) -> bool:
        """Return whether a frame is wanted; to be called once for each, before it is decoded."""
        due = self._ask(stamp_ns)
        self._not_due += not due
        return due

    def _pairing(self) -> PairingCounts:
        return PairingCounts()


class ClipRecording(Recording):
    """A clip folder."""

    def __init__(self, clip: Clip) -> None:
        super().__init__(
            path=clip.path,
            kind="clip",
            camera=clip.info.camera,
            frame_count=len(clip),
            rate_hz=clip.info.rate_hz,
            action=clip.info.action,
            label_names=clip.info.labels,
            labels=LabelMaps(clip),
        )
        self._clip = clip

    def _read(self, skipped: Counter[str]) -> Iterator[RgbdFrame]:
        return (frame for frame in self._clip.frames() if self._is_due(frame.stamp_ns))
