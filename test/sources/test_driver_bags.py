# SPDX-License-Identifier: Apache-2.0
"""Bags in each driver's topics, encodings and sizes, read by that camera's preset."""

import argparse
import json

import numpy as np
import pytest
from driver_bags import STORE, header, write_driver_bag
from driver_doubles import (
    DRIVERS,
    FRAME_NS,
    START_NS,
    T_COLOR_DEPTH,
    picture,
    true_depth_m,
    view_of,
)
from rosbags.typesys import get_types_from_msg

from affordance_seg_ros.cli import main
from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.sources.bag import TopicNames, open_recording
from affordance_seg_ros.sources.preset import preset_names, read_preset
from affordance_seg_ros.sources.recording_flags import (
    _given,
    add_recording_flags,
    recording_words,
)


def recorded(name, path, *, storage="mcap"):
    """Write the bag, and open it with what the preset says."""
    driver = write_driver_bag(path, name, storage=storage)
    preset = read_preset(driver.preset)
    known = preset.recorded_topics()
    topics = TopicNames(
        known["color/image"],
        known["depth/image"],
        known["color/camera_info"],
        known.get("depth/camera_info", ""),
    )
    align = preset.parameters.get("align_depth", False)
    return driver, open_recording(path, topics, depth_to_color="tf" if align else "")


def test_every_preset_has_a_driver_that_is_tried():
    assert {driver.preset for driver in DRIVERS.values()} == set(preset_names())


@pytest.mark.parametrize(
    ("name", "storage"),
    [*((name, "mcap") for name in DRIVERS), ("azure_kinect_jpeg", "sqlite3")],
)
def test_a_bag_of_each_driver_is_read_by_its_preset(name, storage, tmp_path):
    driver, recording = recorded(name, tmp_path / "bag", storage=storage)
    frames = list(recording.frames())
    assert [frame.stamp_ns for frame in frames] == [START_NS + i * FRAME_NS for i in range(3)]
    assert not recording.report.skipped
    true_m = true_depth_m(driver)
    for index, frame in enumerate(frames):
        assert frame.frame_id == driver.color_frame
        expected = view_of(driver)
        assert (frame.camera.width, frame.camera.fx) == (expected.width, expected.fx)
        assert frame.camera.is_distorted == expected.is_distorted
        tolerance = 6 if driver.color_encoding == "jpeg" else 0
        error = np.abs(frame.color.astype(int) - picture(driver, index))
        assert np.percentile(error, 99.9) <= tolerance
        depth_m = frame.depth.to_metres()
        seen = np.isfinite(depth_m) & np.isfinite(true_m)
        # The field of view that both cameras share is a part of the picture only.
        assert seen.mean() > (0.5 if driver.depth else 0.99) * np.isfinite(true_m).mean()
        # A millimetre's rounding; twice where depth was resampled; z^2 / 10100 where quantised.
        limit_m = 0.002 if "32FC1;" in driver.depth_encoding or driver.depth else 0.0006
        assert np.percentile(np.abs(depth_m - true_m)[seen], 99.5) < limit_m


def test_depth_of_another_frame_is_doubted_where_nobody_aligns_it(tmp_path, capsys):
    write_driver_bag(tmp_path / "bag", "realsense_unaligned")
    names = TopicNames(
        "/camera/camera/color/image_raw",
        "/camera/camera/depth/image_rect_raw",
        "/camera/camera/color/camera_info",
    )
    (doubt,) = open_recording(tmp_path / "bag", names).doubts
    words = "depth is in frame 'camera_depth_optical_frame', colour in 'camera_color_optical_frame'"
    assert doubt.startswith(words)
    _, aligned = recorded("realsense_unaligned", tmp_path / "aligned")
    assert aligned.doubts == ()


