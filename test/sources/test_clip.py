# SPDX-License-Identifier: Apache-2.0
"""Clips: what is written is read back, whole or not at all, and every defect is named."""

import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.errors import ConfigError, SourceError
from affordance_seg_ros.frames import DepthImage
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.sources.clip import ClipInfo, ClipWriter, is_complete_clip, read_clip

HEIGHT, WIDTH = 24, 32
INFO = ClipInfo(
    object_name="cup",
    action="lift",
    source="rendered",
    camera=Camera(WIDTH, HEIGHT, 40.0, 41.0, 15.5, 11.5, (0.1, 0.0, 0.0, 0.0, 0.0)),
    seed=7,
    split="train",
    extra={"person": {"sleeve": "long"}},
)


def depth_mm(index=0):
    depth = np.full((HEIGHT, WIDTH), 900 + index, np.uint16)
    depth[0] = 0
    return depth


def label_map(value=4):
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[4:9, 5:20] = value
    labels[0, 0] = 255
    return labels


def motion(seed=0):
    field = np.random.default_rng(seed).normal(0, 0.03, (3, HEIGHT, WIDTH))
    field[:, :10] = 0
    return field


@pytest.fixture
def write(tmp_path, picture):
    """A function that writes a clip of some frames with everything and returns its folder."""

    def make(name="clip", *, info=INFO, frames=3, labelled=True):
        path = tmp_path / name
        with ClipWriter(path, info) as writer:
            for i in range(frames):
                last = i == frames - 1
                writer.add_frame(
                    i * 100,
                    np.roll(picture, i, 1),
                    depth_mm(i),
                    labels=label_map(1 + i),
                    affordances=label_map(5 + i),
                    motion_m=None if last else motion(i),
                    occluded=None if last else motion(i)[0] > 0.03,
                    true_depth_m=depth_mm(i) * 0.001 + 0.00004 * (depth_mm(i) > 0),
                )
            if labelled:
                writer.set_label(label_map(2))
                writer.set_affordances(label_map(6))
        return path

    return make


def test_description_survives_the_disk(write):
    clip = read_clip(write())
    assert clip.info == INFO
    assert clip.info.action_id == 3
    assert clip.stamps_ns == (0, 100, 200)
    assert len(clip) == 3


def test_frames_survive_the_disk(write, picture):
    clip = read_clip(write())
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


def test_labels_of_every_frame_and_of_the_last_are_kept_apart(write):
    clip = read_clip(write())
    assert clip.has_label()
    np.testing.assert_array_equal(clip.label(), label_map(2))
    for i in range(3):
        np.testing.assert_array_equal(clip.labels(i), label_map(1 + i))
        np.testing.assert_array_equal(clip.affordances(i), label_map(5 + i))


def test_label_of_the_last_frame_stands_in_for_its_frame_label(write):
    path = write()
    shutil.rmtree(path / "labels")
    shutil.rmtree(path / "affordances")
    clip = read_clip(path)
    assert clip.labels(0) is None
    assert clip.affordances(0) is None
    np.testing.assert_array_equal(clip.labels(-1), label_map(2))
    np.testing.assert_array_equal(clip.affordances(), label_map(6))


def test_recorded_clip_needs_no_label_and_no_truth(tmp_path, picture):
    with ClipWriter(tmp_path / "clip", replace(INFO, source="recorded", action="")) as writer:
        writer.add_frame(0, picture, depth_mm())
    clip = read_clip(tmp_path / "clip")
    assert not clip.has_label()
    assert clip.info.action_id is None
    assert clip.flow(0) is clip.true_depth_m(0) is clip.labels(0) is None
    with pytest.raises(SourceError, match=r"label\.png is missing"):
        clip.label()


def test_motion_is_kept_to_a_hundredth_of_a_millimetre(write):
    clip = read_clip(write())
    for i in range(2):
        true = clip.flow(i)
        error_m = np.linalg.norm(true.motion_m - motion(i), axis=0)
        assert error_m.max() <= 5e-6
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


def test_true_depth_is_finer_than_the_sensor(write):
    depth_m = read_clip(write()).true_depth_m(1)
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


def test_same_clip_has_the_same_bytes(write):
    first, second = write("a"), write("b")
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert len(files) == 1 + 3 * 5 + 2 + 2
    for name in files:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_interrupted_clip_leaves_nothing(error, tmp_path, picture):
    def interrupted():
        with ClipWriter(tmp_path / "clip", INFO) as writer:
            writer.add_frame(0, picture, depth_mm())
            raise error

    with pytest.raises(error):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_clip_is_not_there_before_it_is_whole(tmp_path, picture):
    with ClipWriter(tmp_path / "clip", INFO) as writer:
        writer.add_frame(0, picture, depth_mm())
        assert not (tmp_path / "clip").exists()
        assert not is_complete_clip(tmp_path / "clip")
    assert is_complete_clip(tmp_path / "clip")


def test_remains_of_a_killed_run_are_not_mixed_in(tmp_path, picture):
    (tmp_path / ".clip.partial/labels").mkdir(parents=True)
    (tmp_path / ".clip.partial/labels/00000.png").write_bytes(b"old")
    with ClipWriter(tmp_path / "clip", INFO) as writer:
        writer.add_frame(0, picture, depth_mm())
    assert read_clip(tmp_path / "clip").labels(0) is None


def test_full_disk_is_named_and_leaves_nothing(tmp_path, picture, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)

    def write():
        with ClipWriter(tmp_path / "clip", INFO) as writer:
            writer.add_frame(0, picture, depth_mm())

    with pytest.raises(SourceError, match=r"cannot write .*clip: No space left on device"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_unwritable_place_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match=r"cannot write .*file/clip: "):
        ClipWriter(tmp_path / "file/clip", INFO).__enter__()


