# SPDX-License-Identifier: Apache-2.0
"""Damaged clips: every defect is named."""

import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
from clip_samples import HEIGHT, INFO, WIDTH, depth_mm, label_map, motion

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.sources.clip import ClipWriter, is_complete_clip, read_clip
from affordance_seg_ros.sources.truth_field import read_field


def damage_json(path, **changes):
    content = json.loads((path / "clip.json").read_text())
    content.update(changes)
    content = {name: value for name, value in content.items() if value != "REMOVED"}
    (path / "clip.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "is not a clip; expected format 'affordance_seg_ros/clip'"),
        ({"version": 2}, "has version 2; expected 1"),
        ({"stamps_ns": []}, "0 stamps; expected at least one, increasing"),
        ({"stamps_ns": [3, 2, 1]}, "3 stamps; expected at least one, increasing"),
        ({"stamps_ns": [0, float("inf"), 2]}, "'stamps_ns' holds inf; expected only int"),
        ({"stamps_ns": [0.5, 1.7, 2.2]}, "'stamps_ns' holds 0.5; expected only int"),
        ({"stamps_ns": [False, True, 2]}, "'stamps_ns' holds False; expected only int"),
        ({"affordances": [1, 2]}, "'affordances' holds 1; expected only str"),
        ({"camera": "REMOVED"}, "'camera' is missing"),
        ({"camera": {"width": 3}}, "missing .* required"),
        ({"rate_hz": "fast"}, "'rate_hz' is 'fast'; expected int or float"),
        ({"seed": "7"}, "'seed' is '7'; expected int or null"),
        ({"camera": [3]}, r"'camera' is \[3\]; expected dict"),
        ({"source": "dreamt"}, "clip source 'dreamt'"),
        ({"interaction": [1, 3]}, r"interaction \[1, 3\] of 3 frames; expected its first and last"),
        ({"interaction": [2, 1]}, r"clip interaction=\[2, 1\]; expected its first and last frame"),
        ({"interaction": [0.5, 1]}, r"'interaction' is \[0.5, 1\]; expected its first and last"),
        ({"interaction": 2}, "'interaction' is 2; expected its first and last frame"),
    ],
)
def test_damaged_description_is_named(changes, message, write_clip):
    path = write_clip()
    damage_json(path, **changes)
    with pytest.raises(SourceError, match=message):
        read_clip(path)
    assert not is_complete_clip(path)


def test_truncated_description_is_named(write_clip):
    path = write_clip()
    (path / "clip.json").write_text('{"format": ')
    with pytest.raises(SourceError, match=r"clip\.json is damaged"):
        read_clip(path)


def test_folder_without_description_is_no_clip(tmp_path):
    with pytest.raises(SourceError, match=r"clip\.json is missing: not a clip"):
        read_clip(tmp_path)


def damage_remove(path):
    path.unlink()


def damage_truncate(path):
    path.write_bytes(path.read_bytes()[:40])


def damage_empty(path):
    path.write_bytes(b"")


def damage_shrink(path):
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(path), pixels[:5, :5])


def damage_deepen(path):
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    other = np.uint8 if pixels.dtype == np.uint16 else np.uint16
    cv2.imwrite(str(path), pixels.astype(other))


def damage_ids(path):
    cv2.imwrite(str(path), np.full((HEIGHT, WIDTH), 42, np.uint8))