def test_the_command_replays_a_bag_with_a_preset(tmp_path, capsys):
    write_driver_bag(tmp_path / "bag", "realsense_unaligned")
    summary = tmp_path / "summary.json"
    words = ["replay", tmp_path / "bag", "--camera", "realsense_unaligned", "--device", "cpu"]
    words += ["--rate-hz", "0", "--out", tmp_path / "out", "--json", summary, "--quiet"]
    assert main([str(word) for word in words]) == 0, capsys.readouterr().err
    found = json.loads(summary.read_text())
    assert (found["frames_read"], found["frames_processed"]) == (3, 3)
    assert not found["skipped_messages"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--camera", "toaster"), "camera 'toaster'; expected one of azure_kinect"),
        (("--camera", "realsense"), "has no topic /camera/camera/aligned_depth_to_color/image_raw"),
        (("--base", "left"), "without --camera"),
        (("--camera", "realsense_unaligned", "--base", "left"), "no topic /left/color/image_raw"),
        (("--align-depth", "--depth-to-color", "1 2 3"), "expected seven numbers"),
        (("--align-depth", "--depth-to-color", "orbbec"), "no orbbec_camera_msgs/msg/Extrinsics"),
    ],
)
def test_a_bag_that_does_not_fit_the_flags_is_refused_with_the_reason(
    words, reason, tmp_path, capsys
):
    write_driver_bag(tmp_path / "bag", "realsense_unaligned", frames=1)
    assert main(["replay", str(tmp_path / "bag"), "--out", str(tmp_path / "out"), *words]) == 2
    assert reason in capsys.readouterr().err


def test_without_a_preset_the_topics_are_found_and_numbers_align_as_tf_does(tmp_path):
    _, by_tf = recorded("realsense_unaligned", tmp_path / "bag")
    # T_COLOR_DEPTH as a user would write it.
    text = "-0.032 -0.002 0.004 0.0522 0 0 0.99864"
    by_numbers = open_recording(tmp_path / "bag", depth_to_color=text)
    assert by_numbers.topics == by_tf.topics
    one, other = next(by_tf.frames()), next(by_numbers.frames())
    difference = one.depth.raw.astype(int) - other.depth.raw
    assert (difference == 0).mean() > 0.999
    assert T_COLOR_DEPTH[0, 3] == -0.032


EXTRINSICS = {
    "realsense": ("realsense2_camera_msgs", "F", "/camera/camera/extrinsics/depth_to_color"),
    "orbbec": ("orbbec_camera_msgs", "C", "/camera/camera/depth_to_color"),
}


def extrinsics(source, T=T_COLOR_DEPTH):
    """Return the driver's message of a motion."""
    package, order, _ = EXTRINSICS[source]
    definition = "float64[9] rotation\nfloat64[3] translation\n"
    if source == "orbbec":
        definition = "std_msgs/Header header\n" + definition
    kind = f"{package}/msg/Extrinsics"
    STORE.register(get_types_from_msg(definition, kind))
    fields = {"rotation": T[:3, :3].ravel(order), "translation": T[:3, 3].copy()}
    if source == "orbbec":
        fields["header"] = header(START_NS, "depth_to_color_extrinsics")
    return STORE.types[kind](**fields)


@pytest.mark.parametrize("source", EXTRINSICS)
def test_a_driver_s_own_message_in_the_bag_aligns_as_tf_does(source, tmp_path):
    latched = {EXTRINSICS[source][2]: extrinsics(source)}
    write_driver_bag(tmp_path / "bag", "realsense_unaligned", latched=latched)
    _, by_tf = recorded("realsense_unaligned", tmp_path / "tf")
    by_topic = open_recording(tmp_path / "bag", depth_to_color=source)
    one, other = next(by_tf.frames()), next(by_topic.frames())
    assert (one.depth.raw == other.depth.raw).mean() > 0.999


