# SPDX-License-Identifier: Apache-2.0
"""Masks scored at several thresholds at once."""

import math

import numpy as np
import pytest
import torch

from affordance_seg_ros.evaluation.metrics import SegmentationMetrics
from affordance_seg_ros.evaluation.threshold_sweep import THRESHOLDS, ThresholdSweep
from affordance_seg_ros.frames import Box
from affordance_seg_ros.labels import IGNORE, LabelSet
from affordance_seg_ros.pipeline.fit import Fit
from affordance_seg_ros.pipeline.postprocess import LabelMap, label_map

LABELS = LabelSet(("cut", "grasp"), ("cut", "stir"))
NINE = LabelSet()


def test_precision_rises_and_recall_falls_with_the_threshold() -> None:
    truth = np.array([[1, 1, 2, 0, IGNORE]])
    mask = np.array([[1, 1, 2, 2, 1]], np.uint8)
    confidence = np.array([[0.95, 0.4, 0.8, 0.3, 0.1]], np.float32)
    sweep = ThresholdSweep(LABELS, thresholds=(0.0, 0.5, 0.9, 1.0))
    sweep.add(truth, mask, confidence)
    every, half, most, none = sweep.result()
    assert (every.precision, every.recall) == (0.75, 1.0)
    assert every.iou == 0.75
    assert (half.precision, half.recall, half.iou) == (1.0, 0.75, 0.75)
    assert most.f1 == pytest.approx(1 / 3)
    assert most.precision == 1.0  # of the one affordance that is still marked
    assert math.isnan(none.precision)
    assert (none.recall, none.unmarked, most.unmarked) == (0.0, 1.0, 0.0)
    assert none.document()["precision"] is None


def marked(logits: torch.Tensor, threshold: float) -> LabelMap:
    whole = Fit(Box(0, 0, 80, 60), Box(0, 0, 40, 30), 40, 30)
    return label_map(logits, whole, 80, 60, min_confidence=threshold, certainty=0.97)


def test_each_threshold_scores_what_the_pipeline_would_have_marked() -> None:
    sweep = ThresholdSweep(NINE)
    own = {threshold: SegmentationMetrics(NINE) for threshold in THRESHOLDS}
    for seed in range(3):
        random = torch.Generator().manual_seed(seed)
        logits = 3 * torch.randn((10, 30, 40), generator=random)
        truth = torch.randint(0, 10, (60, 80), generator=random).numpy()
        sweep.add(truth, *marked(logits, 0.0))
        for threshold, metrics in own.items():
            metrics.add(truth, marked(logits, threshold).mask)
    found = sweep.result()
    assert [each.min_confidence for each in found] == list(THRESHOLDS)
    for each in found:
        expected = own[each.min_confidence].result()
        assert (each.iou, each.f1) == pytest.approx((expected.iou.mean, expected.f1.mean))
    assert found[0].iou != found[3].iou


def test_nothing_is_said_of_thresholds_below_that_of_the_masks() -> None:
    found = ThresholdSweep(LABELS, 0.6).result()
    assert [each.min_confidence for each in found] == [0.6, 0.75, 0.9, 0.95]
