# SPDX-License-Identifier: Apache-2.0
from affordance_seg_ros.evaluation.report import StageStatistics
from affordance_seg_ros.frames import StageTimes


def test_the_total_is_the_sum_of_the_stages() -> None:
    statistics = StageStatistics.empty()
    for scale in (1.0, 2.0, 3.0):
        statistics.add(StageTimes(scale, 2 * scale, 3 * scale, 4 * scale))
    document = statistics.document()
    assert document["flow"]["p50"] == 4
    assert document["total"]["max"] == 30
