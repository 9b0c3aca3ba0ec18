# SPDX-License-Identifier: Apache-2.0
"""Ranges of scores are as wide as chance makes them."""

import math

import numpy as np
import pytest

from affordance_seg_ros.evaluation.interval import mask_intervals, share_interval
from affordance_seg_ros.evaluation.metrics import PixelCounts, SegmentationMetrics, count_picture
from affordance_seg_ros.labels import LabelSet

LABELS = LabelSet(affordances=("cut", "grasp"), actions=("cut", "grasp"))


def picture(found: bool, label: int = 1) -> PixelCounts:
    truth = np.full((4, 5), label, np.uint8)
    return count_picture(truth, truth if found else np.zeros_like(truth), LABELS)


@pytest.mark.parametrize("clips", [0, 1])
def test_a_single_clip_tells_nothing_of_others(clips):
    ranges = mask_intervals([picture(True)] * clips)
    assert np.isnan([*ranges.iou, *ranges.f1]).all()


def test_clips_that_are_alike_leave_no_doubt():
    ranges = mask_intervals([picture(True)] * 5)
    assert ranges.iou == ranges.f1 == (1, 1)


@pytest.mark.parametrize("clips", [40, 400])
def test_a_range_is_as_wide_as_that_of_a_share_and_narrows_with_more_clips(clips):
    # Every clip is either found whole or not at all: the pooled IoU is the share of those found.
    share = 0.75
    found = round(share * clips)
    ranges = mask_intervals([picture(True)] * found + [picture(False)] * (clips - found))
    half = 1.96 * math.sqrt(share * (1 - share) / clips)
    assert ranges.iou.low == pytest.approx(share - half, abs=0.2 * half)
    assert ranges.iou.high == pytest.approx(share + half, abs=0.2 * half)


def test_a_range_holds_the_score_of_the_set_itself():
    random = np.random.default_rng(1)
    metrics, counts = SegmentationMetrics(LABELS), []
    for _ in range(30):
        truth, mask = random.integers(0, 3, (2, 6, 6))
        counts.append(metrics.add(truth, mask))
    result, ranges = metrics.result(), mask_intervals(counts)
    assert ranges.iou.low < result.iou.mean < ranges.iou.high
    assert ranges.f1.low < result.f1.mean < ranges.f1.high
    assert mask_intervals(counts) == ranges  # no chance from run to run


def test_one_clip_of_a_class_widens_the_range_of_the_mean():
    common = [picture(True)] * 20
    alone = mask_intervals(common).iou
    with_rare = mask_intervals([*common, picture(False, label=2)]).iou
    assert alone == (1, 1)
    assert with_rare == (0.5, 1)


def test_what_is_not_defined_has_no_range():
    nothing = count_picture(np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8), LABELS)
    assert np.isnan(mask_intervals([nothing, nothing])).all()
    assert np.isnan(share_interval(0, 0)).all()


def test_the_range_of_a_share_is_wilson_s():
    assert share_interval(49, 50) == pytest.approx((0.8950, 0.9965), abs=1e-4)
