# SPDX-License-Identifier: Apache-2.0
"""Bags of every kind, read for real."""

import cv2
import numpy as np
import pytest
from bag_samples import (
    CAMERA,
    M1,
    M2,
    NAMES,
    assert_same,
    camera_events,
    record,
)

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.sources.bag import TopicNames, open_recording, write_bag


def test_recording_can_be_read_twice(frames, tmp_path):
    write_bag(tmp_path / "bag", frames)
    recording = open_recording(tmp_path / "bag")
    next(recording.frames())
    assert_same(list(recording.frames()), frames)
    assert_same(list(recording.frames()), frames)
    assert recording.report.frames == 10


@pytest.mark.parametrize(("messages", "name"), [(M1, "bag.bag"), (M2, "bag")], ids=["ros1", "ros2"])
@pytest.mark.parametrize("skew_ns", [0, 4_000_000, -9_000_000])
def test_bags_of_both_ros_generations_are_paired_and_decoded(
    messages, name, skew_ns, frames, tmp_path
):
    events = camera_events(messages, frames, skew_ns=skew_ns)
    path = record(tmp_path / name, events, messages.store)
    assert_same(list(open_recording(path).frames()), frames)


def test_compressed_color_and_compressed_depth_of_image_transport(frames, tmp_path):
    events = []
    for f in frames:
        png = cv2.imencode(".png", np.ascontiguousarray(f.color[..., ::-1]))[1].tobytes()
        depth = b"\0" * 12 + cv2.imencode(".png", f.depth.raw)[1].tobytes()
        events += [
            ("/camera/color/camera_info", f.stamp_ns, M2.info(f.stamp_ns)),
            ("/camera/color/image_raw/compressed", f.stamp_ns,
             M2.compressed(f.stamp_ns, png, "rgb8; png compressed bgr8")),
            ("/camera/aligned_depth_to_color/image_raw/compressedDepth", f.stamp_ns,
             M2.compressed(f.stamp_ns, depth, "16UC1; compressedDepth png")),
        ]  # fmt: skip
    recording = open_recording(record(tmp_path / "bag", events))
    assert_same(list(recording.frames()), frames)


def test_rectified_color_uses_the_projection_matrix(frames, tmp_path):
    names = {
        "color": "/kinect2/qhd/image_color_rect",
        "depth": "/kinect2/qhd/image_depth_rect",
        "info": "/kinect2/qhd/camera_info",
    }
    path = record(tmp_path / "bag", camera_events(M2, frames, names=names))
    camera = open_recording(path).camera
    assert (camera.fx, camera.distortion) == (CAMERA.fx + 1, ())


def test_frames_follow_a_camera_that_is_recalibrated(frames, tmp_path):
    events = list(camera_events(M2, frames))
    k = CAMERA.matrix.reshape(-1).copy()
    k[0] = 50
    events[15] = (NAMES["info"], events[15][1], M2.info(frames[5].stamp_ns, k))
    for i in range(18, 30, 3):
        events[i] = (NAMES["info"], events[i][1], M2.info(events[i][1], k))
    read = list(open_recording(record(tmp_path / "bag", events)).frames())
    assert [frame.camera.fx for frame in read] == [40.0] * 5 + [50.0] * 5


def test_given_topics_and_skew_are_used(frames, tmp_path):
    odd = {"color": "/a/picture", "depth": "/b/range", "info": "/c/calibration"}
    path = record(tmp_path / "bag", camera_events(M2, frames, skew_ns=5_000_000, names=odd))
    topics = TopicNames("/a/picture", "/b/range", "/c/calibration")
    assert_same(list(open_recording(path, topics).frames()), frames)
    strict = open_recording(path, topics, max_skew_ns=1_000_000)
    with pytest.raises(SourceError, match="10 colour and 10 depth images unpaired"):
        list(strict.frames())


def test_the_rate_is_that_of_the_pictures_whatever_else_is_in_the_bag(frames, tmp_path):
    early = ("/rosout", 0, M2.info(0))
    recording = open_recording(record(tmp_path / "bag", [early, *camera_events(M2, frames)]))
    assert recording.rate_hz == pytest.approx(30, rel=1e-3)
