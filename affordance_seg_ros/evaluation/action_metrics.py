# SPDX-License-Identifier: Apache-2.0
"""How well actions are recognised."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import FrameError
from affordance_seg_ros.evaluation.class_scores import ClassScores, defined_or_none
from affordance_seg_ros.labels import LabelSet


class ActionResult(NamedTuple):
    """Recognition of actions over a set of clips.

    Attributes:
        clips: Number of clips.
        accuracy: Share of clips whose action was recognised (top-1); NaN without clips.
        recall: Share of the clips of each action; NaN for an action that no clip shows.
        confusion: (A, A) number of clips by true action (row) and recognised action (column).
    """

    clips: int
    accuracy: float
    recall: ClassScores
    confusion: npt.NDArray[np.int64]

    @property
    def hits(self) -> int:
        """Number of clips whose action was recognised."""
        return int(np.trace(self.confusion))

    def document(self) -> dict[str, Any]:
        """Return JSON values; what is not defined is None."""
        return {
            "clips": self.clips,
            "accuracy": defined_or_none(self.accuracy),
            "recall": self.recall.document(),
            "confusion": self.confusion.tolist(),
        }


class ActionMetrics:
    """Collects recognised and true actions, clip by clip.

    Args:
        labels: The actions.
    """

    def __init__(self, labels: LabelSet) -> None:
        self._labels = labels
        self._confusion = np.zeros((len(labels.actions),) * 2, np.int64)

    def add(self, truth_id: int, predicted_id: int) -> None:
        """Add one clip by its true and its recognised action id.

        Raises:
            FrameError: An id does not belong to an action.
        """
        for name, action_id in (("true", truth_id), ("recognised", predicted_id)):
            if not 0 <= action_id < len(self._labels.actions):
                raise FrameError(
                    f"{name} action id {action_id}; expected 0 to {len(self._labels.actions) - 1}"
                )
        self._confusion[truth_id, predicted_id] += 1

    def result(self) -> ActionResult:
        """Return the scores of all clips added so far."""
        hits, shown = np.diag(self._confusion), self._confusion.sum(1)
        recall = np.divide(hits, shown, out=np.full(len(hits), np.nan), where=shown > 0)
        clips = int(shown.sum())
        return ActionResult(
            clips=clips,
            accuracy=float(hits.sum() / clips) if clips else np.nan,
            recall=ClassScores.of(self._labels.actions, recall),
            confusion=self._confusion.copy(),
        )
