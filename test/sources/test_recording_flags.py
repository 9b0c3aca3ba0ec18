# SPDX-License-Identifier: Apache-2.0
"""Flags that say which recording is read, and how."""

import argparse
import json

import cv2
import numpy as np
import pytest
from bag_samples import CAMERA, M2, NAMES, assert_same, camera_events, record

from affordance_seg_ros.cli import main
from affordance_seg_ros.errors import ConfigError, SourceError
from affordance_seg_ros.sources.bag import TopicNames
from affordance_seg_ros.sources.recording_flags import (
    add_recording_flags,
    open_flagged,
    recording_words,
)

LEFT = {"color": "/left/a", "depth": "/left/b", "info": "/left/c"}
RIGHT = {"color": "/right/a", "depth": "/right/b", "info": "/right/c"}


def parse(*words):
    parser = argparse.ArgumentParser()
    add_recording_flags(parser)
    return parser.parse_args([str(word) for word in words])


def test_topics_that_are_named_are_read(frames, tmp_path):
    left = [*camera_events(M2, frames[::-1], names=LEFT)]
    right = [*camera_events(M2, frames, names=RIGHT)]
    bag = record(tmp_path / "bag", [*left, ("/right/d", 0, M2.info(0)), *right])
    flags = ("--color-topic=/right/a", "--depth-topic=/right/b", "--camera-info-topic=/right/c")
    assert_same(list(open_flagged(parse(bag, *flags)).frames()), frames)
    flags += ("--align-depth", "--depth-to-color=0 0 0 0 0 0 1")
    aligned = open_flagged(parse(bag, *flags, "--depth-camera-info-topic=/right/d"))
    assert aligned.topics == TopicNames("/right/a", "/right/b", "/right/c", "/right/d")


@pytest.mark.parametrize(
    ("words", "step_ms"),
    [(["--picture-rate-hz", "5"], 200), ([], 100), (["--rate-hz", "0"], 33)],
)
def test_pictures_without_stamps_come_at_the_rate_that_is_taken(words, step_ms, picture, tmp_path):
    path, out = tmp_path / "pictures", tmp_path / "out"
    for name, pixels in (("color", picture), ("depth", np.full((24, 32), 900, np.uint16))):
        (path / name).mkdir(parents=True)
        for index in range(3):
            cv2.imwrite(str(path / name / f"{index}.png"), pixels)
    content = {"width": 32, "height": 24, "intrinsic_matrix": [40, 0, 0, 0, 41, 0, 15.5, 11.5, 1]}
    (path / "camera.json").write_text(json.dumps(content))
    options = ["--weights", "untrained:compact", "--network-backend", "eager", "--device", "cpu"]
    assert main(["replay", str(path), "--out", str(out), "--quiet", *options, *words]) == 0
    lines = [json.loads(line) for line in (out / "predictions.jsonl").open()]
    assert [line["stamp_ns"] // 1_000_000 for line in lines] == [0, step_ms, 2 * step_ms]


@pytest.mark.parametrize(
    ("topic", "words", "rectified"),
    [
        ("/image_rect", (), True),
        ("/image_rect", ("--no-rectified",), False),
        ("/image_raw", (), False),
        ("/image_raw", ("--rectified",), True),
    ],
)
def test_a_topic_is_rectified_by_its_name_unless_a_flag_says_otherwise(
    topic, words, rectified, frames, tmp_path
):
    bag = record(tmp_path / "bag", camera_events(M2, frames, names={**NAMES, "color": topic}))
    camera = open_flagged(parse(bag, *words)).camera
    assert (camera.fx, camera.is_distorted) == (CAMERA.fx + rectified, not rectified)


def test_the_help_says_by_what_a_topic_is_rectified():
    parser = argparse.ArgumentParser()
    add_recording_flags(parser)
    text = " ".join(parser.format_help().split())
    assert "camera_info's P holds, without distortion (default: by the word rect in" in text


def test_a_largest_skew_that_is_given_counts(frames, tmp_path):
    bag = record(tmp_path / "bag", camera_events(M2, frames, skew_ns=5_000_000))
    assert len(list(open_flagged(parse(bag)).frames())) == len(frames)
    with pytest.raises(SourceError, match="10 colour and 10 depth images unpaired"):
        list(open_flagged(parse(bag, "--max-skew-s=0.001")).frames())


def test_frames_with_stamps_take_no_rate(frames, tmp_path):
    bag = record(tmp_path / "bag", camera_events(M2, frames))
    with pytest.raises(ConfigError, match=r"--picture-rate-hz 5 with .*bag.*stamps; expect"):
        open_flagged(parse(bag, "--picture-rate-hz=5"))


def test_another_program_is_told_all_that_is_given():
    names = ("color-topic", "depth-topic", "camera-info-topic", "depth-camera-info-topic")
    words = ["bag", *(f"--{name}=/{name}" for name in names), "--picture-rate-hz=5.0"]
    words += ["--camera=realsense", "--base=left", "--max-skew-s=0.25", "--no-rectified"]
    given = parse(*words, "--align-depth", "--depth-to-color=0 0 0 0 0 0 1")
    assert parse(*recording_words(given)) == given
