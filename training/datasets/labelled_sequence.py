# SPDX-License-Identifier: Apache-2.0
"""What training needs from a data set, whatever its layout."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import CalibrationError, FrameError, SourceError
from affordance_seg_ros.frames import RgbdFrame

LabelImage = npt.NDArray[np.uint8]


class LabelledSequence(ABC):
    """Consecutive RGB-D frames of one interaction, or a single picture; read on demand.

    Label ids are those of the run (see `LabelMap`), with 255 for pixels to ignore.

    Attributes:
        name: Name for people, unique in its data set.
        action: Name of the demonstrated action in the run's label set; empty if unknown.
        object_name: Name of the object that is handled; empty if unknown.
        cache_folder: Folder for what is computed once from the frames, such as flow; None for a
            single picture, which needs none.
        interaction: First and last frame in which the action is under way; None if unknown.
        split: Split of the data set that it claims to belong to; empty if it claims none.
        group: Whom or what it shows, in a data set that shows the same ones often; else empty.
        label_key: Digest of how its label ids become the run's; empty where they are the same.
    """

    name: str
    action: str
    cache_folder: Path | None
    interaction: tuple[int, int] | None = None
    object_name: str = ""
    split: str = ""
    group: str = ""
    label_key: str = ""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of frames."""

    @abstractmethod
    def frame(self, index: int) -> RgbdFrame:
        """Return one frame.

        Raises:
            SourceError: A file is missing or damaged.
        """

    def frame_size(self) -> tuple[int, int]:
        """Return width and height of the frames [px]; layouts may do so without decoding one."""
        height, width = self.frame(0).color.shape[:2]
        return width, height

    def demonstrated(self, index: int) -> LabelImage | None:
        """Return the (H, W) label of the demonstrated affordance; None if the frame has none."""
        return None

    def affordances(self, index: int) -> LabelImage | None:
        """Return the (H, W) affordance of every part, shown or not; None if the frame has none."""
        return None

    def labelled(self, target: str) -> Sequence[int]:
        """Return the numbers of the labelled frames, in order; layouts need not decode the labels.

        Args:
            target: Which label, as in `StageConfig.target`.
        """
        read = self.affordances if target == "affordances" else self.demonstrated
        return [index for index in range(len(self)) if read(index) is not None]

    def sources(self) -> Iterable[Path]:
        """Return the files and folders that it is read from; kept records must not be older."""
        return ()


class LabelledPicture(LabelledSequence):
    """A single picture with the affordances of all its parts, and no action."""

    action = ""
    cache_folder = None

    def __len__(self) -> int:
        return 1

    def labelled(self, target: str) -> Sequence[int]:
        """Return the one frame, for the affordances of all parts."""
        return [0] if target == "affordances" else []


@contextmanager
def naming_frame(sequence: LabelledSequence, index: int) -> Iterator[None]:
    """Name the frame in the error if it turns out to be unusable.

    Raises:
        SourceError: It is.
    """
    try:
        yield
    except (CalibrationError, FrameError) as error:
        raise SourceError(f"{sequence.name}, frame {index}: {error}") from None


def check_label_size(label: LabelImage, size: tuple[int, ...]) -> None:
    """Refuse a label whose size is not that of its frame.

    Args:
        label: (H, W) label.
        size: Height and width of the frame [px].

    Raises:
        FrameError: It is.
    """
    if label.shape != size:
        came, wanted = (f"{each[1]}x{each[0]}" for each in (label.shape, size))
        raise FrameError(f"label {came}; expected {wanted}, the size of its colour picture")


class Problem(NamedTuple):
    """Something wrong in a data set: the file or folder, and what is wrong with it."""

    path: Path
    what: str

    def __str__(self) -> str:
        """Return one line for a person."""
        return f"{self.path}: {self.what}"


class Scan(NamedTuple):
    """What a data set holds.

    Attributes:
        sequences: What was found of the split.
        problems: What could not be used, and what is wrong with it.
        other_splits: Number of sequences of each split that was not asked for, if they state it.
        left_out: What was left out though nothing is wrong with it, and how to take it, for people.
    """

    sequences: tuple[LabelledSequence, ...]
    problems: tuple[Problem, ...]
    other_splits: Mapping[str, int] = MappingProxyType({})
    left_out: str = ""