READERS = {
    "color/00001.jpg": lambda clip: clip.frame(1),
    "depth/00001.png": lambda clip: clip.frame(1),
    "labels/00001.png": lambda clip: clip.labels(1),
    "label.png": lambda clip: clip.label(),
    "flow/00001.npz": lambda clip: clip.flow(1),
    "true_depth/00001.npz": lambda clip: clip.true_depth_m(1),
}


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("color/00001.jpg", damage_remove, r"color/00001\.png is missing"),
        ("color/00001.jpg", damage_truncate, r"00001\.jpg is damaged: 40 bytes"),
        ("color/00001.jpg", damage_empty, r"00001\.jpg is damaged: 0 bytes"),
        ("color/00001.jpg", damage_shrink, r"has shape \(5, 5, 3\); expected \(24, 32, 3\)"),
        ("depth/00001.png", damage_remove, r"depth/00001\.png is missing"),
        ("depth/00001.png", damage_truncate, r"00001\.png is damaged"),
        ("depth/00001.png", damage_shrink, r"has shape \(5, 5\); expected \(24, 32\)"),
        ("depth/00001.png", damage_deepen, "holds uint8; expected uint16"),
        ("labels/00001.png", damage_ids, r"label ids \[42\]; expected 0 to 9, or 255"),
        ("label.png", damage_ids, r"label ids \[42\]; expected 0 to 9, or 255"),
        ("label.png", damage_deepen, "holds uint16; expected uint8"),
        ("flow/00001.npz", damage_truncate, r"flow/00001\.npz is damaged"),
        ("flow/00001.npz", damage_empty, r"flow/00001\.npz is damaged"),
        ("true_depth/00001.npz", damage_truncate, r"true_depth/00001\.npz is damaged"),
    ],
)  # fmt: skip
def test_every_damaged_file_is_named_when_it_is_read(name, damage, message, write_clip):
    path = write_clip()
    damage(path / name)
    clip = read_clip(path)
    with pytest.raises(SourceError, match=message):
        READERS[name](clip)


def test_truth_of_another_size_is_refused(write_clip, tmp_path, picture):
    small = replace(INFO, camera=Camera(8, 8, 10.0, 10.0, 3.5, 3.5))
    with ClipWriter(tmp_path / "small", small) as writer:
        writer.add_frame(
            0, picture[:8, :8], depth_mm()[:8, :8], motion_m=motion()[:, :8, :8],
            true_depth_m=np.ones((8, 8)),
        )  # fmt: skip
    path = write_clip()
    for folder in ("flow", "true_depth"):
        shutil.copy(tmp_path / f"small/{folder}/00000.npz", path / f"{folder}/00001.npz")
        with pytest.raises(SourceError, match=r"has shape \((3, )?8, 8\); expected \((3, )?24"):
            READERS[f"{folder}/00001.npz"](read_clip(path))


def test_truth_that_is_no_truth_is_refused(write_clip):
    path = write_clip()
    with (path / "flow/00001.npz").open("wb") as file:
        np.savez(file, planes=np.zeros((3, 4)), unit_m=1.0, mask=np.zeros(0, np.uint8))
    with pytest.raises(SourceError, match=r"00001\.npz is damaged: planes float64 of shape"):
        read_clip(path).flow(1)


def test_frame_that_does_not_exist_is_named(write_clip):
    with pytest.raises(SourceError, match="has 3 frames; frame 3 does not exist"):
        read_clip(write_clip()).frame(3)


def test_clip_with_a_missing_picture_is_not_complete(write_clip):
    path = write_clip()
    assert is_complete_clip(path)
    (path / "depth/00001.png").unlink()
    assert not is_complete_clip(path)


def test_other_label_sets_travel_with_the_clip(tmp_path, picture):
    labels = LabelSet(("contain", "scoop"), ("stir",))
    with ClipWriter(tmp_path / "clip", replace(INFO, action="stir", labels=labels)) as writer:
        writer.add_frame(5, picture, depth_mm())
        writer.set_label(label_map(2))
    clip = read_clip(tmp_path / "clip")
    assert clip.info.labels == labels
    damage_json(tmp_path / "clip", action="cut")
    with pytest.raises(SourceError, match="action 'cut'; expected one of stir"):
        read_clip(tmp_path / "clip")


def test_picture_that_cannot_be_read_is_named(write_clip):
    path = write_clip()
    (path / "depth/00000.png").unlink()
    (path / "depth/00000.png").mkdir()
    with pytest.raises(SourceError, match=r"00000\.png cannot be read"):
        read_clip(path).frame(0)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"mask": np.zeros(3, np.uint8)}, "mask uint8 of 3 bytes"),
        ({"mask": np.ones(8, np.float64)}, "mask float64 of 8 bytes"),
        ({"unit_m": np.ones(2)}, "is damaged"),
    ],
)
def test_a_truth_file_of_other_content_is_damaged(tmp_path, changed, words):
    content = {
        "planes": np.zeros((4, 8, 8), np.uint8), "unit_m": 1e-5, "mask": np.zeros(8, np.uint8),
    }  # fmt: skip
    path = tmp_path / "00000.npz"
    np.savez(path, **content)
    read_field(path)
    np.savez(path, **{**content, **changed})
    with pytest.raises(SourceError, match=words):
        read_field(path)
