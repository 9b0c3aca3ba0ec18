# SPDX-License-Identifier: Apache-2.0
from copy import copy
from types import SimpleNamespace

import numpy as np
import pytest
from tiny_clips import LABELS, write_clip

from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.errors import FrameError, SourceError
from affordance_seg_ros.training.datasets.clips import scan_clips
from affordance_seg_ros.training.long_stream import (
    measure_rest,
    measure_succession,
    run_following_clip,
)

FRAMES = 4
"""Of each clip."""


class Oracle:
    """A pipeline that sees the squares, and names them by the frames that it remembers.

    Args:
        knows: Whether it names them right with so many frames in its memory, the newest included.
    """

    labels = LABELS

    def __init__(self, knows=lambda frames: frames > 1):
        self.knows = knows
        self.memory = []
        self.stamps_ns = []
        self.config = PipelineConfig()
        self.rests_s = []

    def configure(self, config):
        self.config = config
        self.rests_s.append(config.rest_s)

    def reset(self):
        self.memory = []

    def step(self, frame):
        self.memory.append(frame.color)
        self.stamps_ns.append(frame.stamp_ns)
        found = LABELS.label_id("push" if self.knows(len(self.memory)) else "cut")
        square = np.ptp(frame.color.astype(int), axis=2) > 80
        return SimpleNamespace(mask=np.where(square, found, 0).astype(np.uint8))


@pytest.fixture(scope="module")
def sequences(tmp_path_factory):
    root = tmp_path_factory.mktemp("pushed")
    for index in range(6):
        write_clip(root / f"train_{index:03}", "push", index, frames=FRAMES)
    return scan_clips(root, "", None, LABELS).sequences


def test_a_rest_changes_nothing_for_who_forgets_nothing(sequences):
    rest = measure_rest(Oracle(), sequences[:3], rest_s=(0.5, 0.0, 0.01), progress=False)
    keep = rest["after"]["keep"]
    assert keep["0 s"] == keep["0.01 s"] == keep["0.5 s"] > 0.9


def test_a_rest_before_a_clip_is_of_its_first_frame(sequences):
    oracle = Oracle(knows=lambda frames: frames == 5 + FRAMES)
    rest = measure_rest(oracle, sequences[:1], rest_s=(0.0, 0.5), progress=False)
    assert rest["after 0.5 s before the clip"]["keep"] > 0.95
    assert rest["after"]["keep"] == {"0 s": 0, "0.5 s": pytest.approx(1, abs=0.05)}
    for color in oracle.memory[:5]:
        np.testing.assert_array_equal(color, sequences[0].frame(0).color)


@pytest.mark.parametrize(
    ("measure", "lengths"),
    [(measure_rest, {"rest_s": (0.0,)}), (measure_succession, {"pause_s": (0.0,)})],
)
def test_a_frame_that_cannot_be_used_is_named_with_its_clip(sequences, measure, lengths):
    class Refusing(Oracle):
        def step(self, frame):
            if len(self.stamps_ns) == FRAMES + 1:
                raise FrameError("no depth")
            return super().step(frame)

    with pytest.raises(SourceError, match=r"train_001, frame 1: no depth"):
        measure(Refusing(), sequences[:2], progress=False, **lengths)


def test_long_streams_are_scored_against_the_label_that_is_asked_for(sequences, monkeypatch):
    kind = type(sequences[0])
    monkeypatch.setattr(kind, "affordances", lambda self, index: 0 * self.demonstrated(index))
    asked = {"target": "affordances", "progress": False}
    rest = measure_rest(Oracle(), sequences[:2], rest_s=(0.0,), **asked)
    assert rest["after"]["keep"]["0 s"] == 0
    assert measure_succession(Oracle(), sequences[:2], pause_s=(0.0,), **asked)["0 s"]["keep"] == 0


def test_clips_of_different_sizes_are_no_stream(sequences, tmp_path):
    small = copy(sequences[1])
    small.frame_size = lambda: (32, 48)
    with pytest.raises(
        SourceError, match="train_000 is 64x48, train_001 is 32x48; expected clips of"
    ):
        measure_succession(Oracle(), [sequences[0], small], (0.0,), progress=False)
    with pytest.raises(SourceError, match="clears the memory"):
        run_following_clip(Oracle(), sequences[0], small)


def test_a_rest_hurts_who_is_made_to_forget(sequences):
    rest = measure_rest(Oracle(), sequences[:3], rest_s=(0.0, 1.7), progress=False)
    # The twentieth frame after the start is the first one after forgetting.
    assert rest["after"]["forget_every_20_frames"]["1.7 s"] == 0
    assert rest["after"]["keep"]["1.7 s"] > 0.9


def test_clips_in_succession_are_as_good_as_alone_for_who_looks_at_two_frames(sequences):
    oracle = Oracle()
    found = measure_succession(oracle, sequences, pause_s=(0.0, 0.3), progress=False)
    assert found.keys() == {"0 s", "0.3 s"}
    for scores in found.values():
        assert scores["keep"] == scores["forget_after_rest"] == scores["reset"] > 0.95
    assert set(oracle.rests_s) == {0.0, PipelineConfig().rest_s}


def test_clips_in_succession_are_compared_with_each_from_an_empty_memory(sequences):
    oracle = Oracle(knows=lambda frames: frames == FRAMES)
    found = measure_succession(oracle, sequences[:4], pause_s=(0.0,), progress=False)["0 s"]
    assert found["reset"] > 0.95
    assert found["keep"] < 0.5  # the first clip alone


def test_a_clip_after_another_is_seen_with_the_memory_of_both(sequences):
    oracle = Oracle()
    run_following_clip(oracle, *sequences[:2])
    assert len(oracle.memory) == 2 * FRAMES


def test_a_clip_after_another_is_seen_with_the_options_of_the_pipeline(sequences):
    oracle = Oracle()
    oracle.config = config = PipelineConfig(rest_s=1.5)
    run_following_clip(oracle, *sequences[:2])
    assert oracle.config == config


def test_a_pause_between_clips_is_a_rest_in_one_stream(sequences):
    oracle = Oracle()
    measure_succession(oracle, sequences[:2], pause_s=(0.5,), progress=False)
    policies = 4
    frames = 2 * (FRAMES + 5)  # of two clips, each with its pause
    assert oracle.stamps_ns == policies * list(range(0, frames * 100_000_000, 100_000_000))
    # The last policy forgets before the twentieth frame after the first, and there is none.
    for start, sequence in ((0, sequences[0]), (FRAMES + 5, sequences[1])):
        last = sequence.frame(FRAMES - 1).color
        for color in oracle.memory[start + FRAMES : start + FRAMES + 5]:
            np.testing.assert_array_equal(color, last)