def test_the_message_of_another_driver_or_camera_is_not_taken(tmp_path):
    elsewhere = T_COLOR_DEPTH.copy()
    elsewhere[0, 3] = 0.2
    latched = {
        "/camera/camera/depth_to_color": extrinsics("orbbec", elsewhere),
        "/arm/camera/extrinsics/depth_to_color": extrinsics("realsense", elsewhere),
        EXTRINSICS["realsense"][2]: extrinsics("realsense"),
    }
    write_driver_bag(tmp_path / "bag", "realsense_unaligned", latched=latched)
    found = open_recording(tmp_path / "bag", depth_to_color="realsense")
    np.testing.assert_allclose(found._T_color_depth, T_COLOR_DEPTH)
    several = {
        f"/{name}/depth_to_color": extrinsics("realsense", elsewhere) for name in ("left", "right")
    }
    write_driver_bag(tmp_path / "several", "realsense_unaligned", latched=several)
    with pytest.raises(SourceError, match=r"realsense2_camera_msgs.* from several cameras"):
        open_recording(tmp_path / "several", depth_to_color="realsense")


def test_camera_info_of_another_frame_is_doubted(tmp_path):
    write_driver_bag(tmp_path / "bag", "realsense_unaligned")
    topics = TopicNames(camera_info="/camera/camera/depth/camera_info")
    words = "is in frame 'camera_depth_optical_frame', colour is in 'camera_color_optical_frame'"
    recording = open_recording(tmp_path / "bag", topics)
    assert any(words in doubt for doubt in recording.doubts)


def test_a_flag_that_is_given_counts_before_the_preset_also_at_its_default(tmp_path):
    def read(*words):
        parser = argparse.ArgumentParser()
        add_recording_flags(parser)
        arguments = parser.parse_args(["bag", "--camera", "realsense_unaligned", *words])
        return dict(_given(arguments, read_preset("realsense_unaligned"))), list(
            recording_words(arguments)
        )

    assert read()[0]["align_depth"] is True
    given, words = read("--no-align-depth", "--rectified")
    assert (given["align_depth"], given["rectified"]) == (False, True)
    assert {"--no-align-depth", "--rectified"} <= set(words)


def test_what_is_rectified_can_be_said(tmp_path):
    write_driver_bag(tmp_path / "bag", "realsense")
    assert open_recording(tmp_path / "bag").camera.is_distorted
    assert not open_recording(tmp_path / "bag", rectified=True).camera.is_distorted


def test_a_transform_that_is_not_in_the_bag_is_named(tmp_path):
    write_driver_bag(tmp_path / "bag", "realsense")
    topics = TopicNames(
        depth="/camera/camera/aligned_depth_to_color/image_raw",
        depth_camera_info="/camera/camera/color/camera_info",
    )
    # Depth in colour's own frame needs no transform; then it stays as it was.
    same = open_recording(tmp_path / "bag", topics, depth_to_color="tf")
    np.testing.assert_array_equal(
        np.isfinite(next(same.frames()).depth.to_metres())[2:-2, 2:-2], True
    )
    driver = DRIVERS["realsense"]
    DRIVERS["other frame"] = driver._replace(depth_frame="elsewhere")
    try:
        write_driver_bag(tmp_path / "other", "other frame")
    finally:
        del DRIVERS["other frame"]
    with pytest.raises(
        SourceError,
        match="no transform from 'elsewhere' to 'camera_color_optical_frame' on /tf_static, "
        "which has no frames; expected",
    ):
        open_recording(tmp_path / "other", topics, depth_to_color="tf")


@pytest.mark.parametrize(
    "given",
    [
        {"depth_to_color": "tf"},
        {"topics": TopicNames(color="/color")},
        {"max_skew_ns": 1},
        {"rectified": False},
    ],
)
def test_what_is_for_bags_is_refused_elsewhere(write_clip, given):
    clip = write_clip()
    with pytest.raises(SourceError, match="is not a bag; only"):
        open_recording(clip, **given)
    assert open_recording(clip, TopicNames())
