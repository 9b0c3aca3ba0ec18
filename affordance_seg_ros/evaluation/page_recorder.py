# SPDX-License-Identifier: Apache-2.0
"""Collects, frame by frame, what the report page of a run needs, in bounded memory."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.evaluation.html_report import PageContent, write_page
from affordance_seg_ros.evaluation.page_pictures import Film, WorstFrames, badness_measures
from affordance_seg_ros.evaluation.run_history import RunHistory, note_of
from affordance_seg_ros.frames import Prediction, RgbdFrame
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.pipeline.overlay import blend_mask, write_text

Picture = npt.NDArray[np.uint8]
_TRUTH = "truth"


class PageRecorder:
    """Takes in each frame of a run and writes the run's page at the end.

    Args:
        labels: Names and colours of the labels.
        labelled: Whether the recording has labels; the worst frames are then those of lowest IoU.
    """

    def __init__(self, labels: LabelSet, *, labelled: bool) -> None:
        self._labels = labels
        self._labelled = labelled
        self._history = RunHistory()
        self._film = Film()
        self._worst: dict[str, WorstFrames] = {}

    def add(
        self,
        frame: RgbdFrame,
        prediction: Prediction,
        truth: npt.NDArray[np.uint8] | None,
        overlay: Picture,
    ) -> None:
        """Take in a frame.

        Args:
            frame: The frame.
            prediction: Its prediction.
            truth: (H, W) label ids, 255 to ignore; None if it is not labelled.
            overlay: (H, W, 3) RGB, the frame with the prediction drawn on it.
        """
        index = len(self._history)
        note = note_of(prediction, self._labels, truth)
        self._history.add(note)
        self._film.add(index, overlay if self._film.wants_next() else None)
        for title, badness in badness_measures(note, self._labelled):
            worst = self._worst.setdefault(title, WorstFrames())
            if worst.wants(note.stamp_ns, badness):
                picture = overlay if truth is None else self._beside(frame, truth, overlay)
                worst.add(note.stamp_ns, badness, index, picture)

    def write(
        self,
        path: Path,
        summary: Mapping[str, Any],
        facts: Mapping[str, str],
        latencies_ms: Sequence[float] | None = None,
    ) -> None:
        """Write the page.

        Args:
            path: The file.
            summary: The run's summary.
            facts: Facts about the run by name.
            latencies_ms: Times of single frames [ms]; None takes those of the pipeline.

        Raises:
            SourceError: The file cannot be written.
        """
        times_ms = self._history.durations_ms() if latencies_ms is None else latencies_ms
        worst = {title: frames.stills() for title, frames in self._worst.items()}
        content = PageContent(
            self._labels, self._history, self._film.stills(), worst, summary, facts, list(times_ms)
        )
        write_page(path, content)

    def _beside(self, frame: RgbdFrame, truth: npt.NDArray[np.uint8], overlay: Picture) -> Picture:
        """Return the overlay with the labels beside it; ignored pixels are darkened."""
        known = np.where(truth < self._labels.class_count, truth, 0).astype(np.uint8)
        labelled = blend_mask(frame.color, known, self._labels)
        labelled[truth >= self._labels.class_count] //= 3
        scale = max(labelled.shape[0] / 480, 0.4)
        write_text(labelled, _TRUTH, (8, round(22 * scale)), scale)
        return np.asarray(cv2.hconcat([overlay, labelled]), np.uint8)
