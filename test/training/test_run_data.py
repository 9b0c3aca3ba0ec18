# SPDX-License-Identifier: Apache-2.0
import shutil

import pytest
import torch
from published_layouts import write_iit
from tiny_clips import LABELS, write_clip, write_clips

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.training.datasets.check import check_data
from affordance_seg_ros.training.datasets.clips import scan_clips
from affordance_seg_ros.training.datasets.data_source import DataSource
from affordance_seg_ros.training.run_config import RunConfig, parse_run
from affordance_seg_ros.training.run_data import (
    StageData,
    count_pixels,
    find_sequences,
    flow_caches,
    share,
    spread,
    stage_data,
    warn_of_shared,
    warn_of_unlabelled,
)
from affordance_seg_ros.training.stage_config import StageConfig


def test_what_cannot_be_used_is_named_and_left_out(tmp_path, capsys):
    write_clips(tmp_path, 3)
    (tmp_path / "train_001/clip.json").write_text("{}")
    found = find_sequences([DataSource(root=str(tmp_path))], LABELS)
    assert [each.name for each in found] == ["train_000", "train_002"]
    assert "left out: " in capsys.readouterr().err


def test_clips_without_a_split_are_not_left_out_in_silence(tmp_path, capsys):
    write_clip(tmp_path / "mine", "lift", 0, split="")
    write_clip(tmp_path / "theirs", "push", 1, split="val")
    source = DataSource(root=str(tmp_path))
    with pytest.raises(
        SourceError, match=r"no sequence in .*, but 1 of split '', 1 of split 'val'"
    ):
        find_sequences([source], LABELS)
    words = f'left out: 1 without a split in {tmp_path}; expected "split": "train"'
    assert words in capsys.readouterr().err
    assert len(find_sequences([DataSource(root=str(tmp_path), split="")], LABELS)) == 2
    assert capsys.readouterr().err == ""
    assert check_data(tmp_path, LABELS, progress=False).splits == {"": 1, "val": 1}


def test_a_source_that_gives_nothing_is_an_error_beside_others_that_do(clips, tmp_path):
    write_clip(tmp_path / "mine", "lift", 0, split="training")
    sources = [DataSource(root=str(tmp_path)), DataSource(root=str(clips))]
    with pytest.raises(SourceError, match=f"no sequence in {tmp_path} .*1 of split 'training'"):
        find_sequences(sources, LABELS)


def test_clips_that_are_reached_by_two_paths_are_told_to_be_the_same(tmp_path, capsys):
    write_clips(tmp_path / "clips", 2)
    (tmp_path / "link").symlink_to(tmp_path / "clips")
    here, there = (
        find_sequences([DataSource(root=str(tmp_path / name))], LABELS)
        for name in ("clips", "link")
    )
    warn_of_shared(RunConfig(), [StageData(here, there, LABELS)] * len(RunConfig().stages))
    assert "2 of 2 sequences for validation are also trained on" in capsys.readouterr().err


def test_a_stage_says_of_how_much_it_learns_no_mask(tmp_path, capsys):
    write_clips(tmp_path, 2)
    shutil.rmtree(tmp_path / "train_000/labels")
    (tmp_path / "train_000/label.png").unlink()
    found = find_sequences([DataSource(root=str(tmp_path))], LABELS)
    data = StageData(found, found, LABELS)
    for stage in (StageConfig(target="affordances"), StageConfig(task="motion")):
        warn_of_unlabelled(stage, data)
    assert capsys.readouterr().err == ""
    warn_of_unlabelled(StageConfig(), data)
    words = "stage 'clips': 1 of 2 sequences have no label of the kind 'demonstrated'"
    assert words in capsys.readouterr().err
    warn_of_unlabelled(StageConfig(), data._replace(skipped_count=3))
    assert "stage 'clips': 3 of 5 sequences are left out" in capsys.readouterr().err


def test_sources_are_put_together(clips):
    sources = [DataSource(root=str(clips)), DataSource(root=str(clips), split="val")]
    assert len(find_sequences(sources, LABELS)) == 12


def test_a_spread_is_ordered_and_the_same_each_time():
    drawn = spread(tuple(range(100)), 20)
    assert drawn == spread(tuple(range(100)), 20)
    assert list(drawn) == sorted(set(drawn))
    assert len(drawn) == 20
    assert spread(tuple(range(3)), 5) == (0, 1, 2)
    assert spread(tuple(range(3)), 0) == (0, 1, 2)


@pytest.mark.parametrize(("clips", "limit"), [(550, 50), (704, 64), (1100, 50)])
def test_a_spread_of_clips_that_take_eleven_objects_in_turn_shows_most_of_them(clips, limit):
    assert len({clip % 11 for clip in spread(range(clips), limit)}) >= 9


def test_pixels_are_counted_at_the_last_frames(clips):
    sequences = scan_clips(clips, "train", None, LABELS).sequences
    pixels = count_pixels(sequences, "demonstrated", 10)
    square = 14 * 14
    expected = torch.zeros(10, dtype=torch.int64)
    for name in ("lift", "push", "grasp"):
        expected[LABELS.label_id(name)] = 3 * square
    expected[0] = 9 * (48 * 64 - square)
    assert torch.equal(pixels, expected)


def test_data_without_labels_cannot_be_balanced(clips):
    class Unlabelled:
        def __len__(self):
            return 1

        def labelled(self, target):
            return []

        def demonstrated(self, index):
            return None

    with pytest.raises(SourceError, match="no sequence has a label of the kind 'demonstrated'"):
        count_pixels([Unlabelled()], "demonstrated", 10)


