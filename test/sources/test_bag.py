# SPDX-License-Identifier: Apache-2.0
"""Bags of every kind, written and read for real."""

import errno
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from rosbags.rosbag1 import Writer as Bag1Writer
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.errors import CalibrationError, ConfigError, SourceError
from affordance_seg_ros.frames import DepthImage, RgbdFrame
from affordance_seg_ros.sources.bag import TopicNames, open_recording, write_bag, write_clip_bag
from affordance_seg_ros.sources.clip import ClipInfo, ClipWriter, read_clip

FRAME_NS = 33_333_333
START_NS = 1_700_000_000_000_000_000
CAMERA = Camera(32, 24, 40.0, 41.0, 15.5, 11.5, (0.1, -0.2, 0.001, 0.002, 0.05))
K1, K2 = get_typestore(Stores.ROS1_NOETIC), get_typestore(Stores.ROS2_HUMBLE)
NAMES = {"color": "/rgb/image_raw", "depth": "/depth_to_rgb/image_raw", "info": "/rgb/camera_info"}


@pytest.fixture
def frames(picture):
    """Ten frames at 30 Hz with metric stamps; the picture moves a column a frame."""
    depth = np.full((24, 32), 900, np.uint16)
    depth[:2] = 0
    return [
        RgbdFrame(
            START_NS + i * FRAME_NS,
            "rgb_camera_link",
            np.ascontiguousarray(np.roll(picture, i, 1)),
            DepthImage(depth + np.uint16(i), 0.001),
            CAMERA,
        )
        for i in range(10)
    ]


def assert_same(read, written):
    assert len(read) == len(written)
    for ours, theirs in zip(read, written, strict=True):
        assert ours.stamp_ns == theirs.stamp_ns
        assert ours.frame_id == theirs.frame_id
        assert ours.camera == theirs.camera
        np.testing.assert_array_equal(ours.color, theirs.color)
        np.testing.assert_array_equal(ours.depth.to_metres(), theirs.depth.to_metres())


class Messages:
    """Makes messages of one ROS generation."""

    def __init__(self, store):
        self.store = store
        self.is_ros1 = store is K1

    def make(self, kind, **fields):
        return self.store.types[kind](**fields)

    def header(self, stamp_ns, frame_id="rgb_camera_link"):
        sec, nanosec = divmod(stamp_ns, 1_000_000_000)
        stamp = self.make("builtin_interfaces/msg/Time", sec=sec, nanosec=nanosec)
        extra = {"seq": 0} if self.is_ros1 else {}
        return self.make("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id, **extra)

    def image(self, stamp_ns, pixels, encoding):
        rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(pixels.shape[0], -1)
        return self.make(
            "sensor_msgs/msg/Image",
            header=self.header(stamp_ns), height=pixels.shape[0], width=pixels.shape[1],
            encoding=encoding, is_bigendian=0, step=rows.shape[1], data=rows.reshape(-1),
        )  # fmt: skip

    def compressed(self, stamp_ns, data, image_format):
        return self.make(
            "sensor_msgs/msg/CompressedImage",
            header=self.header(stamp_ns), format=image_format, data=np.frombuffer(data, np.uint8),
        )  # fmt: skip

    def info(self, stamp_ns, k=None):
        roi = self.make(
            "sensor_msgs/msg/RegionOfInterest",
            x_offset=0, y_offset=0, height=0, width=0, do_rectify=False,
        )  # fmt: skip
        k = CAMERA.matrix.reshape(-1) if k is None else k
        p = np.hstack([CAMERA.matrix + 1, np.zeros((3, 1))]).reshape(-1)
        names = "DKRP" if self.is_ros1 else "dkrp"
        matrices = dict(
            zip(names, (np.array(CAMERA.distortion), k, np.eye(3).reshape(-1), p), strict=True)
        )
        return self.make(
            "sensor_msgs/msg/CameraInfo",
            header=self.header(stamp_ns), height=24, width=32, distortion_model="plumb_bob",
            binning_x=0, binning_y=0, roi=roi, **matrices,
        )  # fmt: skip


M1, M2 = Messages(K1), Messages(K2)


def record(path, events, store=K2, plugin=StoragePlugin.MCAP):
    """Write (topic, log time, message or raw bytes with its type) events as a bag."""
    if store is K1:
        writer, serialize = Bag1Writer(path), K1.serialize_ros1
    else:
        writer = Writer(path, version=9, storage_plugin=plugin)
        serialize = K2.serialize_cdr
    with writer:
        connections = {}
        for topic, stamp_ns, message in events:
            if isinstance(message, tuple):
                kind, data = message
            else:
                kind, data = message.__msgtype__, serialize(message, message.__msgtype__)
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=store)
            writer.write(connections[topic], stamp_ns, data)
    return path


