# SPDX-License-Identifier: Apache-2.0
import json
import math

import pytest

from affordance_seg_ros.errors import FrameError
from affordance_seg_ros.evaluation.action_metrics import ActionMetrics
from affordance_seg_ros.labels import LabelSet

LABELS = LabelSet(actions=("cut", "stir", "lift"))


def test_actions_are_counted_by_truth_and_recognition():
    metrics = ActionMetrics(LABELS)
    for truth, recognised in ((0, 0), (0, 1), (1, 1), (0, 0)):
        metrics.add(truth, recognised)
    result = metrics.result()
    assert result.clips == 4
    assert result.accuracy == 3 / 4
    assert result.confusion.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert result.recall.by_class["cut"] == 2 / 3
    assert result.recall.by_class["stir"] == 1
    assert math.isnan(result.recall.by_class["lift"])
    document = json.loads(json.dumps(result.document(), allow_nan=False))
    assert document["recall"]["by_class"]["lift"] is None
    assert document["confusion"][0] == [2, 1, 0]


def test_no_clips_have_no_accuracy():
    result = ActionMetrics(LABELS).result()
    assert result.clips == 0
    assert math.isnan(result.accuracy)
    assert result.document()["accuracy"] is None


@pytest.mark.parametrize(("truth", "recognised"), [(3, 0), (0, 3), (-1, 0), (0, -1)])
def test_refuses_unknown_actions(truth, recognised):
    metrics = ActionMetrics(LABELS)
    with pytest.raises(FrameError, match=r"action id .*; expected 0 to 2"):
        metrics.add(truth, recognised)
    assert metrics.result().clips == 0


def test_results_do_not_change_when_more_is_added():
    metrics = ActionMetrics(LABELS)
    metrics.add(0, 0)
    before = metrics.result()
    metrics.add(0, 0)
    assert before.confusion.tolist()[0] == [1, 0, 0]
