# SPDX-License-Identifier: Apache-2.0
"""Evaluation of a live node: its predictions against the recording that is played to it."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.evaluation.metrics import SegmentationMetrics
from affordance_seg_ros.evaluation.replay import ReplayWriter
from affordance_seg_ros.frames import Prediction, RgbdFrame
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.sources.recording import Recording


class Source(Protocol):
    """What a node says of itself."""

    @property
    def labels(self) -> LabelSet:
        """Labels of its masks."""

    @property
    def weights(self) -> str:
        """Name of its weights."""

    @property
    def trained(self) -> bool:
        """Whether they are trained."""


class _Run(NamedTuple):
    """What is known once the node has spoken: who it is, and where its predictions go.

    Attributes:
        source: What the node says of itself.
        writer: Writes pictures and predictions.
        metrics: Compares with the labels of the recording.
        ids: (256,) uint8, the node's label id of each label id of the recording.
    """

    source: Source
    writer: ReplayWriter
    metrics: SegmentationMetrics
    ids: npt.NDArray[np.uint8]


class LiveRecorder:
    """Writes the predictions of a live node as the offline replay would; a context manager.

    Args:
        recording: What is played to the node; held in memory, since frames are found by stamp.
        out: Folder for the results.
        masks: Whether each mask is written as a PNG of label ids.

    Raises:
        SourceError: The recording cannot be read.
    """

    def __init__(self, recording: Recording, out: Path, *, masks: bool) -> None:
        self._recording = recording
        self._frames: dict[int, RgbdFrame] = {f.stamp_ns: f for f in recording.frames()}
        self._out = out
        self._masks = masks
        self._stack = ExitStack()
        self._run: _Run | None = None
        self._labelled = 0
        self._unknown = 0
        self._predictions = 0
        self._last: Prediction | None = None

    def __enter__(self) -> "LiveRecorder":
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def add(self, prediction: Prediction, source: Source) -> None:
        """Take a prediction; one of a stamp that the recording lacks is counted as unknown."""
        frame = self._frames.get(prediction.stamp_ns)
        if frame is None:
            self._unknown += 1
            return
        if self._run is None:
            self._run = self._start(source)
        self._predictions += 1
        self._last = prediction
        self._run.writer.add(frame, prediction, footer="live")
        truth = self._recording.labels.get(prediction.stamp_ns)
        if truth is not None:
            self._labelled += 1
            self._run.metrics.add(self._run.ids[truth], prediction.mask)

    def _start(self, source: Source) -> "_Run":
        writer = ReplayWriter(
            self._out,
            source.labels,
            title=self._recording.name,
            weights=source.weights,
            trained=source.trained,
            rate_hz=self._recording.rate_hz or 10.0,
            masks=self._masks,
        )
        return _Run(
            source,
            self._stack.enter_context(writer),
            SegmentationMetrics(source.labels),
            source.labels.ids_from(self._recording.label_names),
        )

    def summary(self) -> dict[str, Any]:
        """Return what was received as JSON values.

        Raises:
            SourceError: Nothing was.
        """
        if self._last is None or self._run is None:
            raise SourceError(
                f"no prediction of {self._recording.name} was received ({self._unknown} of other "
                "frames); expected a node that this recording is played to"
            )
        return {
            "predictions": self._predictions,
            "predictions_of_unknown_frames": self._unknown,
            "weights": {"name": self._run.source.weights, "trained": self._run.source.trained},
            "action": {"predicted": self._last.action.name, "true": self._recording.action or None},
            "labelled_frames": self._labelled,
            "metrics": self._run.metrics.result().document() if self._labelled else None,
        }
