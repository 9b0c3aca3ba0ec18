# SPDX-License-Identifier: Apache-2.0
"""Tiny data sets in the exact layouts of the published ones."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy.io import savemat
from tiny_clips import write_clips

from affordance_seg_ros.config import InputConfig
from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.labels import IGNORE, LabelSet
from affordance_seg_ros.training.datasets.check import check_data
from affordance_seg_ros.training.datasets.data_source import DataSource, detect_kind
from affordance_seg_ros.training.datasets.pictures import Pictures
from affordance_seg_ros.training.datasets.sor3d_aff import MASK_COLORS_RGB, mask_ids
from affordance_seg_ros.training.datasets.utkinect import read_opencv_xml

LABELS = LabelSet()
SIZE = (12, 16)


def color(value=100):
    return np.full((*SIZE, 3), value, np.uint8)


def write_rgb(path, rgb):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), rgb[..., ::-1])


def write_depth(path, millimetres=800):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full(SIZE, millimetres, np.uint16))


def sor3d_mask(action):
    mask = np.full((*SIZE, 3), 255, np.uint8)
    mask[2:6, 3:9] = MASK_COLORS_RGB[action]
    mask[8:] = 0
    return mask


@pytest.fixture
def sor3d(tmp_path):
    for split, action in (("train", "lift"), ("train", "rotate"), ("val", "cut")):
        folder = tmp_path / split / f"S01_{action}_slow_cup"
        for i in range(3):
            write_rgb(folder / f"rgb/{i:04}.png", color(50 + 40 * i))
            write_depth(folder / f"depth/{i:04}.png", 700 + i)
        write_rgb(folder / "rgb/0003_mask.png", sor3d_mask(action))
        write_rgb(folder / "rgb/0004_other.png", color())
        write_rgb(folder / "rgb/0005_other.png", color())
        (folder / "rgb/0006_hotspot.json").write_text("{}")
    return tmp_path


@pytest.fixture
def umd(tmp_path):
    for tool in ("mug_01", "saw_02"):
        for frame in (1, 11):
            stem = tmp_path / f"tools/{tool}/{tool}_{frame:08}"
            write_rgb(stem.with_name(f"{stem.name}_rgb.jpg"), color())
            write_depth(stem.with_name(f"{stem.name}_depth.png"))
            label = np.zeros(SIZE, np.uint8)
            label[0, :8] = range(8)
            savemat(stem.with_name(f"{stem.name}_label.mat"), {"gt_label": label})
            rank = np.ones((*SIZE, 7), np.uint8)
            savemat(stem.with_name(f"{stem.name}_label_rank.mat"), {"gt_label": rank})
    (tmp_path / "category_split.txt").write_text("1 mug_01\n2 saw_02\n")
    (tmp_path / "novel_split.txt").write_text("2 mug_01\n1 saw_02\n")
    return tmp_path


@pytest.fixture
def iit(tmp_path):
    for name in ("00_1", "00_2", "00_3"):
        write_rgb(tmp_path / f"rgb/{name}.jpg", color())
        for folder, value in (("deep", 1.25), ("affordances_labels", 5)):
            (tmp_path / folder).mkdir(exist_ok=True)
            np.savetxt(tmp_path / folder / f"{name}.txt", np.full(SIZE, value), fmt="%g")
        (tmp_path / "object_labels").mkdir(exist_ok=True)
        (tmp_path / f"object_labels/{name}.txt").write_text("1 0 0 5 5\n")
    (tmp_path / "train_and_val.txt").write_text("00_1.jpg\n00_2.jpg\n")
    (tmp_path / "val.txt").write_text("00_2.jpg\n")
    (tmp_path / "test.txt").write_text("00_3.jpg\n")
    return tmp_path


@pytest.fixture
def utkinect(tmp_path):
    for take, frames in (("s01_e01", (252, 254, 257, 300)), ("s02_e01", (10, 12))):
        for number in frames:
            rgb = np.full((24, 32, 3), 90, np.uint8)
            write_rgb(tmp_path / f"RGB/{take}/colorImg{number}.jpg", rgb)
            path = tmp_path / f"depth/{take}/depthImg{number}.xml"
            path.parent.mkdir(parents=True, exist_ok=True)
            storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
            storage.write(f"depthImg{number}", np.full(SIZE, 2000 + number, np.uint16))
            storage.release()
    (tmp_path / "actionLabel.txt").write_text(
        "s01_e01\nwalk: 252 260\nsitDown: 290 310\ns02_e01\nwalk: 10 12\ncarry: NaN NaN\n"
    )
    return tmp_path


def scan(kind, root, split, label_map=""):
    found = DataSource(kind, str(root), split, label_map).scan(LABELS)
    return found.sequences, found.problems


@pytest.mark.parametrize("kind", ["sor3d", "umd", "iit", "utkinect"])
def test_a_layout_is_recognised_and_without_problems(kind, request):
    root = request.getfixturevalue(kind)
    report = check_data(root, LABELS, progress=False)
    assert report.kind.startswith(kind)
    assert report.problems == ()
    assert report.sequences > 0


def test_sor3d_frames_end_before_the_mask(sor3d):
    sequences, _ = scan("sor3d_aff", sor3d, "train")
    assert [len(each) for each in sequences] == [3, 3]
    assert sequences[0].frame(2).color[0, 0, 0] == 130


def test_sor3d_action_is_the_second_word_and_the_object_the_last(sor3d):
    sequences, _ = scan("sor3d_aff", sor3d, "train")
    uses = [(each.action, each.object_name) for each in sequences]
    assert uses == [("lift", "cup"), ("rotate", "cup")]


def test_a_map_of_sor3d_may_be_in_any_order_and_silent_of_actions(sor3d, tmp_path):
    path = tmp_path / "map.yaml"
    names = ["type", "squeeze", "rotate", "push", "paint", "lift", "hammer", "grasp", "cut"]
    path.write_text("affordances:\n" + "".join(f"  {name}: {name}\n" for name in names))
    ((sequence,), problems, _) = DataSource("sor3d_aff", str(sor3d), "val", str(path)).scan(LABELS)
    assert not problems
    assert sequence.action == "cut"
    assert set(np.unique(sequence.demonstrated(-1))) == {0, LABELS.label_id("cut")}


def test_sor3d_only_the_last_frame_is_labelled(sor3d):
    (sequence, _), _ = scan("sor3d_aff", sor3d, "train")
    assert sequence.demonstrated(1) is None
    label = sequence.demonstrated(-1)
    assert label[3, 4] == LABELS.label_id("lift")
    assert label[0, 0] == label[-1, -1] == 0


@pytest.mark.parametrize("action", MASK_COLORS_RGB)
def test_every_mask_colour_becomes_its_label(action):
    assert mask_ids(sor3d_mask(action))[3, 4] == LABELS.label_id(action)


def test_a_colour_between_two_labels_is_ignored():
    assert (mask_ids(np.full((2, 2, 3), (0, 255, 50), np.uint8)) == IGNORE).all()


def test_sor3d_names_the_folder_without_depth(sor3d):
    for path in (sor3d / "val/S01_cut_slow_cup/depth").iterdir():
        path.unlink()
    _, problems = scan("sor3d_aff", sor3d, "val")
    assert "S01_cut_slow_cup: depth/ holds 0 PNG files for 3 frames" in str(problems[0])


@pytest.mark.parametrize(
    ("name", "words"),
    [("S01_cut", "expected <subject>_<action>"), ("S01_stir_slow_cup", "action 'stir'")],
)
def test_sor3d_names_the_folder_whose_name_says_nothing(sor3d, name, words):
    (sor3d / "val/S01_cut_slow_cup").rename(sor3d / "val" / name)
    sequences, problems = scan("sor3d_aff", sor3d, "val")
    assert not sequences
    assert words in problems[0].what


def test_umd_category_split_is_by_its_first_column(umd):
    sequences, _ = scan("umd", umd, "train")
    assert [each.name for each in sequences] == ["mug_01_00000001", "mug_01_00000011"]
    sequences, _ = scan("umd", umd, "novel_train")
    assert {each.name[:3] for each in sequences} == {"saw"}


def test_umd_labels_are_mapped(umd):
    (sequence, *_), _ = scan("umd", umd, "train")
    label = sequence.affordances(0)
    expected = [0, 2, 1, IGNORE, IGNORE, 3, IGNORE, 2]
    assert list(label[0, :8]) == expected
    assert sequence.demonstrated(0) is None


def test_umd_names_the_picture_without_a_label(umd):
    (umd / "tools/mug_01/mug_01_00000011_label.mat").unlink()
    sequences, problems = scan("umd", umd, "train")
    assert len(sequences) == 1
    assert "mug_01_00000011: lacks label.mat" in str(problems[0])


@pytest.mark.parametrize("keep", [False, True])
def test_a_mask_of_another_size_than_its_clip_is_not_stretched(sor3d, keep):
    (sequence, *_), _ = scan("sor3d_aff", sor3d, "train")
    mask = sor3d / f"train/{sequence.name}/rgb/0003_mask.png"
    write_rgb(mask, sor3d_mask("lift")[:10])
    pictures = Pictures(InputConfig(height=32, width=32), LABELS.affordances, keep=keep)
    with pytest.raises(SourceError, match=f"{sequence.name}, frame 2: label 16x10; expected 16x12"):
        pictures.read(sequence, 2, "demonstrated")


@pytest.mark.parametrize(
    ("kind", "split", "group"),
    [("sor3d_aff", "train", "S01"), ("umd", "train", "mug_01"), ("utkinect", "", "s01")],
)
def test_what_is_held_out_is_a_subject_or_a_tool(request, kind, split, group):
    root = request.getfixturevalue(kind.removesuffix("_aff"))
    source = DataSource(kind=kind, root=str(root), split=split)
    sequences = source.scan(LABELS).sequences
    assert sequences[0].group == group
    held_out = [replace(source, part=part).scan(LABELS) for part in ("held_out", "kept")]
    groups = [{each.group for each in scan.sequences} for scan in held_out]
    assert groups[0] == {group}
    assert group not in groups[1]


def test_umd_refuses_an_unknown_split(umd):
    _, problems = scan("umd", umd, "val")
    assert "expected one of train, test" in problems[0].what


def test_umd_names_a_damaged_label(umd):
    (umd / "tools/mug_01/mug_01_00000001_label.mat").write_bytes(b"no")
    report = check_data(umd, LABELS, progress=False)
    assert any("label.mat is damaged" in str(each) for each in report.problems)


def test_umd_names_a_label_that_was_cut_off(umd):
    label = umd / "tools/mug_01/mug_01_00000001_label.mat"
    whole = label.read_bytes()
    for length in (100, 130, len(whole) - 3):
        label.write_bytes(whole[:length])
        report = check_data(umd, LABELS, progress=False)
        assert any("label.mat is damaged" in str(each) for each in report.problems)


def test_iit_lists_are_its_splits(iit):
    def names(split):
        return [sequence.name for sequence in scan("iit_aff", iit, split)[0]]

    assert names("train") == ["00_1"]  # none that it is validated with
    assert (names("val"), names("train_and_val")) == (["00_2"], ["00_1", "00_2"])
    assert names("test") == ["00_3"]


def test_iit_cannot_train_without_what_it_is_validated_with_where_nothing_tells_which(iit):
    (iit / "val.txt").unlink()
    sequences, problems = scan("iit_aff", iit, "train")
    assert not sequences
    assert str(problems[0]).endswith("val.txt: is missing")


def test_iit_depth_in_metres_becomes_millimetres(iit):
    (sequence, *_), _ = scan("iit_aff", iit, "train")
    assert (sequence.frame(0).depth.raw == 1250).all()


def test_iit_names_what_a_list_promises_and_nobody_brings(iit):
    (iit / "deep/00_2.txt").unlink()
    sequences, problems = scan("iit_aff", iit, "train_and_val")
    assert len(sequences) == 1
    assert "00_2.txt is missing" in problems[0].what


def test_iit_names_a_label_that_is_no_id(iit):
    np.savetxt(iit / "affordances_labels/00_1.txt", np.full(SIZE, 1.5), fmt="%g")
    report = check_data(iit, LABELS, progress=False)
    assert any("no label ids" in str(each) for each in report.problems)


@pytest.mark.parametrize("name", ["deep/00_1.txt", "affordances_labels/00_1.txt"])
def test_iit_names_an_empty_file(iit, name):
    (iit / name).write_text("")
    report = check_data(iit, LABELS, progress=False)
    assert any(f"{name} is damaged: it is empty" in str(each) for each in report.problems)


def test_a_label_of_another_size_is_a_problem(iit):
    np.savetxt(iit / "affordances_labels/00_1.txt", np.zeros((3, 3)), fmt="%g")
    report = check_data(iit, LABELS, progress=False)
    assert any("label 3x3; expected 16x12, as its colour" in str(each) for each in report.problems)


def test_utkinect_takes_the_frames_that_both_cameras_have(utkinect):
    sequences, problems = scan("utkinect", utkinect, "")
    assert [(each.name, len(each)) for each in sequences] == [
        ("s01_e01_walk", 3), ("s01_e01_sitDown", 1), ("s02_e01_walk", 2),
    ]  # fmt: skip
    assert not problems


def test_utkinect_colour_has_the_size_of_depth(utkinect):
    (sequence, *_), _ = scan("utkinect", utkinect, "")
    frame = sequence.frame(1)
    assert frame.color.shape[:2] == SIZE
    assert (frame.depth.raw == 2254).all()


def test_utkinect_splits_by_subject(utkinect):
    assert {each.name[:3] for each in scan("utkinect", utkinect, "even")[0]} == {"s02"}
    sequences, problems = scan("utkinect", utkinect, "train")
    assert not sequences
    assert "split 'train'; expected odd, even" in problems[0].what


def test_utkinect_names_a_line_that_it_cannot_read(utkinect):
    with (utkinect / "actionLabel.txt").open("a") as file:
        file.write("jump: 1 2\n")
    _, problems = scan("utkinect", utkinect, "")
    assert "line 7 'jump: 1 2'" in problems[0].what


def test_a_file_without_a_matrix_is_refused(tmp_path):
    path = tmp_path / "depthImg1.xml"
    path.write_text('<?xml version="1.0"?><opencv_storage></opencv_storage>')
    with pytest.raises(SourceError, match=r"depthImg1\.xml"):
        read_opencv_xml(path)


def test_clips_in_a_folder_of_tools_are_clips(tmp_path, umd):
    assert detect_kind(umd) == "umd"
    write_clips(tmp_path / "own/tools", 1)
    assert detect_kind(tmp_path / "own") == "clips"


def test_a_folder_of_no_known_layout_is_refused(tmp_path):
    with pytest.raises(SourceError, match="is no data set; expected clips"):
        detect_kind(tmp_path)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(SourceError, match="expected a folder"):
        DataSource("umd", str(tmp_path / "none")).scan(LABELS)
