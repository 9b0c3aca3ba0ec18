# SPDX-License-Identifier: Apache-2.0
"""Evaluation of a live node: its predictions against the recording that is played to it."""

from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

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
        self._writer: ReplayWriter | None = None
        self._metrics: SegmentationMetrics | None = None
        self._labelled = 0
        self._unknown = 0
        self._predictions = 0
        self._last: Prediction | None = None
        self._source: Source | None = None

    def __enter__(self) -> "LiveRecorder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.__exit__(kind, error, trace)

    def add(self, prediction: Prediction, source: Source) -> None:
        """Take a prediction; one of a stamp that the recording lacks is counted as unknown."""
        frame = self._frames.get(prediction.stamp_ns)
        if frame is None:
            self._unknown += 1
            return
        if self._writer is None:
            self._source = source
            self._metrics = SegmentationMetrics(source.labels)
            self._writer = ReplayWriter(
                self._out,
                source.labels,
                title=self._recording.name,
                weights=source.weights,
                trained=source.trained,
                rate_hz=self._recording.rate_hz or 10.0,
                masks=self._masks,
            ).__enter__()
        self._predictions += 1
        self._last = prediction
        self._writer.add(frame, prediction, footer="live")
        truth = self._recording.labels.get(prediction.stamp_ns)
        if truth is not None and self._metrics is not None and self._source is not None:
            self._labelled += 1
            ids = self._source.labels.ids_from(self._recording.label_names)
            self._metrics.add(ids[truth], prediction.mask)

    def summary(self) -> dict[str, Any]:
        """Return what was received as JSON values.

        Raises:
            SourceError: Nothing was.
        """
        if self._last is None or self._source is None:
            raise SourceError(
                f"no prediction of {self._recording.name} was received ({self._unknown} of other "
                "frames); expected a node that this recording is played to"
            )
        return {
            "predictions": self._predictions,
            "predictions_of_unknown_frames": self._unknown,
            "weights": {"name": self._source.weights, "trained": self._source.trained},
            "action": {"predicted": self._last.action.name, "true": self._recording.action or None},
            "labelled_frames": self._labelled,
            "metrics": self._metrics.result().document()
            if self._metrics and self._labelled
            else None,
        }
