# SPDX-License-Identifier: Apache-2.0
import json
from copy import copy
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from clip_oracle import Oracle
from tiny_clips import LABELS, write_clip, write_clips

from affordance_seg_ros.config import COMPACT_INPUT, FlowConfig, PipelineConfig
from affordance_seg_ros.errors import FrameError, SourceError
from affordance_seg_ros.flow.estimator import build_estimator
from affordance_seg_ros.frames import DepthImage
from affordance_seg_ros.model.checkpoint import untrained
from affordance_seg_ros.pipeline.streaming import Pipeline
from affordance_seg_ros.training.datasets.clips import scan_clips
from affordance_seg_ros.training.datasets.flow_cache import FlowCache
from affordance_seg_ros.training.datasets.shortened import until_acting
from affordance_seg_ros.training.evaluate import evaluate, last_label, scorable
from affordance_seg_ros.training.evaluation_report import write_report
from affordance_seg_ros.training.tables import PAPER_TABLE_3, table_3


@pytest.fixture(scope="module")
def sequences(tmp_path_factory):
    root = tmp_path_factory.mktemp("evaluate")
    return scan_clips(write_clips(root, 6), "", None, LABELS).sequences


def test_video_sees_the_whole_clip_and_static_one_frame(sequences):
    found = evaluate(Oracle(), sequences, progress=False)
    assert found.video.masks.iou.mean > 0.95
    assert found.video.actions.accuracy == 1
    assert found.static.masks.iou.mean == 0
    assert found.static.actions.accuracy == 0


def test_masks_are_scored_against_the_label_that_is_asked_for(sequences, monkeypatch):
    shown = type(sequences[0]).demonstrated
    cut = LABELS.label_id("cut")
    monkeypatch.setattr(
        type(sequences[0]), "affordances", lambda self, index: (shown(self, index) > 0) * cut
    )
    found = evaluate(Oracle(), sequences, target="affordances", progress=False)
    assert found.video.masks.iou.mean == 0
    assert found.static.masks.iou.mean > 0.95  # a single frame is all "cut" to the oracle


def test_a_clip_that_is_cut_while_acting_ends_two_thirds_into_its_interaction(sequences):
    whole = copy(sequences[0])  # four frames
    whole.interaction = (0, 3)
    cut = until_acting(whole)
    assert len(cut) == 3
    assert (cut.name, cut.action, cut.cache_folder) == (whole.name, whole.action, None)
    np.testing.assert_array_equal(cut.frame(2).color, whole.frame(2).color)
    np.testing.assert_array_equal(last_label(cut), whole.demonstrated(2))
    np.testing.assert_array_equal(last_label(cut, "affordances"), whole.affordances(2))
    assert evaluate(Oracle(), [cut], progress=False).video.masks.iou.mean > 0.95


def test_two_thirds_are_no_half_and_what_is_cut_is_of_whom_it_was(tmp_path):
    write_clip(tmp_path / "long", "push", 0, frames=7)
    (whole,) = scan_clips(tmp_path, "", None, LABELS).sequences
    whole.interaction, whole.group = (0, 6), "somebody"
    cut = until_acting(whole)
    assert len(cut) == 5
    assert (cut.group, cut.split, cut.object_name) == ("somebody", "train", "square")


def test_a_clip_that_does_not_know_its_interaction_cannot_be_cut_there(sequences):
    with pytest.raises(
        SourceError, match="train_000 does not say when its interaction takes place"
    ):
        until_acting(sequences[0])


def test_every_figure_stands_under_its_own_name(sequences):
    class Careless(Oracle):
        """Marks too much in some clips, another part in others, and nothing in one."""

        clip = 0

        def reset(self):
            super().reset()
            self.clip += 1

        def step(self, frame):
            seen = super().step(frame)
            grown = cv2.dilate(seen.mask, np.ones((1 + 2 * (self.clip % 5), 3), np.uint8))
            mask = np.where(self.clip % 7 == 3, 0, np.roll(grown, self.clip, axis=1))
            return replace(seen, mask=mask.astype(np.uint8))

    found = evaluate(Careless(), sequences, progress=False)
    for way, scores in (("video", found.video), ("static", found.static)):
        document = found.document()[way]
        masks = document["details"]["masks"]
        assert masks == scores.masks.document()
        figures = {
            "iou_mean": masks["iou"]["mean"],
            "f1_mean": masks["f1"]["mean"],
            "f1_paper_weighted": masks["f1_paper_weighted"],
            "fw_margolin": masks["fw_margolin"]["mean"],
            "action_top1": document["details"]["actions"]["accuracy"],
        }
        assert {name: document[name] for name in figures} == figures
        for name, of_class in document["per_class"].items():
            assert of_class == {
                each: masks[each]["by_class"][name] for each in ("iou", "f1", "fw_margolin")
            }
        assert document["interval_95"] == {
            "iou_mean": list(scores.intervals.iou),
            "f1_mean": list(scores.intervals.f1),
            "action_top1": list(scores.action_interval),
        }
    scored = found.video.masks
    means = {each.mean for each in scored if hasattr(each, "mean")} | {scored.f1_paper_weighted}
    assert len(means) == 7  # or else one might stand for another
    assert found.video.intervals.iou != found.video.intervals.f1


