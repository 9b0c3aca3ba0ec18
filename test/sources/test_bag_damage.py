# SPDX-License-Identifier: Apache-2.0
"""Damaged and unsuitable bags: what is usable is used, and the rest is named."""

import shutil
from collections import Counter

import numpy as np
import pytest
from bag_samples import (
    K1,
    K2,
    M1,
    M2,
    NAMES,
    assert_same,
    camera_events,
    record,
)
from rosbags.rosbag1 import Writer as Bag1Writer
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from affordance_seg_ros.errors import CalibrationError, SourceError
from affordance_seg_ros.pipeline.rate import RateGate
from affordance_seg_ros.sources.bag import open_recording, write_bag
from affordance_seg_ros.sources.recording import commonest
from affordance_seg_ros.sources.topics import TopicNames


def test_single_bad_camera_info_leaves_the_one_before_in_force(frames, tmp_path):
    events = list(camera_events(M2, frames))
    events[9] = (NAMES["info"], events[9][1], M2.info(events[9][1], np.zeros(9)))
    recording = open_recording(record(tmp_path / "bag", events))
    assert_same(list(recording.frames()), frames)
    assert "1 x camera_info with a matrix K of zeros" in str(recording.report)


def spoil(events, name, count):
    """Cut off the first messages of a topic."""
    for topic, t, message in events:
        if topic == NAMES[name] and count:
            count -= 1
            data = bytes(K2.serialize_cdr(message, message.__msgtype__)[:30])
            message = (message.__msgtype__, data)
        yield topic, t, message


@pytest.mark.parametrize("name", ["color", "depth", "info"])
def test_unreadable_first_message_does_not_hide_a_topic(name, frames, tmp_path):
    path = record(tmp_path / "bag", spoil(camera_events(M2, frames), name, 1))
    recording = open_recording(path)
    assert_same(list(recording.frames()), frames if name == "info" else frames[1:])
    assert list(recording.report.skipped.values()) == [1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("color", r"no colour topic; it has .*/rgb/image_raw \(Image unreadable\)"),
        ("depth", r"no depth topic; it has .*/depth_to_rgb/image_raw \(Image unreadable\)"),
        ("info", "no readable message on /rgb/camera_info"),
    ],
)
def test_topic_without_a_readable_message_is_named(name, message, frames, tmp_path):
    path = record(tmp_path / "bag", spoil(camera_events(M2, frames), name, 10))
    with pytest.raises(SourceError, match=message):
        open_recording(path)


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


def test_a_frame_that_cannot_be_decoded_was_due_all_the_same(frames, tmp_path):
    """The live node asks for the rate before it decodes; a replay passes the same frames."""
    events = list(camera_events(M2, frames))
    events[10] = (NAMES["color"], events[10][1], M2.image(events[10][1], frames[3].color, "hsv8"))
    recording = open_recording(record(tmp_path / "bag", events))
    read = list(recording.frames(RateGate(10.0).accepts))
    assert_same(read, [frames[i] for i in (0, 6, 9)])
    assert (recording.report.frames, recording.report.not_due) == (3, 6)
    assert list(recording.report.skipped.values()) == [1]


def test_repeated_messages_are_reported(frames, tmp_path):
    events = [event for event in camera_events(M2, frames) for _ in range(2)]
    recording = open_recording(record(tmp_path / "bag", events))
    assert_same(list(recording.frames()), frames)
    assert "20 images with a repeated stamp" in str(recording.report)


def test_bag_whose_every_frame_is_unusable_says_why(frames, tmp_path):
    events = [
        (topic, t, M2.image(t, frames[0].depth.raw[:9], "16UC1") if "depth" in topic else message)
        for topic, t, message in camera_events(M2, frames)
    ]
    recording = open_recording(record(tmp_path / "bag", events))
    with pytest.raises(SourceError, match="no frame could be read: 0 frames; 10 x depth 32x9 with"):
        list(recording.frames())


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
    with pytest.raises(SourceError, match=r"bag.*(is empty|is not a readable bag)"):
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
    with pytest.raises(SourceError, match=f"cut.{suffix} is (not a readable bag|empty)"):
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


