# SPDX-License-Identifier: Apache-2.0
"""Sequences that end before their last frame."""

from collections.abc import Sequence

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.frames import RgbdFrame
from affordance_seg_ros.training.datasets.labelled_sequence import LabelImage, LabelledSequence


class ShortenedSequence(LabelledSequence):
    """The first frames of another sequence. Nothing is kept for them: its files are longer.

    Args:
        whole: The sequence.
        frames: How many of its frames, at least one and at most all.
    """

    def __init__(self, whole: LabelledSequence, frames: int) -> None:
        assert 1 <= frames <= len(whole)
        self.name, self.action, self.cache_folder = whole.name, whole.action, None
        self.object_name, self.split, self.group = whole.object_name, whole.split, whole.group
        self.label_key = whole.label_key
        self._whole, self._frames = whole, frames

    def __len__(self) -> int:
        return self._frames

    def frame(self, index: int) -> RgbdFrame:
        """Return one frame."""
        return self._whole.frame(index)

    def demonstrated(self, index: int) -> LabelImage | None:
        """Return the label of the demonstrated affordance."""
        return self._whole.demonstrated(index)

    def affordances(self, index: int) -> LabelImage | None:
        """Return the affordance of every part."""
        return self._whole.affordances(index)

    def labelled(self, target: str) -> Sequence[int]:
        """Return the numbers of the frames that have a label."""
        return [index for index in self._whole.labelled(target) if index < self._frames]


def until_acting(sequence: LabelledSequence) -> ShortenedSequence:
    """Return a sequence that is cut during its interaction: two thirds into it.

    At that point, a thing that is lifted is up, a tool is at work, and the hand is still there.

    Raises:
        SourceError: The sequence does not know when its interaction is.
    """
    if sequence.interaction is None:
        raise SourceError(
            f"{sequence.name} does not say when its interaction takes place; expected "
            "'interaction' in its clip.json, as in rendered clips"
        )
    first, last = sequence.interaction
    return ShortenedSequence(sequence, 1 + first + round((last - first) * 2 / 3))
