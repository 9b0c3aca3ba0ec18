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


def test_percentiles_are_those_of_the_whole_run_however_long() -> None:
    statistics = StageStatistics.empty()
    for index in range(5000):
        statistics.add(StageTimes(0.0, 0.0, float(index < 2500), 0.0))
    assert statistics.document()["network"]["p50"] == 0.5