def test_pictures_of_one_tool_are_drawn_together(sequences):
    grouped = [copy(each) for each in sequences]
    for index, each in enumerate(grouped):
        each.group = f"tool {index % 2}"
    apart, together = (evaluate(Oracle(), each, progress=False) for each in (sequences, grouped))
    assert together.video.masks.document() == apart.video.masks.document()
    assert not np.isnan(apart.video.action_interval).any()
    assert np.isnan(together.video.action_interval).all()
    assert together.document()["video"]["interval_95"]["action_top1"] == [None, None]
    alike = [copy(sequences[0]) for _ in range(3)]
    for each in alike:
        each.group = "the same tool"
    assert np.isnan(evaluate(Oracle(), alike, progress=False).video.intervals.iou).all()


def test_the_best_and_the_worst_are_different_clips(sequences):
    found = evaluate(Oracle(), sequences, examples=2, progress=False)
    assert len(found.best) == len(found.worst) == 2
    assert not {each.name for each in found.best} & {each.name for each in found.worst}
    assert min(each.iou for each in found.best) >= max(each.iou for each in found.worst)


def test_the_report_has_everything_in_its_place(sequences, tmp_path):
    found = evaluate(Oracle(), sequences, progress=False)
    write_report(tmp_path, found, LABELS, {"estimator": "none"}, data="tiny")
    document = json.loads((tmp_path / "evaluation.json").read_text())
    for way in ("video", "static"):
        assert {"iou_mean", "f1_mean", "f1_paper_weighted", "fw_margolin", "action_top1",
                "per_class"} <= document[way].keys()  # fmt: skip
        ranges = document[way]["interval_95"]
        assert ranges.keys() == {"iou_mean", "f1_mean", "action_top1"}
        for name, (low, high) in ranges.items():
            assert low <= document[way][name] <= high
    assert document["estimator"] == "none"
    tables = (tmp_path / "tables.md").read_text()
    assert "| RGB-D + attention + 3D flow, video (paper) | SOR3D-AFF | 0.720 | 0.800" in tables
    assert f"{document['video']['iou_mean']:.3f}" in tables
    first, *more_doubt = document["video_by_threshold"]
    assert first["min_confidence"] == Oracle().config.min_confidence
    assert first["iou"] == pytest.approx(document["video"]["iou_mean"])
    assert len(more_doubt) == tables.split("Video by threshold")[1].count("|\n") - 3
    for name in ("confusion.png", "best_and_worst.png"):
        assert cv2.imread(str(tmp_path / name)) is not None


def test_a_report_that_cannot_be_written_says_so(sequences, tmp_path):
    (tmp_path / "file").write_text("")
    found = evaluate(Oracle(), sequences[:1], progress=False)
    with pytest.raises(SourceError, match="cannot be written"):
        write_report(tmp_path / "file", found, LABELS, {}, data="tiny")


def test_clips_without_labels_are_no_evaluation(sequences):
    class Unlabelled(type(sequences[0])):
        def demonstrated(self, index):
            return None

        affordances = demonstrated

        def labelled(self, target):
            return []

    blind = Unlabelled(sequences[0].clip, _same_names(), LABELS)
    with pytest.raises(SourceError, match="none of 1 clips has a demonstrated label at its last"):
        scorable([blind])
    assert scorable([blind, *sequences]) == tuple(sequences)
    with pytest.raises(SourceError, match="train_000 has no demonstrated label at its last frame"):
        evaluate(Oracle(), [blind], progress=False)


