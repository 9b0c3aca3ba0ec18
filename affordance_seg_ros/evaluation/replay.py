# SPDX-License-Identifier: Apache-2.0
"""Offline replay: the pipeline over a recording, and its output for people and machines."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import FrameError, SourceError
from affordance_seg_ros.evaluation.contact_sheet import EvenlyThinned, Moment, draw_contact_sheet
from affordance_seg_ros.evaluation.metrics import SegmentationMetrics
from affordance_seg_ros.evaluation.page_recorder import PageRecorder
from affordance_seg_ros.evaluation.report import (
    StageStatistics,
    prediction_document,
    to_json,
    write_json,
)
from affordance_seg_ros.evaluation.run_facts import run_facts
from affordance_seg_ros.evaluation.video import VideoWriter
from affordance_seg_ros.frames import Prediction, RgbdFrame
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.pipeline.overlay import draw_overlay
from affordance_seg_ros.pipeline.rate import RateGate
from affordance_seg_ros.pipeline.streaming import Pipeline
from affordance_seg_ros.sources.recording import Recording, commonest

SHEET_COLUMNS = 8
PAGE = "report.html"
"""Name of the report page within a run's folder."""
_PREDICTIONS = "predictions.jsonl"
_SLOWEST_HZ, _FASTEST_HZ = 1.0, 120.0


class ReplayWriter:
    """Writes the output of a run over a recording, replacing that of another run.

    A context manager.

    `overlay.mp4`, `predictions.jsonl`, and on request `masks/STAMP.png` are written as frames come,
    `contact_sheet.png` on exit; `summary.json` is left to the caller.

    Args:
        out: Folder, made if missing.
        labels: Names and colours of the labels.
        title: Name of the recording.
        weights: Name of the weights.
        trained: Whether they are trained; pictures say so if not.
        rate_hz: Rate of the video [Hz].
        masks: Whether each mask is written as a PNG of label ids.
        page: Takes each frame for the report page; None for no page.

    Raises:
        SourceError: The folder cannot be written to.
    """

    def __init__(
        self,
        out: Path,
        labels: LabelSet,
        *,
        title: str,
        weights: str,
        trained: bool,
        rate_hz: float,
        masks: bool,
        page: PageRecorder | None = None,
    ) -> None:
        try:
            (out / "masks" if masks else out).mkdir(parents=True, exist_ok=True)
            _clear(out)
            self._lines = (out / _PREDICTIONS).open("w")
        except OSError as error:
            raise SourceError(f"{out}: cannot be written to ({error.strerror})") from error
        self._out = out
        self._masks = masks
        self._page = page
        self._labels = labels
        self._trained = trained
        self._title = f"{title}   weights: {weights}"
        self._moments: EvenlyThinned[Moment] = EvenlyThinned(SHEET_COLUMNS)
        self._video = VideoWriter(out / "overlay.mp4", rate_hz)
        self._stack = ExitStack()

    def __enter__(self) -> "ReplayWriter":
        self._stack.enter_context(self._lines)
        self._stack.enter_context(self._video)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._stack.__exit__(kind, error, trace)
        except OSError as failure:  # while flushing the buffers
            if error is None:
                raise SourceError(f"{self._out}: cannot be written ({failure.strerror})") from None
        moments = self._moments.pick()
        if moments:
            sheet = draw_contact_sheet(
                moments, self._labels, title=self._title, trained=self._trained
            )
            bgr = np.asarray(cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), np.uint8)
            _write_png(self._out / "contact_sheet.png", bgr)

    def add(
        self,
        frame: RgbdFrame,
        prediction: Prediction,
        *,
        footer: str,
        truth: npt.NDArray[np.uint8] | None = None,
    ) -> None:
        """Write one frame with its prediction.

        Args:
            frame: The frame.
            prediction: Its prediction.
            footer: The overlay's last line.
            truth: (H, W) label ids for the page, 255 to ignore; None if it is not labelled.
        """
        try:
            self._lines.write(to_json(prediction_document(prediction, self._labels)) + "\n")
            self._lines.flush()
        except OSError as error:
            raise SourceError(
                f"{self._lines.name}: cannot be written ({error.strerror})"
            ) from error
        overlay = draw_overlay(
            frame.color, prediction, self._labels, trained=self._trained, footer=footer
        )
        self._video.write(overlay)
        if self._page is not None:
            self._page.add(frame, prediction, truth, overlay)
        wanted = self._moments.wants_next()
        self._moments.add(Moment(frame.color, frame.depth, prediction) if wanted else None)
        if self._masks:
            _write_png(self._out / "masks" / f"{prediction.stamp_ns}.png", prediction.mask)


def _clear(out: Path) -> None:
    """Remove the output of another run; other masks may belong to a person."""
    files = ("summary.json", PAGE, "overlay.mp4", "contact_sheet.png")
    for old in (*(out / name for name in files), *_masks_of_run(out)):
        try:
            old.unlink(missing_ok=True)
        except OSError as error:
            raise SourceError(f"{old}: cannot be written ({error.strerror})") from error