def test_labels_are_found_among_many_sequences_without_one(tmp_path):
    write_clips(tmp_path, 6)
    sequences = find_sequences([DataSource(root=str(tmp_path))], LABELS)
    for name in ("train_000", "train_002", "train_004"):
        without_labels(tmp_path / name)
    many = [each for each in sequences for _ in range(200)]
    pixels = count_pixels(many, "demonstrated", 10)
    assert pixels.sum() == 300 * 48 * 64


def test_classes_are_counted_where_a_clip_is_labelled(tmp_path):
    clip = write_clip(tmp_path / "clip", "lift", 0)
    for index in (0, 1, 3):
        (clip / f"labels/{index:05}.png").unlink()
    (clip / "label.png").unlink()
    sequences = find_sequences([DataSource(root=str(tmp_path), split="train")], LabelSet())
    pixels = count_pixels(sequences, "demonstrated", 10)
    assert pixels[LabelSet().label_id("lift")] == 14 * 14


def test_pretraining_names_the_actions_of_its_own_data(clips):
    run = parse_run(
        "stages: [{name: a, task: actions}]",
        [f"data.pretraining=[{{kind: clips, root: {clips}, split: train}}]"],
    )
    (data,) = stage_data(run)
    assert data.labels.actions == ("grasp", "lift", "push")


def run_on(root, *stages, validation="val"):
    return parse_run(
        f"stages: [{', '.join(stages)}]",
        [
            f"data.train=[{{root: {root}, split: train}}]",
            f"data.validation=[{{root: {root}, split: '{validation}'}}]",
        ],
    )


def without_labels(clip):
    for name in ("labels", "affordances"):
        shutil.rmtree(clip / name)
    for name in ("label.png", "affordances.png"):
        (clip / name).unlink()


def test_a_stage_takes_what_it_learns_something_from(tmp_path):
    write_clips(tmp_path, 3)
    write_clips(tmp_path, 1, split="val")
    without_labels(tmp_path / "train_001")
    info = tmp_path / "train_002/clip.json"
    info.write_text(info.read_text().replace('"action": "grasp"', '"action": ""'))
    masks = "{name: masks, target: affordances, action_weight: 0.0}"
    names = [
        [each.name for each in data.train]
        for data in stage_data(run_on(tmp_path, masks, "{name: m, task: motion}", "{name: both}"))
    ]
    assert names == [
        ["train_000", "train_002"],
        ["train_000", "train_001"],
        ["train_000", "train_001", "train_002"],
    ]


@pytest.mark.parametrize(("split", "use"), [("train", "training"), ("val", "validation")])
def test_a_stage_without_a_label_to_learn_or_be_measured_by_is_refused(tmp_path, split, use):
    for each in ("train", "val"):
        write_clips(tmp_path, 1, split=each)
    without_labels(tmp_path / f"{split}_000")
    words = f"stage 'parts': none of 1 sequences for {use} has a label of the kind 'affordances'"
    with pytest.raises(SourceError, match=words):
        stage_data(
            run_on(tmp_path, "{name: a, task: motion}", "{name: parts, target: affordances}")
        )


def test_what_is_learned_from_and_validated_on_is_told(clips, capsys):
    for validation in ("val", ""):
        assert capsys.readouterr().err == ""
        run = run_on(clips, "{name: a}", "{name: b}", validation=validation)
        warn_of_shared(run, stage_data(run))
    assert (
        capsys.readouterr().err.count("9 of 12 sequences for validation are also trained on") == 1
    )


def test_pictures_of_two_folders_are_not_the_same(tmp_path, capsys):
    found = [
        find_sequences([DataSource("iit_aff", str(write_iit(tmp_path / name)), "train")], LABELS)
        for name in ("one", "other")
    ]
    warn_of_shared(RunConfig(), [StageData(*found, LABELS)] * len(RunConfig().stages))
    assert capsys.readouterr().err == ""
    assert len(share((*found[0], *found[1]), 0, 1)) == 2


def test_processes_share_sequences_and_none_is_prepared_twice(clips):
    once, again = (scan_clips(clips, "", None, LABELS).sequences for _ in range(2))
    shares = [share((*once, *again[:5]), rank, 3) for rank in range(3)]
    names = [each.name for found in shares for each in found]
    assert sorted(names) == sorted(each.name for each in once)


def test_the_part_that_is_empty_is_named(tmp_path):
    write_clips(tmp_path, 1)
    with pytest.raises(SourceError, match=r"\(clips, split 'train', part 'kept'\)"):
        find_sequences([DataSource(root=str(tmp_path), part="kept")], LABELS)


def test_every_tenth_group_is_held_out_and_the_others_kept(tmp_path):
    write_clips(tmp_path, 12)

    def names(part):
        found = DataSource(root=str(tmp_path), part=part).scan(LABELS).sequences
        return [each.name for each in found]

    assert names("held_out") == ["train_000", "train_010"]
    assert sorted(names("held_out") + names("kept")) == names("all")


def test_a_network_without_flow_keeps_none():
    run = parse_run("network: {flow: none}")
    assert flow_caches(run, StageConfig()) == ()
    assert flow_caches(RunConfig(), StageConfig(frames=1)) == ()
    assert len(flow_caches(RunConfig(), StageConfig())) == 1


def test_flow_is_computed_at_the_size_of_the_stage():
    run = RunConfig()
    half, whole = (flow_caches(run, StageConfig(input_scale=scale))[0].key for scale in (0.5, 1.0))
    assert "160x120" in whole
    assert "80x64" in half