@pytest.mark.parametrize("kind", ["sqlite", "zstd", "lz4"])
def test_bytes_that_were_changed_are_an_error_of_the_recording(kind, frames, tmp_path):
    if kind == "lz4":
        path = file = tmp_path / "bag.bag"
        writer = Bag1Writer(path)
        writer.set_compression(Bag1Writer.CompressionFormat.LZ4)
        store, messages, serialize = K1, M1, K1.serialize_ros1
    else:
        path = tmp_path / "bag"
        plugin = StoragePlugin.SQLITE3 if kind == "sqlite" else StoragePlugin.MCAP
        writer = Writer(path, version=9, storage_plugin=plugin)
        if kind == "zstd":
            writer.set_compression(CompressionMode.MESSAGE, CompressionFormat.ZSTD)
        store, messages, serialize = K2, M2, K2.serialize_cdr
    with writer:
        to = {}
        for topic, stamp_ns, message in camera_events(messages, frames):
            if topic not in to:
                to[topic] = writer.add_connection(topic, message.__msgtype__, typestore=store)
            writer.write(to[topic], stamp_ns, serialize(message, message.__msgtype__))
    if path.is_dir():
        (file,) = (each for each in path.iterdir() if each.suffix != ".yaml")
    whole = file.read_bytes()
    refused = 0
    for share in (0.3, 0.5, 0.7, 0.9):
        at = int(share * len(whole))
        file.write_bytes(whole[:at] + b"\xa5" * 3000 + whole[at + 3000 :])
        try:
            list(open_recording(path).frames())
        except (SourceError, CalibrationError):
            refused += 1
    assert refused


def test_transforms_that_are_cut_off_are_damage_of_the_bag(frames, tmp_path):
    stamp = frames[0].stamp_ns
    events = [
        ("/tf_static", stamp, ("tf2_msgs/msg/TFMessage", b"\0\1\0\0\5\0")),
        ("/depth_to_rgb/camera_info", stamp, M2.info(stamp)),
        *camera_events(M2, frames),
    ]
    path = record(tmp_path / "bag", events)
    with pytest.raises(SourceError, match="bag is not a readable bag"):
        open_recording(path, TopicNames(depth=NAMES["depth"]), depth_to_color="tf")


@pytest.mark.parametrize("error", [ZeroDivisionError, MemoryError])
@pytest.mark.parametrize(
    "part", ["rgbd_decoder.RgbdDecoder.decode", "bag_reader.PairingBuffer.flush"]
)
def test_an_error_that_is_not_the_bag_s_is_not_laid_to_it(
    part, error, frames, tmp_path, monkeypatch
):
    def fail(*_):
        raise error

    recording = open_recording(record(tmp_path / "bag", camera_events(M2, frames)))
    monkeypatch.setattr(f"affordance_seg_ros.sources.{part}", fail)
    with pytest.raises(error):
        list(recording.frames())


@pytest.mark.parametrize("character", "#?%")
def test_a_path_that_sqlite_cannot_open_is_refused(character, frames, tmp_path):
    path = tmp_path / f"run {character}41"
    with pytest.raises(SourceError, match="SQLite cannot open a path with"):
        write_bag(path, frames, storage="sqlite3")
    write_bag(path, frames)
    assert_same(list(open_recording(path).frames()), frames)
    write_bag(tmp_path / "bag", frames, storage="sqlite3")
    moved = (tmp_path / "bag").rename(tmp_path / f"moved{character}")
    with pytest.raises(SourceError, match="SQLite cannot open a path with"):
        open_recording(moved)


def test_what_may_not_be_looked_at_is_one_line(tmp_path):
    with pytest.raises(SourceError, match="cannot be read: File name too long"):
        open_recording(tmp_path / ("x" * 300))


def test_a_reason_for_each_message_is_told_in_a_few():
    many = Counter({f"{n} bytes are no picture": 1 for n in range(50)}) + Counter(most=5)
    told = commonest(many)
    assert len(told) == 21
    assert (told["most"], told["other reasons"], sum(told.values())) == (5, 31, 55)
    assert commonest(Counter(a=2, b=1)) == {"a": 2, "b": 1}
