# SPDX-License-Identifier: Apache-2.0
import json
import math

import numpy as np
import py_sod_metrics
import pytest

from affordance_seg_ros.errors import FrameError
from affordance_seg_ros.evaluation.class_scores import PAPER_WEIGHTS, weighted_mean
from affordance_seg_ros.evaluation.metrics import SegmentationMetrics
from affordance_seg_ros.evaluation.weighted_f import weighted_score
from affordance_seg_ros.labels import IGNORE, SOR3D_AFF, LabelSet

LABELS = LabelSet(("cut", "grasp", "pour"), ("cut", "stir", "lift"))


def result_of(*pictures, labels=LABELS):
    metrics = SegmentationMetrics(labels)
    for picture in pictures:
        metrics.add(*picture)
    return metrics.result()


def blobs(seed, shape=(60, 80), classes=4):
    """A random label map of smooth regions."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, classes, (shape[0] // 10, shape[1] // 10))
    return np.kron(coarse, np.ones((10, 10))).astype(np.uint8)


def softened(mask, seed, classes=4):
    """Probabilities (classes, H, W) that favour the mask."""
    random = np.random.default_rng(seed)
    scores = random.normal(size=(classes, *mask.shape)) + 2 * np.eye(classes)[mask].transpose(
        2, 0, 1
    )
    exponentials = np.exp(scores)
    return (exponentials / exponentials.sum(0)).astype(np.float32)


def same(one, other):
    """Whether two results are equal, NaN with NaN."""
    return json.dumps(one.document()) == json.dumps(other.document())


def test_the_truth_itself_scores_one():
    truth = blobs(0)
    result = result_of((truth, truth), (blobs(1), blobs(1)))
    assert result.images == 2
    for scores in (result.iou, result.iou_per_image, result.f1, result.f1_per_image):
        assert scores.mean == 1
        assert dict(scores.by_class) == {"cut": 1, "grasp": 1, "pour": 1}
    assert result.fw_margolin.mean == pytest.approx(1, abs=1e-12)
    assert result.fw_margolin_beta2_03.mean == pytest.approx(1, abs=1e-12)


def test_a_wrong_class_everywhere_scores_zero():
    # Away from the borders, where the measure's zero padding forgives.
    truth = np.pad(np.full((20, 30), 1), 5)
    result = result_of((truth, 2 * truth))
    for scores in (result.iou, result.f1, result.iou_per_image):
        assert scores.by_class["cut"] == scores.by_class["grasp"] == 0
        assert math.isnan(scores.by_class["pour"])
        assert scores.mean == 0
    assert result.fw_margolin.by_class["cut"] == pytest.approx(0, abs=1e-12)
    assert math.isnan(result.fw_margolin.by_class["grasp"])


def test_counts_a_picture_worked_out_by_hand():
    truth = np.array([[1, 1, 1, 0], [2, 2, 0, IGNORE]])
    mask = np.array([[1, 1, 0, 1], [2, 1, 0, 3]])
    result = result_of((truth, mask))
    # cut: 2 found, 2 false, 1 missed. grasp: 1 found, 1 missed. pour: only on an ignored pixel.
    assert result.iou.by_class["cut"] == 2 / 5
    assert result.f1.by_class["cut"] == 4 / 7
    assert result.iou.by_class["grasp"] == 1 / 2
    assert result.f1.by_class["grasp"] == 2 / 3
    assert math.isnan(result.iou.by_class["pour"])
    assert result.iou.mean == pytest.approx((2 / 5 + 1 / 2) / 2)
    assert result.f1.mean == pytest.approx((4 / 7 + 2 / 3) / 2)


def test_f1_follows_from_iou_where_both_are_pooled():
    result = result_of(*((blobs(seed), blobs(seed + 10)) for seed in range(3)))
    for name, iou in result.iou.by_class.items():
        assert result.f1.by_class[name] == pytest.approx(2 * iou / (1 + iou))


def test_pooled_scores_weigh_pixels_and_per_image_scores_pictures():
    large, small = np.ones((20, 20), int), np.ones((2, 2), int)
    result = result_of((large, large), (small, 0 * small))
    assert result.iou.by_class["cut"] == pytest.approx(400 / 404)
    assert result.iou_per_image.by_class["cut"] == 0.5
    assert result.f1.by_class["cut"] == pytest.approx(800 / 804)
    assert result.f1_per_image.by_class["cut"] == 0.5


def test_pictures_without_a_class_do_not_count_for_it():
    truth = blobs(0)
    empty = np.zeros_like(truth)
    alone, among_empty = result_of((truth, blobs(1))), result_of((truth, blobs(1)), (empty, empty))
    assert same(alone, among_empty._replace(images=1))


def test_a_false_alarm_counts_where_the_class_is_absent():
    empty = np.zeros((10, 10), int)
    result = result_of((empty, empty + 3))
    assert result.iou.by_class["pour"] == result.f1_per_image.by_class["pour"] == 0


def test_ignored_pixels_change_nothing():
    truth, mask = blobs(0), blobs(1)
    truth[20:40, :30] = IGNORE
    probabilities = softened(mask, 2)
    other_mask, other_probabilities = mask.copy(), probabilities.copy()
    other_mask[20:40, :30] = 3
    other_probabilities[:, 20:40, :30] = 1
    one, other = result_of((truth, mask)), result_of((truth, other_mask))
    assert same(one, other)
    one = result_of((truth, mask, probabilities))
    other = result_of((truth, other_mask, other_probabilities))
    assert same(one, other)


def test_the_order_of_pictures_does_not_matter():
    pictures = [(blobs(seed), blobs(seed + 10)) for seed in range(3)]
    one, other = result_of(*pictures), result_of(*reversed(pictures))
    assert one.iou == other.iou
    assert one.fw_margolin.mean == pytest.approx(other.fw_margolin.mean)


def test_probabilities_of_a_mask_score_like_the_mask():
    truth, mask = blobs(0), blobs(1)
    certain = np.eye(4, dtype=np.float32)[mask].transpose(2, 0, 1)
    assert same(result_of((truth, mask)), result_of((truth, mask, certain)))


@pytest.mark.parametrize("beta2", [1.0, 0.3])
@pytest.mark.parametrize("seed", range(4))
def test_weighted_f_agrees_with_an_independent_implementation(seed, beta2):
    truth = blobs(seed) == 1
    for prediction in (
        softened(blobs(seed), seed)[1],
        (blobs(seed + 20) == 1).astype(np.float32),
        np.zeros(truth.shape, np.float32),
        np.ones(truth.shape, np.float32),
    ):
        oracle = py_sod_metrics.WeightedFmeasure(beta=beta2)  # its beta is β²
        oracle.step(prediction.astype(np.float64), truth, normalize=False)
        expected = oracle.get_results()["wfm"]
        assert weighted_score(prediction, truth).f(beta2) == pytest.approx(expected, abs=1e-9)


def test_weighted_f_is_the_mean_over_pictures_that_show_the_class():
    pictures = [
        (blobs(seed), blobs(seed + 10), softened(blobs(seed + 10), seed)) for seed in (0, 1)
    ]
    without_cut = np.where(blobs(2) == 1, 0, blobs(2))
    pictures.append((without_cut, blobs(2), softened(blobs(2), 2)))
    result = result_of(*pictures)
    scores = [weighted_score(p[1], truth == 1) for truth, _, p in pictures[:2]]
    for beta2, found in ((1.0, result.fw_margolin), (0.3, result.fw_margolin_beta2_03)):
        expected = np.mean([score.f(beta2) for score in scores])
        assert found.by_class["cut"] == pytest.approx(expected)
    assert result.fw_margolin.by_class["cut"] != result.fw_margolin_beta2_03.by_class["cut"]


def test_a_far_false_alarm_is_worse_than_a_near_one():
    truth = np.zeros((60, 60), bool)
    truth[25:35, 25:35] = True
    near, far = truth.copy(), truth.copy()
    near[25:35, 36:38] = True
    far[25:35, 56:58] = True
    assert weighted_score(far, truth).precision < weighted_score(near, truth).precision < 1


def test_weighted_f_is_not_defined_without_foreground():
    score = weighted_score(np.ones((5, 5)), np.zeros((5, 5), bool))
    assert math.isnan(score.f(1.0))


def test_the_papers_weights_are_those_of_its_affordances():
    assert tuple(PAPER_WEIGHTS) == SOR3D_AFF
    assert sum(PAPER_WEIGHTS.values()) == pytest.approx(0.998)


def test_the_papers_f1_weighs_grasp_and_lift_more():
    labels = LabelSet()
    truth = np.repeat(np.arange(10), 10)[None].repeat(4, 0)
    # As many wrong pixels of each class, in a class that has no weight.
    scores = {}
    for name in ("grasp", "push", "cut"):
        mask = truth.copy()
        mask[truth == labels.label_id(name)] = 0
        result = result_of((truth, mask), labels=labels)
        scores[name] = result.f1_paper_weighted
        assert result.f1.mean == pytest.approx(8 / 9)
    assert scores["grasp"] == pytest.approx(1 - 0.2 / 0.998)
    assert scores["push"] == pytest.approx(1 - 0.1 / 0.998)
    assert scores["cut"] == pytest.approx(1 - 0.083 / 0.998)


def test_the_papers_f1_renormalises_over_the_classes_that_are_there():
    labels = LabelSet()
    truth = np.repeat([[labels.label_id("grasp"), labels.label_id("push")]], 5, 0)
    mask = np.where(truth == labels.label_id("push"), 0, truth)
    assert result_of((truth, mask), labels=labels).f1_paper_weighted == pytest.approx(2 / 3)


def test_the_papers_f1_is_not_defined_for_other_affordances():
    assert math.isnan(result_of((blobs(0), blobs(0))).f1_paper_weighted)
    assert math.isnan(weighted_mean({"cut": math.nan}, {"cut": 1.0}))


def test_nothing_added_is_not_a_score():
    document = result_of().document()
    assert document["images"] == 0
    assert document["iou"] == {"mean": None, "by_class": {"cut": None, "grasp": None, "pour": None}}
    assert document["f1_paper_weighted"] is None


def test_the_document_is_strict_json_and_names_every_metric():
    result = result_of((blobs(0), blobs(1)))
    document = json.loads(json.dumps(result.document(), allow_nan=False))
    assert tuple(document) == result._fields
    assert document["iou"]["by_class"]["cut"] == result.iou.by_class["cut"]


def test_a_picture_of_ignored_pixels_only_scores_nothing():
    truth = np.full((4, 5), IGNORE, np.uint8)
    result = result_of((truth, np.ones_like(truth)))
    assert result.images == 1
    assert math.isnan(result.iou.mean)


@pytest.mark.parametrize(
    ("truth", "mask", "probabilities", "message"),
    [
        (np.zeros((4, 5)), np.zeros((5, 4)), None, r"mask \(5, 4\) with truth \(4, 5\)"),
        (np.zeros(4), np.zeros(4), None, r"expected \(H, W\)"),
        (np.full((4, 5), 4), np.zeros((4, 5)), None, "label id 4 in truth; expected 0 to 3 or 255"),
        (np.zeros((4, 5)), np.full((4, 5), 255), None, "label id 255 in mask; expected 0 to 3$"),
        (np.zeros((4, 5)), np.full((4, 5), -1), None, "label id -1 in mask"),
        (np.zeros((4, 5)), np.zeros((4, 5)), np.zeros((3, 4, 5)), r"expected \(4, 4, 5\)"),
        (np.zeros((4, 5)), np.zeros((4, 5)), np.full((4, 4, 5), 2), "from 0.* to 2.*; expected 0"),
        (np.zeros((4, 5)), np.zeros((4, 5)), np.full((4, 4, 5), np.nan), "nan; expected 0 to 1"),
    ],
)
def test_refuses_what_cannot_be_compared(truth, mask, probabilities, message):
    metrics = SegmentationMetrics(LABELS)
    with pytest.raises(FrameError, match=message):
        metrics.add(truth.astype(int), mask.astype(int), probabilities)
    assert metrics.result().images == 0