def test_existing_folder_is_not_overwritten(write):
    path = write()
    with pytest.raises(SourceError, match="clip exists; expected a new folder"):
        ClipWriter(path, INFO).__enter__()
    assert is_complete_clip(path)


def test_clip_without_frames_is_refused(tmp_path):
    with pytest.raises(SourceError, match="clip without frames"), ClipWriter(tmp_path / "c", INFO):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"color": np.zeros((4, 4, 3), np.uint8)}, r"colour of shape \(4, 4, 3\); expected \(24"),
        ({"color": b"no picture"}, "10 bytes of colour are no JPEG or PNG"),
        ({"color": b"\xff\xd8\xff damaged"}, "are no JPEG or PNG"),
        ({"depth": np.zeros((4, 4), np.uint16)}, r"depth/00001.png of shape \(4, 4\)"),
        ({"labels": np.full((HEIGHT, WIDTH), 77, np.uint8)}, r"label ids \[77\]; expected 0 to 9"),
        ({"labels": np.zeros((HEIGHT, WIDTH))}, "holds float64; expected uint8"),
        ({"motion_m": np.zeros((HEIGHT, WIDTH))}, r"motion of shape .* expected \(3, 24, 32\)"),
        ({"motion_m": np.full((3, HEIGHT, WIDTH), np.nan)}, "expected finite ones"),
        ({"motion_m": motion(), "occluded": np.zeros((2, 2), bool)}, "occlusion mask of shape"),
        ({"true_depth_m": np.zeros((2, 2))}, "true depth of shape"),
        ({"stamp_ns": 5}, "stamp 5 after 5; expected a later one"),
    ],
)
def test_wrong_frame_is_refused_and_the_clip_with_it(change, message, tmp_path, picture):
    def write():
        with ClipWriter(tmp_path / "clip", INFO) as writer:
            writer.add_frame(5, picture, depth_mm())
            frame = {"stamp_ns": 6, "color": picture, "depth": depth_mm(), **change}
            writer.add_frame(**frame)

    with pytest.raises(SourceError, match=message):
        write()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": "dreamt"}, "'dreamt'; expected one of rendered, recorded, converted"),
        ({"action": "eat"}, "action 'eat'; expected one of cut"),
        ({"rate_hz": 0.0}, "rate_hz=0.0; expected a positive number"),
    ],
)
def test_wrong_description_is_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        replace(INFO, **change)


def test_extra_that_json_cannot_hold_is_refused(tmp_path, picture):
    def write():
        with ClipWriter(tmp_path / "clip", replace(INFO, extra={"x": np.zeros(2)})) as writer:
            writer.add_frame(5, picture, depth_mm())

    with pytest.raises(SourceError, match="extra is not JSON"):
        write()


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


def damage_json(path, **changes):
    content = json.loads((path / "clip.json").read_text())
    content.update(changes)
    content = {name: value for name, value in content.items() if value != "REMOVED"}
    (path / "clip.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "is no clip; expected format 'affordance_seg_ros/clip'"),
        ({"version": 2}, "has version 2; expected 1"),
        ({"stamps_ns": []}, "0 stamps; expected at least one, increasing"),
        ({"stamps_ns": [3, 2, 1]}, "3 stamps; expected at least one, increasing"),
        ({"camera": "REMOVED"}, "'camera' is missing"),
        ({"camera": {"width": 3}}, "missing .* required"),
        ({"rate_hz": "fast"}, "'rate_hz' is 'fast', of another type"),
        ({"source": "dreamt"}, "clip source 'dreamt'"),
    ],
)
def test_damaged_description_is_named(changes, message, write):
    path = write()
    damage_json(path, **changes)
    with pytest.raises(SourceError, match=message):
        read_clip(path)
    assert not is_complete_clip(path)


def test_truncated_description_is_named(write):
    path = write()
    (path / "clip.json").write_text('{"format": ')
    with pytest.raises(SourceError, match=r"clip\.json is damaged"):
        read_clip(path)


def test_folder_without_description_is_no_clip(tmp_path):
    with pytest.raises(SourceError, match=r"clip\.json is missing: no clip"):
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
def test_every_damaged_file_is_named_when_it_is_read(name, damage, message, write):
    path = write()
    damage(path / name)
    clip = read_clip(path)
    with pytest.raises(SourceError, match=message):
        READERS[name](clip)


def test_truth_of_another_size_is_refused(write, tmp_path, picture):
    small = replace(INFO, camera=Camera(8, 8, 10.0, 10.0, 3.5, 3.5))
    with ClipWriter(tmp_path / "small", small) as writer:
        writer.add_frame(
            0, picture[:8, :8], depth_mm()[:8, :8], motion_m=motion()[:, :8, :8],
            true_depth_m=np.ones((8, 8)),
        )  # fmt: skip
    path = write()
    for folder in ("flow", "true_depth"):
        shutil.copy(tmp_path / f"small/{folder}/00000.npz", path / f"{folder}/00001.npz")
        with pytest.raises(SourceError, match=r"has shape \((3, )?8, 8\); expected \((3, )?24"):
            READERS[f"{folder}/00001.npz"](read_clip(path))


def test_frame_that_does_not_exist_is_named(write):
    with pytest.raises(SourceError, match="has 3 frames; frame 3 does not exist"):
        read_clip(write()).frame(3)


def test_clip_with_a_missing_picture_is_not_complete(write):
    path = write()
    assert is_complete_clip(path)
    (path / "depth/00001.png").unlink()
    assert not is_complete_clip(path)
