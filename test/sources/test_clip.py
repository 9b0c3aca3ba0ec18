# SPDX-License-Identifier: Apache-2.0
"""Clips: what is written is read back."""

import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
from clip_samples import HEIGHT, INFO, WIDTH, depth_mm, label_map, motion

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.frames import DepthImage
from affordance_seg_ros.sources.clip import ClipWriter, is_complete_clip, read_clip


def test_description_survives_the_disk(write_clip):
    clip = read_clip(write_clip())
    assert clip.info == INFO
    assert clip.info.action_id == 3
    assert clip.stamps_ns == (0, 100, 200)
    assert len(clip) == 3


def test_when_the_interaction_is_survives_the_disk_and_need_not_be_known(write_clip, tmp_path):
    assert read_clip(write_clip()).info.interaction is None
    with ClipWriter(tmp_path / "acting", replace(INFO, interaction=(0, 1))) as writer:
        for stamp_ns in (0, 100):
            writer.add_frame(stamp_ns, np.zeros((HEIGHT, WIDTH, 3), np.uint8), depth_mm())
    assert read_clip(tmp_path / "acting").info.interaction == (0, 1)


def test_an_interaction_longer_than_the_clip_is_not_written(tmp_path):
    with (
        pytest.raises(SourceError, match=r"interaction \[0, 1\] of 1 frames"),
        ClipWriter(tmp_path / "acting", replace(INFO, interaction=(0, 1))) as writer,
    ):
        writer.add_frame(0, np.zeros((HEIGHT, WIDTH, 3), np.uint8), depth_mm())
    assert not (tmp_path / "acting").exists()


def test_a_description_of_before_says_nothing_of_the_interaction(write_clip):
    path = write_clip()
    text = (path / "clip.json").read_text()
    (path / "clip.json").write_text(text.replace(' "interaction": null,\n', ""))
    assert "interaction" not in (path / "clip.json").read_text()
    assert read_clip(path).info == INFO


def test_frames_survive_the_disk(write_clip, picture):
    clip = read_clip(write_clip())
    for i, frame in enumerate(clip.frames()):
        assert frame.stamp_ns == i * 100
        assert frame.frame_id == INFO.frame_id
        assert frame.camera == INFO.camera
        assert np.abs(frame.color.astype(int) - np.roll(picture, i, 1)).mean() < 4
        np.testing.assert_array_equal(frame.depth.raw, depth_mm(i))
    np.testing.assert_array_equal(clip.frame(-1).depth.raw, depth_mm(2))


def test_colors_are_not_swapped_by_the_disk(tmp_path):
    orange = np.full((HEIGHT, WIDTH, 3), (250, 120, 10), np.uint8)
    with ClipWriter(tmp_path / "clip", INFO) as writer:
        writer.add_frame(0, orange, depth_mm())
    color = read_clip(tmp_path / "clip").frame(0).color
    assert np.abs(color.astype(int) - (250, 120, 10)).max() <= 4


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_encoded_pictures_are_stored_as_they_are(suffix, tmp_path, picture):
    data = cv2.imencode(suffix, picture[..., ::-1])[1].tobytes()
    with ClipWriter(tmp_path / "clip", INFO) as writer:
        writer.add_frame(0, data, depth_mm())
    assert (tmp_path / f"clip/color/00000{suffix}").read_bytes() == data
    assert is_complete_clip(tmp_path / "clip")
    color = read_clip(tmp_path / "clip").frame(0).color
    assert np.abs(color.astype(int) - picture).mean() < (0.01 if suffix == ".png" else 5)


def test_depth_in_metres_becomes_whole_millimetres(tmp_path, picture):
    depth_m = np.full((HEIGHT, WIDTH), 1.2344, np.float32)
    depth_m[0, :4] = np.nan, np.inf, 0, 70
    with ClipWriter(tmp_path / "clip", INFO) as writer:
        writer.add_frame(0, picture, DepthImage(depth_m, 1.0))
    raw = read_clip(tmp_path / "clip").frame(0).depth.raw
    assert (raw[0, :4] == 0).all()
    assert (raw[1:] == 1234).all()


def test_labels_of_every_frame_and_of_the_last_are_kept_apart(write_clip):
    clip = read_clip(write_clip())
    assert clip.has_label()
    assert clip.labelled("labels") == clip.labelled("affordances") == [0, 1, 2]
    np.testing.assert_array_equal(clip.label(), label_map(2))
    for i in range(3):
        np.testing.assert_array_equal(clip.labels(i), label_map(1 + i))
        np.testing.assert_array_equal(clip.affordances(i), label_map(5 + i))


