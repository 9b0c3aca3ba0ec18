# SPDX-License-Identifier: Apache-2.0
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from affordance_seg_ros.config import InputConfig
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.pipeline.fit import fit
from affordance_seg_ros.pipeline.postprocess import choose_action, label_map


def blobs(seed: int, height: int = 60, width: int = 80) -> torch.Tensor:
    """Smooth random logits (10, height, width)."""
    coarse = torch.randn(1, 10, 6, 8, generator=torch.Generator().manual_seed(seed))
    return 4 * interpolate(coarse, (height, width), mode="bicubic")[0]


@pytest.mark.parametrize("seed", range(5))
def test_the_mask_is_the_label_that_wins_among_enlarged_probabilities(seed: int) -> None:
    logits = blobs(seed)
    placed = fit(320, 240, InputConfig(width=80, height=60))
    labelled = label_map(logits, placed, 320, 240, min_confidence=0)
    enlarged = interpolate(logits.softmax(0)[None], (240, 320), mode="bilinear")[0]
    winner = enlarged.argmax(0).numpy()
    # Ties at borders round differently; nothing else may.
    assert (labelled.mask != winner).mean() < 1e-3
    same = labelled.mask == winner
    expected = enlarged.max(0).values.numpy()
    np.testing.assert_allclose(labelled.confidence[same], expected[same], atol=1e-5)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.6, 0.95, 1.0])
def test_no_affordance_below_the_threshold_survives(threshold: float) -> None:
    placed = fit(320, 240, InputConfig(width=80, height=60))
    labelled = label_map(blobs(3), placed, 320, 240, min_confidence=threshold)
    chosen = labelled.mask > 0
    assert (labelled.confidence[chosen] >= threshold).all()
    loose = label_map(blobs(3), placed, 320, 240, min_confidence=0)
    assert (loose.mask[chosen] == labelled.mask[chosen]).all()


def test_a_doubt_about_the_action_lowers_confidences_and_moves_no_border() -> None:
    placed = fit(320, 240, InputConfig(width=80, height=60))
    read = partial(label_map, blobs(3), placed, 320, 240)
    sure, doubtful = read(min_confidence=0), read(min_confidence=0, certainty=0.5)
    assert (doubtful.mask == sure.mask).all()
    factor = np.where(sure.mask > 0, 0.5, 1)
    np.testing.assert_allclose(doubtful.confidence, factor * sure.confidence, atol=1e-6)
    assert not read(min_confidence=0.5, certainty=0.49).mask.any()


def test_padding_is_cut_away_and_the_mask_has_the_size_of_the_picture() -> None:
    config = InputConfig(width=80, height=60, fit="letterbox")
    placed = fit(640, 360, config)
    logits = torch.zeros(10, 60, 80)
    top, rows = placed.target.y, placed.target.height
    logits[4] = -20
    logits[4, top : top + rows] = 20
    labelled = label_map(logits, placed, 640, 360, min_confidence=0.5)
    assert labelled.mask.shape == (360, 640)
    assert (labelled.mask == 4).all()


def test_outside_the_window_is_background_without_confidence() -> None:
    config = InputConfig(width=60, height=60, fit="center_crop")
    placed = fit(320, 240, config)
    logits = torch.zeros(10, 60, 60)
    logits[2] = 20
    labelled = label_map(logits, placed, 320, 240, min_confidence=0.5)
    assert (labelled.mask[:, 40:280] == 2).all()
    assert (labelled.mask[:, :40] == 0).all()
    assert (labelled.confidence[:, 280:] == 0).all()


def test_action_scores_are_probabilities_and_the_best_is_chosen() -> None:
    logits = torch.randn(9, generator=torch.Generator().manual_seed(0))
    action = choose_action(logits, LabelSet())
    assert action.scores.sum() == pytest.approx(1, abs=1e-5)
    assert action.id == int(logits.argmax())
    assert action.name == LabelSet().actions[action.id]
    assert action.score == action.scores.max()
