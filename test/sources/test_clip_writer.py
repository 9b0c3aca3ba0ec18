# SPDX-License-Identifier: Apache-2.0
"""Writing clips: whole or not at all, and nothing that cannot be read back."""

import errno
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clip_samples import HEIGHT, INFO, WIDTH, depth_mm, motion

from affordance_seg_ros.errors import ConfigError, SourceError
from affordance_seg_ros.sources.clip import ClipWriter, is_complete_clip, read_clip


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


def test_two_writers_of_one_clip_do_not_take_from_each_other(tmp_path, picture):
    with ClipWriter(tmp_path / "clip", INFO) as first:
        first.add_frame(0, picture, depth_mm())
        second = ClipWriter(tmp_path / "clip", INFO).__enter__()
        second.add_frame(0, picture, depth_mm())
        first.add_frame(1, picture, depth_mm(1))
    assert len(list(read_clip(tmp_path / "clip").frames())) == 2
    with pytest.raises(SourceError, match=r"cannot write .*clip: Directory not empty"):
        second.__exit__(None, None, None)
    assert [path.name for path in tmp_path.iterdir()] == ["clip"]
    assert len(list(read_clip(tmp_path / "clip").frames())) == 2


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


def test_existing_folder_is_not_overwritten(write_clip):
    path = write_clip()
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
        ({"color": b"no picture"}, "10 bytes of colour are not a JPEG or PNG"),
        ({"color": b"\xff\xd8\xff damaged"}, "are not a JPEG or PNG"),
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