def camera_events(messages, frames, *, skew_ns=0, names=NAMES):
    for frame in frames:
        stamp = frame.stamp_ns
        yield names["info"], stamp, messages.info(stamp)
        yield names["color"], stamp, messages.image(stamp, frame.color[..., ::-1], "bgr8")
        depth = messages.image(stamp + skew_ns, frame.depth.raw, "16UC1")
        yield names["depth"], stamp + abs(skew_ns), depth


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


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_bag_file_without_its_folder_is_read_as_well(storage, frames, tmp_path):
    write_bag(tmp_path / "bag", frames, storage=storage)
    (file,) = [path for path in (tmp_path / "bag").iterdir() if path.name != "metadata.yaml"]
    assert_same(list(open_recording(file).frames()), frames)
    (tmp_path / "bag/metadata.yaml").unlink()
    assert_same(list(open_recording(tmp_path / "bag").frames()), frames)


def test_recording_can_be_read_twice(frames, tmp_path):
    write_bag(tmp_path / "bag", frames)
    recording = open_recording(tmp_path / "bag")
    next(recording.frames())
    assert_same(list(recording.frames()), frames)
    assert_same(list(recording.frames()), frames)
    assert recording.report.frames == 10


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


def test_single_bad_camera_info_leaves_the_one_before_in_force(frames, tmp_path):
    events = list(camera_events(M2, frames))
    events[9] = (NAMES["info"], events[9][1], M2.info(events[9][1], np.zeros(9)))
    recording = open_recording(record(tmp_path / "bag", events))
    assert_same(list(recording.frames()), frames)
    assert "1 x camera_info with a matrix K of zeros" in str(recording.report)


def test_single_bad_messages_are_left_out_and_counted_with_the_reason(frames, tmp_path):
    events = list(camera_events(M2, frames))
    truncated = M2.image(frames[2].stamp_ns, frames[2].color, "rgb8")
    truncated.data = truncated.data[:100]
    events[7] = (NAMES["color"], events[7][1], truncated)
    events[10] = (NAMES["color"], events[10][1], M2.image(events[10][1], frames[3].color, "hsv8"))
    small = M2.image(frames[4].stamp_ns, frames[4].depth.raw[:5], "16UC1")
    events[14] = (NAMES["depth"], events[14][1], small)
    raw = K2.serialize_cdr(events[16][2], "sensor_msgs/msg/Image")
    events[16] = (NAMES["color"], events[16][1], ("sensor_msgs/msg/Image", bytes(raw[:50])))
    del events[19]
    recording = open_recording(record(tmp_path / "bag", events))
    read = list(recording.frames())
    assert_same(read, [f for i, f in enumerate(frames) if i not in (2, 3, 4, 5, 6)])
    reasons = " | ".join(recording.report.skipped)
    assert sum(recording.report.skipped.values()) == 4
    for reason in (
        "100 bytes of image data; expected 2304",
        "colour encoding 'hsv8'",
        "depth 32x5 with colour 32x24",
        "/rgb/image_raw: message of 50 bytes cannot be deserialised",
    ):
        assert reason in reasons
    assert recording.report.pairing.unpaired_depth == 2
    assert "5 frames; 0 colour and 2 depth images unpaired; 1 x" in str(recording.report)


def test_repeated_messages_are_reported(frames, tmp_path):
    events = [event for event in camera_events(M2, frames) for _ in range(2)]
    recording = open_recording(record(tmp_path / "bag", events))
    assert_same(list(recording.frames()), frames)
    assert "20 images with a stamp that had come before" in str(recording.report)


