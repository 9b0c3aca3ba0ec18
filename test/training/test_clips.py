# SPDX-License-Identifier: Apache-2.0
import json
import shutil

import pytest
from tiny_clips import LABELS, write_clip, write_clips

from affordance_seg_ros.config import InputConfig
from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.training.datasets.check import check_data
from affordance_seg_ros.training.datasets.clips import scan_clips
from affordance_seg_ros.training.datasets.label_map import LabelMap
from affordance_seg_ros.training.datasets.pictures import Pictures


def test_clips_are_found_in_order_and_by_split(clips):
    names = [each.name for each in scan_clips(clips, "val", None, LABELS).sequences]
    assert names == ["val_000", "val_001", "val_002"]
    assert len(scan_clips(clips, "", None, LABELS).sequences) == 12


def test_clips_that_are_being_written_are_not_seen(tmp_path):
    write_clip(tmp_path / ".clip.partial", "lift", 0)
    assert scan_clips(tmp_path, "", None, LABELS).sequences == ()


def test_clips_are_found_through_links_and_each_once(clips, tmp_path):
    (tmp_path / "a").symlink_to(clips / "val_000")
    (tmp_path / "b").symlink_to(clips / "val_000")
    (tmp_path / "c").symlink_to(clips / "val_001")
    (tmp_path / "round").symlink_to(tmp_path)
    names = [each.name for each in scan_clips(tmp_path, "", None, LABELS).sequences]
    assert names == ["a", "c"]


def test_clips_that_nothing_can_be_learned_from_are_named_when_checked(tmp_path):
    write_clip(tmp_path / "mine", "lift", 0, split="training")
    clip = tmp_path / "mine/clip.json"
    clip.write_text(clip.read_text().replace('"lift"', '""', 1))
    for name in ("labels", "affordances"):
        shutil.rmtree(tmp_path / f"mine/{name}")
        (tmp_path / f"mine/{name.removesuffix('s') if name == 'labels' else name}.png").unlink()
    problems = "; ".join(map(str, check_data(tmp_path, LABELS, progress=False).problems))
    assert "mine: neither an action nor a label" in problems
    assert "split 'training'; expected train, val, test or none" in problems


def test_a_clip_of_other_labels_is_mapped_by_name(tmp_path):
    write_clip(tmp_path / "clip", "push", 0)
    few = LabelSet(("hold", "push"), ("push",))
    to = dict.fromkeys(LABELS.affordances, "background") | {"push": "push"}
    label_map = LabelMap(LABELS.affordances, to, {"push": "push"})
    (sequence,) = scan_clips(tmp_path, "", label_map, few).sequences
    assert set(sequence.demonstrated(-1).ravel()) == {0, 2}
    assert sequence.action == "push"


def test_a_camera_that_cannot_be_used_is_named_with_its_clip(tmp_path):
    write_clips(tmp_path, 2)
    info = tmp_path / "train_001/clip.json"
    document = json.loads(info.read_text())
    document["camera"] |= {"fx": 20.0, "fy": 20.0, "distortion": [-0.3, 0.0, 0.0, 0.0]}
    info.write_text(json.dumps(document))
    problems = check_data(tmp_path, LABELS, progress=False).problems
    assert "train_001: frame 0: distortion" in str(problems[0])
    sequence = scan_clips(tmp_path, "", None, LABELS).sequences[1]
    pictures = Pictures(InputConfig(height=32, width=40), LABELS.affordances, keep=False)
    with pytest.raises(SourceError, match=r"train_001, frame 0: distortion .* cannot be inverted"):
        pictures.read(sequence, 0, "demonstrated")


def test_a_bag_is_told_from_a_clip_folder(tmp_path):
    write_clip(tmp_path / "clip", "lift", 0)
    bag = write_clip(tmp_path / "bag", "lift", 1)
    shutil.rmtree(bag / "color")
    (bag / "bag.mcap").touch()
    found = scan_clips(tmp_path, "", None, LABELS)
    assert [each.name for each in found.sequences] == ["clip"]
    assert "bag/clip.json: a bag; expected a clip folder" in str(found.problems[0])
