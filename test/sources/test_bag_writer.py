# SPDX-License-Identifier: Apache-2.0
"""Written bags: read back unchanged, whole or not at all."""

import errno
from dataclasses import replace

import numpy as np
import pytest
from bag_samples import (
    CAMERA,
    K2,
    assert_same,
)
from rosbags.highlevel import AnyReader

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.errors import ConfigError, SourceError
from affordance_seg_ros.frames import DepthImage, RgbdFrame
from affordance_seg_ros.sources.bag import open_recording, write_bag


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_written_bag_is_read_back_unchanged(storage, frames, tmp_path):
    seen = []
    count = write_bag(tmp_path / "bag", frames, storage=storage, progress=seen.append)
    assert count == 10
    assert seen == list(range(1, 11))
    recording = open_recording(tmp_path / "bag")
    assert recording.name == "bag"
    assert recording.kind == "ROS 2 bag"
    assert recording.camera == CAMERA
    assert recording.frame_count == 10
    assert recording.rate_hz == pytest.approx(30, abs=0.01)
    assert_same(list(recording.frames()), frames)
    assert recording.report.frames == 10
    assert not recording.report.skipped
    assert recording.report.pairing.paired == 10


def test_depth_in_another_unit_than_millimetres_keeps_its_metres(frames, tmp_path):
    fine = [replace(each, depth=DepthImage(each.depth.raw, 0.0002)) for each in frames]
    write_bag(tmp_path / "bag", fine)
    for read, written in zip(open_recording(tmp_path / "bag").frames(), fine, strict=True):
        np.testing.assert_allclose(
            read.depth.to_metres(), written.depth.to_metres(), rtol=1e-6, equal_nan=True
        )


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_bag_file_without_its_folder_is_read_as_well(storage, frames, tmp_path):
    write_bag(tmp_path / "bag", frames, storage=storage)
    (file,) = [path for path in (tmp_path / "bag").iterdir() if path.name != "metadata.yaml"]
    assert_same(list(open_recording(file).frames()), frames)
    (tmp_path / "bag/metadata.yaml").unlink()
    assert_same(list(open_recording(tmp_path / "bag").frames()), frames)


def test_written_messages_have_the_types_that_ros_knows(frames, tmp_path):
    write_bag(tmp_path / "bag", frames)
    with AnyReader([tmp_path / "bag"]) as reader:
        kinds = {c.topic: (c.msgtype, c.digest) for c in reader.connections}
    assert kinds == {
        f"/camera/{topic}": (f"sensor_msgs/msg/{kind}", K2.hash_rihs01(f"sensor_msgs/msg/{kind}"))
        for topic, kind in (
            ("color/image", "Image"),
            ("depth/image", "Image"),
            ("color/camera_info", "CameraInfo"),
        )
    }


def test_float_depth_keeps_metres_and_holes(frames, tmp_path):
    depth_m = np.full((24, 32), 1.23456789, np.float32)
    depth_m[:3] = np.nan
    metric = [
        RgbdFrame(f.stamp_ns, f.frame_id, f.color, DepthImage(depth_m, 1.0), f.camera)
        for f in frames
    ]
    write_bag(tmp_path / "bag", metric)
    assert_same(list(open_recording(tmp_path / "bag").frames()), metric)


def test_camera_with_eight_coefficients_survives(frames, tmp_path):
    camera = Camera(32, 24, 40.0, 41.0, 15.5, 11.5, tuple(0.1 * i for i in range(8)))
    rational = [RgbdFrame(f.stamp_ns, "c", f.color, f.depth, camera) for f in frames]
    write_bag(tmp_path / "bag", rational)
    assert open_recording(tmp_path / "bag").camera == camera


def test_compressed_bag_is_read_back_with_jpeg_errors_only(frames, tmp_path):
    write_bag(tmp_path / "bag", frames, compressed=True)
    recording = open_recording(tmp_path / "bag")
    assert recording.topics.color == "/camera/color/image/compressed"
    for ours, theirs in zip(recording.frames(), frames, strict=True):
        assert np.abs(ours.color.astype(int) - theirs.color).mean() < 4
        np.testing.assert_array_equal(ours.depth.raw, theirs.depth.raw)


def test_bag_folder_appears_whole_or_not_at_all(frames, tmp_path):
    def broken():
        yield from frames[:3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_bag(tmp_path / "bag", broken())
    with pytest.raises(SourceError, match="bag without frames"):
        write_bag(tmp_path / "bag", [])
    assert list(tmp_path.iterdir()) == []
    write_bag(tmp_path / "bag", frames)
    with pytest.raises(SourceError, match="bag exists; expected a new folder"):
        write_bag(tmp_path / "bag", frames)
    assert [path.name for path in tmp_path.iterdir()] == ["bag"]


def test_remains_of_a_killed_run_are_no_obstacle(frames, tmp_path):
    (tmp_path / ".bag.partial/bag").mkdir(parents=True)
    assert write_bag(tmp_path / "bag", frames) == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == [".bag.partial", "bag"]


def test_two_writers_of_one_bag_do_not_take_from_each_other(frames, tmp_path):
    def joined():
        yield from frames[:5]
        write_bag(tmp_path / "bag", frames[:3])
        yield from frames[5:]

    with pytest.raises(SourceError, match=r"cannot write .*bag: Directory not empty"):
        write_bag(tmp_path / "bag", joined())
    assert_same(list(open_recording(tmp_path / "bag").frames()), frames[:3])
    assert [path.name for path in tmp_path.iterdir()] == ["bag"]


def test_unwritable_place_and_full_disk_are_named(frames, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match=r"cannot write .*bag: Not a directory"):
        write_bag(tmp_path / "file/bag", frames)

    def full():
        yield frames[0]
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(SourceError, match=r"cannot write .*bag: No space left on device"):
        write_bag(tmp_path / "bag", full())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_folder_that_appears_meanwhile_is_not_overwritten(frames, tmp_path):
    def intruded():
        yield frames[0]
        (tmp_path / "bag").mkdir()
        (tmp_path / "bag/precious").write_text("")

    with pytest.raises(SourceError, match=r"cannot write .*bag: Directory not empty"):
        write_bag(tmp_path / "bag", intruded())
    assert [path.name for path in (tmp_path / "bag").iterdir()] == ["precious"]


def test_unknown_storage_is_refused(frames, tmp_path):
    with pytest.raises(ConfigError, match="'tape'; expected one of mcap, sqlite3"):
        write_bag(tmp_path / "bag", frames, storage="tape")
