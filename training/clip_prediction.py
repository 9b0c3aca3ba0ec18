# SPDX-License-Identifier: Apache-2.0
"""What the pipeline says about one clip, as on a robot: a frame that it refuses is dropped."""

from affordance_seg_ros.errors import CalibrationError, FrameError, SourceError
from affordance_seg_ros.frames import Prediction
from affordance_seg_ros.pipeline.streaming import Pipeline
from affordance_seg_ros.training.datasets.labelled_sequence import LabelledSequence, naming_frame


class UnusableFrameError(SourceError):
    """A frame can be read, but the pipeline refuses it, as it does on a robot."""


def run_clip(
    pipeline: Pipeline, sequence: LabelledSequence, dropped: list[str] | None = None
) -> Prediction:
    """Return what the pipeline says after a whole clip, starting from an empty memory.

    Args:
        pipeline: The pipeline.
        sequence: The clip.
        dropped: Receives a line for each frame before the last that cannot be used.

    Raises:
        SourceError: A frame cannot be read, or the last one cannot be used.
    """
    pipeline.reset()
    last = len(sequence) - 1
    for index in range(last):
        try:
            _step(pipeline, sequence, index)
        except UnusableFrameError as error:
            if dropped is not None:
                dropped.append(str(error))
    return _step(pipeline, sequence, last)


def run_frame(pipeline: Pipeline, sequence: LabelledSequence, index: int) -> Prediction:
    """Return what the pipeline says about one frame alone.

    Raises:
        SourceError: The frame cannot be read or used.
    """
    pipeline.reset()
    return _step(pipeline, sequence, index)


def _step(pipeline: Pipeline, sequence: LabelledSequence, index: int) -> Prediction:
    with naming_frame(sequence, index):
        frame = sequence.frame(index)
    try:
        return pipeline.step(frame)
    except (CalibrationError, FrameError) as error:
        raise UnusableFrameError(f"{sequence.name}, frame {index}: {error}") from None
