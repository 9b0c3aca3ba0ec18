# SPDX-License-Identifier: Apache-2.0
"""JSON documents of a run: predictions line by line, and the summary."""

from array import array
from typing import Any, NamedTuple

from affordance_seg_ros.frames import Prediction, StageTimes
from affordance_seg_ros.json_document import to_json, write_json
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.pipeline.overlay import label_scores
from affordance_seg_ros.pipeline.timing import percentiles

__all__ = ["StageStatistics", "prediction_document", "to_json", "write_json"]


def prediction_document(prediction: Prediction, labels: LabelSet) -> dict[str, Any]:
    """Return one prediction as JSON values, with counts in place of images.

    Args:
        prediction: The pipeline's prediction for one frame.
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


class StageStatistics(NamedTuple):
    """Durations of each stage of the pipeline and of all of them together, over the whole run.

    40 bytes per frame: 4 MB in an hour at 30 frames/s.
    """

    stages: dict[str, "array[float]"]
    total: "array[float]"

    @classmethod
    def empty(cls) -> "StageStatistics":
        """Return statistics without any durations yet."""
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