def _masks_of_run(out: Path) -> Iterator[Path]:
    """Yield the mask paths of the frames whose predictions are in a folder."""
    predictions = out / _PREDICTIONS
    if not predictions.is_file():  # reading a device may never end
        return
    for line in predictions.read_text(encoding="utf-8", errors="replace").splitlines():
        with suppress(ValueError, TypeError, KeyError):  # a line that was cut off
            yield out / "masks" / f"{int(json.loads(line)['stamp_ns'])}.png"


def _write_png(path: Path, picture: npt.NDArray[np.uint8]) -> None:
    # OpenCV's own writer does not report a full disk.
    try:
        path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    except OSError as error:
        raise SourceError(f"{path}: cannot be written ({error.strerror})") from error


def video_rate_hz(rate_hz: float, recording: Recording) -> float:
    """Return the rate for a video of what is processed: a slow recording is not played faster.

    It is a rate that a video can have and a person can follow, whatever the recording says.

    Args:
        rate_hz: Rate at which frames are taken [Hz]; 0 for all.
        recording: Where they come from.
    """
    found = min(filter(None, (rate_hz, recording.rate_hz)), default=10.0)
    return min(max(found, _SLOWEST_HZ), _FASTEST_HZ)


def replay(
    recording: Recording,
    pipeline: Pipeline,
    out: Path,
    *,
    masks: bool = False,
    html: bool = False,
    command: str = "",
    progress: bool = True,
) -> dict[str, Any]:
    """Run the pipeline over a recording and write pictures, predictions and a summary.

    Args:
        recording: Frames in order of time, with labels where they exist.
        pipeline: Reset before the first frame.
        out: Folder for the results.
        masks: Whether to write each mask as a PNG of label ids.
        html: Whether to write the report page, `report.html`.
        command: Command line to show on the page; empty leaves it out.
        progress: Whether to show a progress bar.

    Returns:
        The document written to `summary.json`.

    Raises:
        SourceError: The recording cannot be read, holds no usable frame, or `out` is not writable.
        CalibrationError: The lens model of its camera cannot be inverted.
    """
    from tqdm import tqdm

    pipeline.reset()
    gate = RateGate(pipeline.config.rate_hz)
    statistics = StageStatistics.empty()
    metrics = SegmentationMetrics(pipeline.labels)
    translate = pipeline.labels.ids_from(recording.label_names)
    dropped: Counter[str] = Counter()
    resets: list[str] = []
    processed = labelled = 0
    last: Prediction | None = None
    page = PageRecorder(pipeline.labels, labelled=bool(recording.labels)) if html else None
    writer = ReplayWriter(
        out,
        pipeline.labels,
        title=recording.name,
        weights=pipeline.card.name,
        trained=pipeline.card.trained,
        rate_hz=video_rate_hz(pipeline.config.rate_hz, recording),
        masks=masks,
        page=page,
    )
    bar = tqdm(total=recording.frame_count, unit="frame", desc=recording.name, disable=not progress)

    def is_due(stamp_ns: int) -> bool:
        bar.update()
        return gate.accepts(stamp_ns)

    with writer, bar:
        for frame in recording.frames(is_due):
            try:
                last = pipeline.step(frame)
            except FrameError as error:
                dropped[str(error)] += 1
                continue
            processed += 1
            statistics.add(last.stages_ms)
            if last.reset_reason:
                resets.append(last.reset_reason)
            labels = recording.labels.get(frame.stamp_ns)
            truth = None if labels is None else translate[labels]
            if truth is not None:
                labelled += 1
                metrics.add(truth, last.mask)
            writer.add(frame, last, footer=f"{sum(last.stages_ms):.0f} ms", truth=truth)
    read = recording.report.frames + recording.report.not_due
    if last is None:
        reasons = "; ".join(f"{count} x {text}" for text, count in commonest(dropped).items())
        raise SourceError(
            f"{recording.name}: none of {read} frames could be processed"
            + (f" ({reasons})" if reasons else "")
        )
    summary = {
        "source": recording.name,
        "frames_read": read,
        "frames_processed": processed,
        "frames_dropped": sum(dropped.values()),
        "drop_reasons": commonest(dropped),
        "unpaired": recording.report.pairing.unpaired,
        "duplicates": recording.report.pairing.duplicates,
        "skipped_messages": dict(recording.report.skipped),
        "resets": resets,
        "device": str(pipeline.device),
        "flow_estimator": pipeline.flow_estimator,
        "network": pipeline.network,
        "weights": {"name": pipeline.card.name, "trained": pipeline.card.trained},
        "stage_ms": statistics.document(),
        "action": {"predicted": last.action.name, "true": recording.action or None},
        "labels_in_recording": len(recording.labels),
        "labelled_frames": labelled,
        "metrics": metrics.result().document() if labelled else None,
    }
    write_json(out / "summary.json", summary)
    if page is not None:
        facts = run_facts(recording, pipeline.card, summary, pipeline.config, command)
        page.write(out / PAGE, summary, facts)
    return summary
