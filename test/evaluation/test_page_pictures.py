# SPDX-License-Identifier: Apache-2.0
import math

import cv2
import numpy as np
import pytest

from affordance_seg_ros.evaluation.page_pictures import Film, WorstFrames, badness_measures, to_jpeg
from affordance_seg_ros.evaluation.run_history import FrameNote

PICTURE = np.zeros((24, 32, 3), np.uint8)
NOISE = np.random.default_rng(0).integers(0, 256, (360, 480, 3), np.uint8)
SECOND_NS = 1_000_000_000


def test_a_film_of_any_length_stays_within_its_bytes_and_spans_the_run() -> None:
    film = Film()
    for index in range(1000):
        film.add(index, NOISE if film.wants_next() else None)
    stills = film.stills()
    assert sum(len(still.jpeg) for still in stills) < 2_200_000
    frames = [still.frame for still in stills]
    assert frames == sorted(frames)
    assert frames[0] == 0
    assert frames[-1] > 900


def test_a_short_film_holds_every_frame() -> None:
    film = Film()
    for index in range(40):
        film.add(index, PICTURE)
    assert [still.frame for still in film.stills()] == list(range(40))


def test_the_worst_frames_come_worst_first_and_one_of_each_moment() -> None:
    worst = WorstFrames(count=3)
    # Ten frames a second: 20 moments of half a second, five frames each.
    order = np.random.default_rng(0).permutation(100)
    for index, badness in enumerate(order):
        stamp_ns = index * SECOND_NS // 10
        if worst.wants(stamp_ns, badness):
            worst.add(stamp_ns, badness, index, PICTURE)
    of_moments = sorted((max(order[k : k + 5]), k // 5) for k in range(0, 100, 5))[::-1]
    found = [(order[still.frame], still.frame // 5) for still in worst.stills()]
    assert found == of_moments[:3]


def test_a_frame_without_a_measure_is_never_the_worst() -> None:
    assert not WorstFrames().wants(0, math.nan)


def note(**values: float) -> FrameNote:
    given = {"confidence": 0.25, "duration_ms": 30.0, "iou": math.nan, **values}
    return FrameNote(0, 0, np.ones(1, np.float32), np.ones(2, np.float32), **given)


def test_labelled_runs_are_judged_by_iou_and_others_by_time_and_confidence() -> None:
    assert [(b.title, b.value) for b in badness_measures(note(iou=0.25), labelled=True)] == [
        ("Lowest IoU", 0.75)
    ]
    assert [(b.title, b.value) for b in badness_measures(note(), labelled=False)] == [
        ("Slowest", 30.0),
        ("Least confident", 0.75),
    ]


def test_a_jpeg_is_no_wider_than_asked_and_keeps_to_its_bytes_by_quality() -> None:
    data = to_jpeg(NOISE, 240, limit=10_000)
    assert len(data) <= 10_000 < len(to_jpeg(NOISE, 240))
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == (180, 240, 3)


@pytest.mark.parametrize("width", [32, 640])
def test_a_small_picture_keeps_its_size(width: int) -> None:
    data = to_jpeg(PICTURE, width)
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == PICTURE.shape
