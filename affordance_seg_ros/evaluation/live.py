# SPDX-License-Identifier: Apache-2.0
"""Evaluation of a live node: its predictions against the recording that is played to it."""

from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.evaluation.live_summary import live_options, live_summary
from affordance_seg_ros.evaluation.metrics import SegmentationMetrics
from affordance_seg_ros.evaluation.page_recorder import PageRecorder
from affordance_seg_ros.evaluation.replay import PAGE, ReplayWriter, video_rate_hz
from affordance_seg_ros.evaluation.report import write_json
from affordance_seg_ros.evaluation.run_facts import run_facts
from affordance_seg_ros.frames import Prediction, RgbdFrame
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.model.checkpoint import WeightsCard
from affordance_seg_ros.sources.recording import Recording

_RECENT = 30
"""Frames that are kept for predictions that were overtaken by newer ones."""
_AHEAD = 10
"""Frames to look ahead for a stamp that lies in the past: a recording may jump."""
_FAR_NS = 60_000_000_000
"""This long after the next frame, no stamp of the same recording is expected."""


class Source(Protocol):
    """What a node says about itself."""

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
        source: What the node says about itself.
        writer: Writes pictures and predictions.
        page: Collects the report page; None for none.
        metrics: Compares with the labels of the recording.
        ids: (256,) uint8, the node's label id for each label id of the recording.
    """

    source: Source
    writer: ReplayWriter
    page: PageRecorder | None
    metrics: SegmentationMetrics
    ids: npt.NDArray[np.uint8]


class _FramesByStamp:
    """Frames of a recording, looked up by stamps that rarely go back; only a few are in memory.

    Args:
        frames: The frames, in order.

    Raises:
        SourceError: The first one cannot be read.
    """

    def __init__(self, frames: Iterator[RgbdFrame]) -> None:
        self._frames = frames
        self._recent: OrderedDict[int, RgbdFrame] = OrderedDict()
        self._ahead: deque[RgbdFrame] = deque()
        self._newest_ns = -1
        self._read()

    def find(self, stamp_ns: int) -> RgbdFrame | None:
        """Return the frame with a stamp; None if there is none, or it lies far back."""
        while stamp_ns not in self._recent and self._newest_ns < stamp_ns:
            # A stamp of another stream may lie beyond the end: no frame is used up for it.
            if not self._next_is_near(stamp_ns) or not self._read():
                break
        if stamp_ns not in self._recent and self._comes_soon(stamp_ns):
            while stamp_ns not in self._recent:
                self._read()
        return self._recent.get(stamp_ns)

    def _next_is_near(self, stamp_ns: int) -> bool:
        """Whether a stamp is not long after the next frame."""
        if not self._ahead and (frame := next(self._frames, None)) is not None:
            self._ahead.append(frame)
        return bool(self._ahead) and stamp_ns <= self._ahead[0].stamp_ns + _FAR_NS

    def _comes_soon(self, stamp_ns: int) -> bool:
        """Whether a stamp is among the next frames: a recording may jump back."""
        while len(self._ahead) < _AHEAD and (frame := next(self._frames, None)) is not None:
            self._ahead.append(frame)
        return any(frame.stamp_ns == stamp_ns for frame in self._ahead)

    def finish(self) -> None:
        """Read to the end: only then is the recording's report complete."""
        while self._read():
            pass

    def _read(self) -> bool:
        frame = self._ahead.popleft() if self._ahead else next(self._frames, None)
        if frame is None:
            return False
        self._recent[frame.stamp_ns] = frame
        self._newest_ns = frame.stamp_ns
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)
        return True


class LiveRecorder:
    """Writes the predictions of a live node as the offline replay would; a context manager.

    Args:
        recording: What is played to the node; read along with the stamps of the predictions.
        out: Folder for the results.
        rate_hz: Rate at which the node takes frames [Hz]; 0 for all.
        masks: Whether each mask is written as a PNG of label ids.
        html: Whether a report page is wanted.

    Raises:
        SourceError: The recording cannot be read.
    """

    def __init__(
        self, recording: Recording, out: Path, *, rate_hz: float, masks: bool, html: bool = False
    ) -> None:
        self._recording = recording
        self._frames = _FramesByStamp(recording.frames())
        self._out = out
        self._rate_hz = rate_hz
        self._masks = masks
        self._html = html
        self._stack = ExitStack()
        self._run: _Run | None = None
        self._labelled = 0
        self._unknown = 0
        self._predictions = 0
        self._last: Prediction | None = None

    def __enter__(self) -> "LiveRecorder":
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def add(self, prediction: Prediction, source: Source) -> None:
        """Take in a prediction; one with a stamp not in the recording is counted as unknown."""
        frame = self._frames.find(prediction.stamp_ns)
        if frame is None:
            self._unknown += 1
            return
        if self._run is None:
            self._run = self._start(source)
        self._predictions += 1
        self._last = prediction
        labels = self._recording.labels.get(prediction.stamp_ns)
        truth = None if labels is None else self._run.ids[labels]
        self._run.writer.add(frame, prediction, footer="live", truth=truth)
        if truth is not None:
            self._labelled += 1
            self._run.metrics.add(truth, prediction.mask)

    def _start(self, source: Source) -> "_Run":
        page = None
        if self._html:
            page = PageRecorder(source.labels, labelled=bool(self._recording.labels))
        writer = ReplayWriter(
            self._out,
            source.labels,
            title=self._recording.name,
            weights=source.weights,
            trained=source.trained,
            rate_hz=video_rate_hz(self._rate_hz, self._recording),
            masks=self._masks,
            page=page,
        )
        return _Run(
            source,
            self._stack.enter_context(writer),
            page,
            SegmentationMetrics(source.labels),
            source.labels.ids_from(self._recording.label_names),
        )

    def summary(self) -> dict[str, Any]:
        """Return what was received as JSON values.

        Raises:
            SourceError: Nothing was received.
        """
        if self._last is None or self._run is None:
            raise SourceError(
                f"no prediction for {self._recording.name} was received ({self._unknown} for other "
                "frames); expected a node that this recording is played to"
            )
        self._frames.finish()
        return {
            "predictions": self._predictions,
            "skipped_messages": dict(self._recording.report.skipped),
            "predictions_of_unknown_frames": self._unknown,
            "weights": {"name": self._run.source.weights, "trained": self._run.source.trained},
            "action": {"predicted": self._last.action.name, "true": self._recording.action or None},
            "labels_in_recording": len(self._recording.labels),
            "labelled_frames": self._labelled,
            "metrics": self._run.metrics.result().document() if self._labelled else None,
        }

    def write_report(
        self,
        received: Mapping[str, Any],
        played: Mapping[str, Any],
        node: Mapping[str, Any],
        command: str,
    ) -> dict[str, Any]:
        """Write `summary.json`, and the page if one is wanted, as the offline replay does.

        Args:
            received: The recorder's own counts, including those of `summary`.
            played: The player's counts.
            node: The node's report.
            command: Command line to show on the page; empty leaves it out.

        Returns:
            The summary.
        """
        summary = live_summary(received, played, node)
        write_json(self._out / "summary.json", summary)
        if self._run is not None and self._run.page is not None:
            card = WeightsCard(**node["weights"])
            facts = run_facts(self._recording, card, summary, live_options(node), command)
            times_ms = node["receipt_to_publish_ms"]
            self._run.page.write(self._out / PAGE, summary, facts, times_ms)
        return summary
