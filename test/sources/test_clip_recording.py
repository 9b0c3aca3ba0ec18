# SPDX-License-Identifier: Apache-2.0
"""Clips as recordings, from their folder and as bags."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from bag_samples import (
    CAMERA,
    assert_same,
)

from affordance_seg_ros.sources.bag import open_recording, write_clip_bag
from affordance_seg_ros.sources.clip import ClipInfo, ClipWriter, read_clip


@pytest.fixture
def clip_path(frames, tmp_path):
    """A clip folder with the label of every frame and of the last."""
    info = ClipInfo("cup", "lift", "rendered", CAMERA, rate_hz=30.0, frame_id="rgb_camera_link")
    label = np.zeros((24, 32), np.uint8)
    with ClipWriter(tmp_path / "clip", info) as writer:
        for i, f in enumerate(frames):
            color = cv2.imencode(".png", np.ascontiguousarray(f.color[..., ::-1]))[1].tobytes()
            writer.add_frame(
                f.stamp_ns, color, f.depth, labels=label + np.uint8(i % 3),
                motion_m=np.zeros((3, 24, 32)),
            )  # fmt: skip
        writer.set_label(label + np.uint8(4))
        writer.set_affordances(label + np.uint8(5))
    return tmp_path / "clip"


def test_clip_folder_is_a_recording(clip_path, frames):
    recording = open_recording(clip_path)
    assert (recording.kind, recording.action, recording.rate_hz) == ("clip", "lift", 30)
    assert recording.frame_count == 10
    assert_same(list(recording.frames()), frames)
    assert recording.report.frames == 10
    assert list(recording.labels) == [f.stamp_ns for f in frames]
    assert (recording.labels[frames[4].stamp_ns] == 1).all()
    with pytest.raises(KeyError):
        recording.labels[5]


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize("compressed", [True, False])
def test_clip_as_a_bag_is_the_same_recording(storage, compressed, clip_path, frames, tmp_path):
    clip = read_clip(clip_path)
    write_clip_bag(tmp_path / "bag", clip, storage=storage, compressed=compressed)
    recording = open_recording(tmp_path / "bag")
    assert recording.kind == "ROS 2 bag"
    assert recording.action == "lift"
    assert recording.rate_hz == 30
    assert_same(list(recording.frames()), frames)
    direct = open_recording(clip_path)
    assert list(recording.labels) == list(direct.labels)
    for stamp_ns, label in direct.labels.items():
        np.testing.assert_array_equal(recording.labels[stamp_ns], label)
    assert (read_clip(tmp_path / "bag").label() == 4).all()
    assert (read_clip(tmp_path / "bag").affordances() == 5).all()
    assert read_clip(tmp_path / "bag").flow(0) is not None


def test_clip_with_only_a_last_label_labels_one_stamp(clip_path, frames):
    shutil.rmtree(Path(clip_path) / "labels")
    labels = open_recording(clip_path).labels
    assert len(labels) == 1
    assert list(labels) == [frames[-1].stamp_ns]
    assert (labels[frames[-1].stamp_ns] == 4).all()


def test_label_that_disappears_is_no_label(clip_path, frames):
    labels = open_recording(clip_path).labels
    (clip_path / "labels/00003.png").unlink()
    with pytest.raises(KeyError):
        labels[frames[3].stamp_ns]
