# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from affordance_seg_ros.evaluation.contact_sheet import (
    EvenlyThinned,
    Moment,
    color_depth,
    draw_contact_sheet,
)
from affordance_seg_ros.frames import Action, DepthImage, Prediction, StageTimes
from affordance_seg_ros.labels import LabelSet


def moment(seed: int) -> Moment:
    random = np.random.default_rng(seed)
    color = random.integers(0, 256, (240, 320, 3), np.uint8)
    depth = DepthImage(random.integers(0, 2000, (240, 320), np.uint16), 1e-3)
    prediction = Prediction(
        stamp_ns=seed * 10**8,
        frame_id="camera",
        mask=np.zeros((240, 320), np.uint8),
        confidence=np.ones((240, 320), np.float32),
        action=Action(0, "cut", 0.5, np.full(9, 1 / 9, np.float32)),
        regions=(),
        flow_color=random.integers(0, 256, (60, 80, 3), np.uint8),
        stages_ms=StageTimes(1, 1, 1, 1),
        reset_reason="",
    )
    return Moment(color, depth, prediction)


@pytest.mark.parametrize("total", [1, 5, 8, 9, 16, 17, 100, 1000])
def test_thinning_keeps_few_evenly_spread_items_in_order(total: int) -> None:
    thinned: EvenlyThinned[int] = EvenlyThinned(8)
    for item in range(total):
        thinned.add(item if thinned.wants_next() else None)
    kept = thinned.pick()
    assert kept[0] == 0
    assert len(kept) == min(total, 8)
    assert kept == sorted(kept)
    assert total - kept[-1] <= max(1, total / 8)
    if total >= 16:
        steps = np.diff(kept)
        assert steps.max() <= 2 * steps.min() + 1


def test_a_wanted_item_cannot_be_left_out() -> None:
    thinned: EvenlyThinned[int] = EvenlyThinned(2)
    with pytest.raises(ValueError, match="is wanted"):
        thinned.add(None)


def test_depth_is_black_where_there_is_none_and_warmer_where_nearer() -> None:
    raw = np.tile(np.linspace(500, 1500, 100).astype(np.uint16), (50, 1))
    raw[:, 40] = 0
    picture = color_depth(DepthImage(raw, 1e-3)).astype(int)
    assert (picture[:, 40] == 0).all()
    red_minus_blue = picture[0, :, 0] - picture[0, :, 2]
    assert red_minus_blue[5] > red_minus_blue[80]
    assert (color_depth(DepthImage(np.zeros((4, 5), np.uint16), 1e-3)) == 0).all()


def test_the_sheet_has_a_column_a_moment() -> None:
    one, three = (
        draw_contact_sheet([moment(i) for i in range(n)], LabelSet(), title="clip", trained=True)
        for n in (1, 3)
    )
    assert one.shape[0] == three.shape[0]
    assert three.shape[1] - one.shape[1] == 2 * 244


def test_a_long_title_and_the_warning_do_not_overlap() -> None:
    title = "a recording of a rather long name, weights untrained-compact"
    sheets = [
        draw_contact_sheet([moment(0)], LabelSet(), title=text, trained=trained)[:34]
        for text, trained in ((title, True), (title, False), ("", False))
    ]
    width = min(sheet.shape[1] for sheet in sheets)
    assert width == sheets[2].shape[1] < sheets[0].shape[1] < sheets[1].shape[1]
    warned = (sheets[1] != sheets[1][0, 0]).any((0, 2))
    gap = np.flatnonzero(np.diff(np.flatnonzero(warned)) > 12)
    assert gap.size == 1


def test_the_sheet_says_untrained() -> None:
    moments = [moment(i) for i in range(3)]
    sheets = [
        draw_contact_sheet(moments, LabelSet(), title="clip", trained=trained)
        for trained in (True, False)
    ]
    differs = (sheets[0] != sheets[1]).any(-1)
    assert differs[:34].sum() > 200
    assert not differs[34:].any()