def test_what_every_part_affords_is_not_taken_for_what_is_demonstrated(sequences, monkeypatch):
    only = {"affordances": [3], "demonstrated": []}
    monkeypatch.setattr(type(sequences[0]), "labelled", lambda self, target: only[target])
    assert scorable(sequences, "affordances") == tuple(sequences)
    with pytest.raises(SourceError, match=r"of 6 clips .*; there are labels for --target aff"):
        scorable(sequences)
    monkeypatch.setattr(type(sequences[0]), "demonstrated", lambda self, index: None)
    assert last_label(sequences[0]) is None


def test_a_frame_that_cannot_be_used_is_named(sequences, tmp_path):
    class Blind(Oracle):
        def step(self, frame):
            raise FrameError("no valid depth")

    with pytest.raises(SourceError, match="last frame, for example train_000, frame 3: no valid"):
        evaluate(Blind(), sequences[:1], progress=False)
    dark = copy(sequences[0])
    dark.cache_folder = tmp_path
    empty = replace(dark.frame(1), depth=DepthImage(np.zeros((48, 64), np.uint16), 0.001))
    dark.frame = lambda index: empty if index else sequences[0].frame(0)
    with pytest.raises(SourceError, match="train_000, frame 1: "):
        FlowCache("dis", FlowConfig(), COMPACT_INPUT).load(dark)


class DarkAt(Oracle):
    """Refuses the frame of a stamp, as a pipeline does that finds no depth in it."""

    def __init__(self, stamp_ns):
        super().__init__()
        self.stamp_ns = stamp_ns

    def step(self, frame):
        if frame.stamp_ns == self.stamp_ns:
            raise FrameError("no valid depth")
        return super().step(frame)


def test_a_frame_that_a_robot_would_drop_is_dropped_and_counted(sequences):
    found = evaluate(DarkAt(sequences[0].frame(1).stamp_ns), sequences[:2], progress=False)
    assert found.clips == 2
    assert found.video.masks.iou.mean > 0.98
    assert found.document()["dropped_frames"] == [
        f"train_00{number}, frame 1: no valid depth" for number in (0, 1)
    ]


def test_a_clip_whose_last_frame_is_of_no_use_is_left_out_and_named(sequences, tmp_path):
    last = sequences[0].frame(3).stamp_ns
    longer = copy(sequences[1])
    longer.frame = lambda index: replace(sequences[1].frame(index), stamp_ns=last + 1 + index)
    found = evaluate(DarkAt(last), [sequences[0], longer], progress=False)
    assert (found.clips, found.dropped) == (1, ())
    assert found.document()["left_out"] == ["train_000, frame 3: no valid depth"]


def test_a_clip_that_shows_no_affordance_is_no_example(sequences, tmp_path, monkeypatch):
    class Silent(Oracle):
        def step(self, frame):
            seen = super().step(frame)
            return replace(seen, mask=np.zeros_like(seen.mask))

    shown = type(sequences[0]).demonstrated
    monkeypatch.setattr(
        type(sequences[0]), "demonstrated", lambda self, index: 0 * shown(self, index)
    )
    found = evaluate(Silent(), sequences, progress=False)
    assert (found.clips, found.best, found.worst) == (len(sequences), (), ())
    write_report(tmp_path, found, LABELS, {}, data="tiny")


def _same_names():
    from affordance_seg_ros.training.datasets.label_map import LabelMap

    return LabelMap.same_names(LABELS)


def test_a_missing_row_of_table_3_is_left_open(sequences):
    rgb = evaluate(Oracle(), sequences, progress=False).document()
    lines = table_3({"rgb": [rgb]}, data="tiny").splitlines()
    assert len(lines) == 2 + len(PAPER_TABLE_3)
    assert "1.000" in lines[2]
    assert lines[3].endswith("| - | - | - | 0 |")


def test_a_label_of_another_size_names_its_clip(sequences):
    class Halved(type(sequences[0])):
        def demonstrated(self, index):
            return super().demonstrated(index)[::2, ::2]

    sequence = copy(sequences[0])
    sequence.__class__ = Halved
    with pytest.raises(SourceError, match=f"{sequence.name}, frame "):
        evaluate(Oracle(), [sequence], progress=False)


def test_the_pipeline_itself_can_be_evaluated(sequences):
    config = PipelineConfig(min_confidence=0.0, flow=FlowConfig(estimator="dis"))
    device = torch.device("cpu")
    pipeline = Pipeline(untrained("compact"), build_estimator(config.flow, device), config, device)
    assert evaluate(pipeline, sequences[:1], progress=False).clips == 1
