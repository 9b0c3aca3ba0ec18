# SPDX-License-Identifier: Apache-2.0
"""JSON documents of a run: predictions line by line, and the summary."""

import json
import math
import os
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.frames import Prediction, StageTimes
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.pipeline.overlay import label_scores
from affordance_seg_ros.pipeline.timing import percentiles


def prediction_document(prediction: Prediction, labels: LabelSet) -> dict[str, Any]:
    """Return one prediction as JSON values; images are left out, counts stand for them.

    Args:
        prediction: What the pipeline said of one frame.
        labels: Names of the labels.
    """
    action = prediction.action
    return {
        "stamp_ns": prediction.stamp_ns,
        "frame_id": prediction.frame_id,
        "action": {
            "id": action.id,
            "name": action.name,
            "score": action.score,
            "scores": dict(zip(labels.actions, action.scores, strict=True)),
        },
        "labels": {
            labels.name(label_id): {
                "area_px": int((prediction.mask == label_id).sum()),
                "score": score,
            }
            for label_id, score in label_scores(prediction).items()
        },
        "regions": [region._asdict() for region in prediction.regions],
        "stages_ms": prediction.stages_ms._asdict(),
        "reset_reason": prediction.reset_reason,
    }


def to_json(document: Any, *, indent: int | None = None) -> str:
    """Return a document as strict JSON: arrays become lists, NaN becomes null, tuples lists."""
    return json.dumps(_plain(document), indent=indent, allow_nan=False)


def write_json(path: Path, document: Any) -> None:
    """Write a document as JSON, whole or not at all.

    Raises:
        SourceError: The file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(to_json(document, indent=2) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise SourceError(f"{path}: cannot be written ({error.strerror})") from error


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


class StageStatistics(NamedTuple):
    """Durations of each stage of the pipeline and of all of them together, over the whole run.

    40 bytes a frame: 4 MB in an hour at 30 frames/s.
    """

    stages: dict[str, "array[float]"]
    total: "array[float]"

    @classmethod
    def empty(cls) -> "StageStatistics":
        """Return statistics of nothing yet."""
        return cls({name: array("d") for name in StageTimes._fields}, array("d"))

    def add(self, stages_ms: StageTimes) -> None:
        """Add the durations of one step."""
        for name, duration_ms in stages_ms._asdict().items():
            self.stages[name].append(duration_ms)
        self.total.append(sum(stages_ms))

    def document(self) -> dict[str, Any]:
        """Return the percentiles of each stage and of the total."""
        named = {**self.stages, "total": self.total}
        return {name: percentiles(durations)._asdict() for name, durations in named.items()}