def test_a_label_of_another_name_labels_nothing(write_clip):
    path = write_clip()
    (path / "labels/00001.png").rename(path / "labels/1.png")
    clip = read_clip(path)
    assert clip.labelled("labels") == [0, 2]
    assert clip.labels(1) is None


def test_label_of_the_last_frame_stands_in_for_its_frame_label(write_clip):
    path = write_clip()
    shutil.rmtree(path / "labels")
    shutil.rmtree(path / "affordances")
    clip = read_clip(path)
    assert clip.labelled("labels") == clip.labelled("affordances") == [2]
    assert clip.labels(0) is None
    assert clip.affordances(0) is None
    np.testing.assert_array_equal(clip.labels(-1), label_map(2))
    np.testing.assert_array_equal(clip.affordances(), label_map(6))


def test_recorded_clip_needs_no_label_and_no_truth(tmp_path, picture):
    with ClipWriter(tmp_path / "clip", replace(INFO, source="recorded", action="")) as writer:
        writer.add_frame(0, picture, depth_mm())
    clip = read_clip(tmp_path / "clip")
    assert not clip.has_label()
    assert clip.labelled("labels") == clip.labelled("affordances") == []
    assert clip.info.action_id is None
    assert clip.flow(0) is clip.true_depth_m(0) is clip.labels(0) is None
    with pytest.raises(SourceError, match=r"label\.png is missing"):
        clip.label()


def test_motion_is_kept_to_a_hundredth_of_a_millimetre(write_clip):
    clip = read_clip(write_clip())
    for i in range(2):
        true = clip.flow(i)
        error_m = np.linalg.norm(true.motion_m - motion(i), axis=0)
        assert error_m.max() <= 7e-6
        assert (true.motion_m[:, :10] == 0).all()
        np.testing.assert_array_equal(true.occluded, motion(i)[0] > 0.03)
    assert clip.flow(2) is None


def test_motion_without_occlusion_mask_is_nowhere_occluded(tmp_path, picture):
    with ClipWriter(tmp_path / "clip", INFO) as writer:
        writer.add_frame(0, picture, depth_mm(), motion_m=motion())
    assert not read_clip(tmp_path / "clip").flow(0).occluded.any()


def test_motion_of_metres_is_kept_as_exactly(tmp_path, picture):
    with ClipWriter(tmp_path / "clip", INFO) as writer:
        writer.add_frame(0, picture, depth_mm(), motion_m=100 * motion())
    error_m = read_clip(tmp_path / "clip").flow(0).motion_m - 100 * motion()
    assert np.abs(error_m).max() <= 5e-6


def test_true_depth_is_finer_than_the_sensor(write_clip):
    depth_m = read_clip(write_clip()).true_depth_m(1)
    assert np.isnan(depth_m[0]).all()
    np.testing.assert_allclose(depth_m[1:], 0.90104, atol=6e-6)


def test_rendered_clip_of_21_frames_is_small(tmp_path):
    # A hand-sized part of the picture turns before a noisy wall: the worst that rendering gives.
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:240, :320]
    moving = (columns - 160) ** 2 + (rows - 120) ** 2 < 70**2
    info = replace(INFO, camera=Camera(320, 240, 430.0, 430.0, 159.5, 119.5))
    texture = cv2.GaussianBlur(rng.integers(0, 255, (240, 320, 3), np.uint8), (0, 0), 2)
    with ClipWriter(tmp_path / "clip", info) as writer:
        for i in range(21):
            depth = (900 + 0.7 * rows + rng.normal(0, 2, rows.shape)).astype(np.uint16)
            turn = np.stack([rows - 120, 160 - columns, 0 * rows]) * 0.0003 * np.sin(i)
            color = cv2.add(texture, rng.integers(0, 6, texture.shape, np.uint8))
            motion_m = np.where(moving, turn, 0)
            writer.add_frame(
                i, color, depth, labels=moving.astype(np.uint8), motion_m=motion_m,
                occluded=moving, true_depth_m=0.9 + 0.0007 * rows,
            )  # fmt: skip
    size = sum(path.stat().st_size for path in (tmp_path / "clip").rglob("*") if path.is_file())
    assert size <= 2_000_000


def test_same_clip_has_the_same_bytes(write_clip):
    first, second = write_clip("a"), write_clip("b")
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert len(files) == 1 + 3 * 5 + 2 + 2
    for name in files:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_the_label_of_the_last_frame_may_lie_among_those_of_all(write_clip):
    path = write_clip()
    (path / "label.png").unlink(missing_ok=True)
    np.testing.assert_array_equal(read_clip(path).label(), label_map(3))
    shutil.rmtree(path / "labels")
    with pytest.raises(SourceError, match=r"label\.png is missing"):
        read_clip(path).label()
