# SPDX-License-Identifier: Apache-2.0
"""The random scene, and its way through messages and the real decoding."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.errors import ConfigError, EncodingError
from affordance_seg_ros.evaluation.bench.messages import ENCODINGS, encode
from affordance_seg_ros.evaluation.bench.scene import FRAMES_PER_LAP, RandomScene, stream
from affordance_seg_ros.flow.dis import DisFlow
from affordance_seg_ros.flow.flow_input import FlowInput
from affordance_seg_ros.frames import RgbdFrame

SCENE = RandomScene(160, 120, seed=3)


def flow_input(frame: RgbdFrame) -> FlowInput:
    gray = torch.from_numpy(frame.color.mean(2).astype(np.float32))
    return FlowInput(gray, torch.from_numpy(np.nan_to_num(frame.depth.to_metres())), frame.camera)


def test_a_card_may_leave_a_wide_picture() -> None:
    assert len(list(RandomScene(64, 36, seed=6).lap(10.0))) == FRAMES_PER_LAP


def test_the_same_seed_and_place_give_the_same_frame() -> None:
    first, again = (RandomScene(160, 120, seed=3).frame(5, 0) for _ in range(2))
    assert (first.color == again.color).all()
    assert (first.depth.raw == again.depth.raw).all()
    assert (first.color != RandomScene(160, 120, seed=4).frame(5, 0).color).any()


def test_the_motion_is_back_at_its_beginning_after_a_lap() -> None:
    start, end = (SCENE.frame(k, 0).depth.to_metres() for k in (0, FRAMES_PER_LAP))
    # Only sensor noise differs.
    assert np.nanmedian(np.abs(start - end)) < 0.02
    assert np.nanpercentile(np.abs(start - end), 99) < 0.05


@pytest.mark.parametrize("index", range(0, FRAMES_PER_LAP, 6))
def test_cards_move_and_the_wall_does_not(index: int) -> None:
    estimator = DisFlow(FlowConfig(), torch.device("cpu"))
    older, newer = (SCENE.frame(index + k, 0) for k in range(2))
    estimator.step(flow_input(older))
    length_px = estimator.step(flow_input(newer)).flow_px.norm(dim=0).numpy()
    depth_m = older.depth.to_metres()
    wall, cards = depth_m > 1.9, depth_m < 1.7
    assert np.median(length_px[wall]) < 0.2
    assert np.percentile(length_px[cards], 90) > 0.5
    assert np.percentile(length_px, 99) < 20


def test_a_stream_repeats_the_lap_with_stamps_that_go_on() -> None:
    lap = SCENE.lap(10.0)
    frames = list(islice(stream(lap, start_ns=7, rate_hz=20.0), FRAMES_PER_LAP + 2))
    assert [frame.stamp_ns for frame in frames[:3]] == [7, 50_000_007, 100_000_007]
    assert frames[FRAMES_PER_LAP].color is frames[0].color
    assert (np.diff([frame.stamp_ns for frame in frames]) > 0).all()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_decoding_gives_back_what_was_encoded(encoding: str) -> None:
    frame = replace(SCENE.frame(0, 0), stamp_ns=12_345_678_901)
    decoded = encode(frame, encoding).decode()
    assert (decoded.color == frame.color).all()
    assert (decoded.depth.raw == frame.depth.raw).all()
    assert (decoded.stamp_ns, decoded.frame_id) == (frame.stamp_ns, frame.frame_id)
    assert decoded.camera == frame.camera


def test_another_stamp_copies_no_pixels() -> None:
    messages = encode(SCENE.frame(0, 0), "rgb8")
    later = messages.at(2_500_000_000)
    assert later.decode().stamp_ns == 2_500_000_000
    assert later.color.data is messages.color.data


def test_messages_go_through_the_checks_of_the_real_decoding() -> None:
    messages = encode(SCENE.frame(0, 0), "rgb8")
    damaged = messages._replace(color=replace(messages.color, encoding="jpeg"))
    with pytest.raises(EncodingError, match="jpeg"):
        damaged.decode()


def test_an_unknown_encoding_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="rgb8, bgr8, bgra8"):
        encode(SCENE.frame(0, 0), "yuv")