def test_bag_whose_every_frame_is_unusable_says_why(frames, tmp_path):
    events = [
        (topic, t, M2.image(t, frames[0].depth.raw[:9], "16UC1") if "depth" in topic else message)
        for topic, t, message in camera_events(M2, frames)
    ]
    recording = open_recording(record(tmp_path / "bag", events))
    with pytest.raises(SourceError, match="no frame could be read: 0 frames; 10 x depth 32x9 with"):
        list(recording.frames())


def test_given_topics_and_skew_are_used(frames, tmp_path):
    odd = {"color": "/a/picture", "depth": "/b/range", "info": "/c/calibration"}
    path = record(tmp_path / "bag", camera_events(M2, frames, skew_ns=5_000_000, names=odd))
    topics = TopicNames("/a/picture", "/b/range", "/c/calibration")
    assert_same(list(open_recording(path, topics).frames()), frames)
    strict = open_recording(path, topics, max_skew_ns=1_000_000)
    with pytest.raises(SourceError, match="10 colour and 10 depth images unpaired"):
        list(strict.frames())


@pytest.mark.parametrize(
    ("left_out", "message"),
    [
        ("depth", "has no depth topic; it has .*/rgb/image_raw .Image bgr8"),
        ("color", "has no colour topic; it has .*16UC1"),
        ("info", "has no camera_info topic"),
    ],
)
def test_bag_without_a_needed_topic_says_what_it_has(left_out, message, frames, tmp_path):
    events = [event for event in camera_events(M2, frames) if event[0] != NAMES[left_out]]
    path = record(tmp_path / "bag", events)
    with pytest.raises(SourceError, match=message):
        open_recording(path)


@pytest.mark.parametrize(("store", "name"), [(K1, "bag.bag"), (K2, "bag")])
def test_empty_bag_is_refused(store, name, tmp_path):
    path = record(tmp_path / name, [], store)
    with pytest.raises(SourceError, match=r"bag.*(is empty|is no readable bag)"):
        open_recording(path)


def test_bag_with_nan_intrinsics_is_refused(frames, tmp_path):
    events = [
        (topic, t, M2.info(t, np.full(9, np.nan)) if "info" in topic else message)
        for topic, t, message in camera_events(M2, frames)
    ]
    path = record(tmp_path / "bag", events)
    with pytest.raises(CalibrationError, match="expected finite numbers"):
        open_recording(path)


@pytest.mark.parametrize("suffix", ["mcap", "db3", "bag"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5])
def test_truncated_bag_file_is_named(share, suffix, frames, tmp_path):
    if suffix == "bag":
        file = record(tmp_path / "bag.bag", camera_events(M1, frames), K1)
    else:
        write_bag(tmp_path / "bag", frames, storage="sqlite3" if suffix == "db3" else "mcap")
        file = tmp_path / f"bag/bag.{suffix}"
    data = file.read_bytes()
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(data[: int(share * len(data))])
    with pytest.raises(SourceError, match=f"cut.{suffix} is (no readable bag|empty)"):
        list(open_recording(cut).frames())


def test_what_is_no_recording_is_refused_with_what_is_accepted(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    for path in (tmp_path, tmp_path / "notes.txt", tmp_path / "nothing"):
        with pytest.raises(SourceError, match=r"expected a ROS 2 bag \(folder, \.mcap, \.db3\)"):
            open_recording(path)


def test_folder_of_several_bag_files_asks_for_one(frames, tmp_path):
    for name in ("a", "b"):
        write_bag(tmp_path / name, frames)
        shutil.move(tmp_path / f"{name}/{name}.mcap", tmp_path / f"{name}.mcap")
        shutil.rmtree(tmp_path / name)
    with pytest.raises(SourceError, match=r"several bag files .*: a\.mcap, b\.mcap; name one"):
        open_recording(tmp_path)


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


def test_unknown_storage_is_refused(frames, tmp_path):
    with pytest.raises(ConfigError, match="'tape'; expected one of mcap, sqlite3"):
        write_bag(tmp_path / "bag", frames, storage="tape")


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
    assert read_clip(tmp_path / "bag").flow(0) is not None


def test_clip_with_only_a_last_label_labels_one_stamp(clip_path, frames):
    shutil.rmtree(Path(clip_path) / "labels")
    labels = open_recording(clip_path).labels
    assert len(labels) == 1
    assert list(labels) == [frames[-1].stamp_ns]
    assert (labels[frames[-1].stamp_ns] == 4).all()
