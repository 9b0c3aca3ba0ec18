# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from affordance_seg_ros.frames import Action, Prediction, StageTimes
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.pipeline.overlay import blend_mask, draw_overlay, label_scores

LABELS = LabelSet()


def predict(mask: np.ndarray, confidence: float = 0.8) -> Prediction:
    scores = np.full(9, 0.05, np.float32)
    scores[3] = 0.6
    return Prediction(
        stamp_ns=1,
        frame_id="camera",
        mask=mask,
        confidence=np.full(mask.shape, confidence, np.float32),
        action=Action(3, "lift", 0.6, scores),
        regions=(),
        flow_color=np.zeros((60, 80, 3), np.uint8),
        stages_ms=StageTimes(1, 2, 3, 4),
        reset_reason="",
    )


def scene() -> tuple[np.ndarray, np.ndarray]:
    color = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    mask = np.zeros((240, 320), np.uint8)
    mask[150:200, 200:280] = LABELS.label_id("cut")
    return color, mask


def test_background_keeps_the_picture_and_labels_take_their_colour() -> None:
    color, mask = scene()
    before = color.copy()
    blended = blend_mask(color, mask, LABELS)
    assert (blended[mask == 0] == color[mask == 0]).all()
    assert (color == before).all()
    inside = blended[160:190, 210:270].mean((0, 1))
    tint = LABELS.colors_rgb[LABELS.label_id("cut")]
    np.testing.assert_allclose(inside, 0.55 * tint + 0.45 * 127.5, atol=6)
    assert (blended[150, 200:280] == tint).all()  # the line around it


def test_an_empty_mask_is_the_picture_itself() -> None:
    color, mask = scene()
    assert (blend_mask(color, np.zeros_like(mask), LABELS) == color).all()


def test_scores_are_the_mean_confidence_of_each_label_but_background() -> None:
    _, mask = scene()
    assert label_scores(predict(mask)) == {LABELS.label_id("cut"): pytest.approx(0.8)}


def test_untrained_weights_are_written_across_the_picture() -> None:
    color, mask = scene()
    trained = draw_overlay(color, predict(mask), LABELS, trained=True)
    untrained = draw_overlay(color, predict(mask), LABELS, trained=False)
    differs = (trained != untrained).any(-1)
    assert differs.sum() > 300
    assert differs[:150].sum() == 0


@pytest.mark.parametrize("size", [(90, 120), (240, 320), (720, 1280)])
def test_any_size_can_be_drawn(size: tuple[int, int]) -> None:
    mask = np.ones(size, np.uint8)
    picture = draw_overlay(
        np.zeros((*size, 3), np.uint8), predict(mask), LABELS, trained=True, footer="12 ms"
    )
    assert picture.shape == (*size, 3)
    assert picture.any()


@pytest.mark.parametrize("size", [(240, 320), (480, 640), (720, 1280), (1080, 1920), (640, 360)])
def test_nine_labels_and_two_lines_below_neither_meet_nor_leave_the_picture(
    size: tuple[int, int],
) -> None:
    mask = np.zeros(size, np.uint8)
    mask[0, 20 : 20 + 9] = np.arange(1, 10)
    ground = np.full((*size, 3), 255, np.uint8)
    picture = draw_overlay(ground, predict(mask), LABELS, trained=False, footer="pipeline 9999 ms")
    written = (picture != blend_mask(ground, mask, LABELS)).any(-1)
    rows = np.flatnonzero(written.any(axis=1))
    assert np.diff(rows).max() > 20  # the gap between the two panels
    assert not written[:, -8:].any()


@pytest.mark.parametrize("size", [(240, 320), (1080, 1920)])
@pytest.mark.parametrize("light", [0, 128, 255])
def test_letters_stand_out_from_any_ground(size: tuple[int, int], light: int) -> None:
    ground = np.full((*size, 3), light, np.uint8)
    picture = draw_overlay(ground, predict(np.zeros(size, np.uint8)), LABELS, trained=True)
    panel = picture[: size[0] // 20, : size[1] // 5]
    assert np.median(panel) <= 0.5 * 255
    assert panel.max() > 230  # blended at the edges of thin letters


def test_letters_in_small_pictures_are_tall_enough_to_be_read() -> None:
    picture = draw_overlay(
        np.zeros((240, 320, 3), np.uint8),
        predict(np.zeros((240, 320), np.uint8)),
        LABELS,
        trained=True,
    )
    rows = np.flatnonzero((picture > 128).any(axis=(1, 2)))
    assert rows.max() - rows.min() + 1 >= 9
