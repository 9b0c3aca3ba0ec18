# SPDX-License-Identifier: Apache-2.0
import math

import pytest

from affordance_seg_ros.frames import StageTimes
from affordance_seg_ros.ros.frame_log import FrameLog, FrameRecord, is_of_this_clock

S = 1_000_000_000
NAN = float("nan")


def record(stamp_ms, receipt_ms=20.0):
    return FrameRecord(stamp_ms, receipt_ms, 2.0, 1.0, 1.0, StageTimes(1.0, 2.0, 8.0, 3.0), 2.0)


def test_latency_is_stamp_to_publish_where_stamps_are_of_the_nodes_clock():
    log = FrameLog()
    for stamp_ms in range(1, 101):
        log.add(record(float(stamp_ms)))
    summary = log.summary()
    assert (summary.frames, summary.clock) == (100, "stamp")
    assert summary.latency.p50 == pytest.approx(50.5)
    assert summary.latency.max == 100


def test_latency_is_counted_from_arrival_where_stamps_are_of_another_clock():
    log = FrameLog()
    for index in range(10):
        log.add(record(5.0 if index < 3 else NAN, receipt_ms=20.0 + index))
    summary = log.summary()
    assert summary.clock == "receipt"
    assert summary.latency.p50 == pytest.approx(24.5)


def test_overhead_is_what_is_neither_pipeline_nor_a_wait_for_depth_or_worker():
    assert record(NAN).overhead == pytest.approx(20 - 2 - 1 - 14)


def test_stages_are_named_in_the_order_of_the_flow():
    log = FrameLog()
    log.add(record(NAN))
    stages = log.summary().stages
    assert list(stages) == [
        "pairing", "queue", "decode", "preprocess", "flow", "network", "postprocess", "publish",
        "overhead",
    ]  # fmt: skip
    assert stages["network"].p99 == 8


def test_an_empty_log_has_no_percentiles():
    summary = FrameLog().summary()
    assert summary.frames == 0
    assert all(math.isnan(value) for value in summary.latency)


def test_two_thousand_frames_are_remembered_where_no_number_is_given():
    log = FrameLog()
    for stamp_ms in range(1, 2002):
        log.add(record(float(stamp_ms)))
    assert log.summary().frames == 2000


def test_only_the_last_frames_are_remembered():
    log = FrameLog(size=3)
    for stamp_ms in (1.0, 2.0, 3.0, 4.0):
        log.add(record(stamp_ms))
    assert log.summary().latency.p50 == 3


@pytest.mark.parametrize(
    ("age_s", "expected"), [(0, True), (9.9, True), (10.1, False), (-0.05, True), (-0.2, False)]
)
def test_a_stamp_of_this_clock_is_neither_old_nor_ahead(age_s, expected):
    now = 1_700_000_000 * S
    assert is_of_this_clock(now - round(age_s * S), now) is expected
