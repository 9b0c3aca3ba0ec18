# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.config import FlowConfig, InputConfig
from affordance_seg_ros.errors import FrameError
from affordance_seg_ros.flow.estimator import build_estimator
from affordance_seg_ros.frames import DepthImage, RgbdFrame
from affordance_seg_ros.pipeline.depth_resize import resize_depth
from affordance_seg_ros.pipeline.preprocess import Preprocessor

CPU = torch.device("cpu")


def frame(width: int = 320, height: int = 180) -> RgbdFrame:
    color = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    depth = DepthImage(np.full((height, width), 1200, np.uint16), 1e-3)
    return RgbdFrame(0, "camera", color, depth, Camera(width, height, 300, 300, 160, 90))


@pytest.mark.parametrize("how", ["stretch", "letterbox", "center_crop"])
def test_the_input_has_the_size_the_weights_ask_for(how: str) -> None:
    config = InputConfig(width=160, height=120, fit=how)
    prepared = Preprocessor(config, CPU).prepare(frame())
    assert prepared.appearance.shape == (1, 4, 120, 160)
    assert prepared.flow_input.gray.shape == prepared.flow_input.depth_m.shape == (120, 160)
    camera = prepared.flow_input.camera
    assert (camera.width, camera.height) == (160, 120)


@pytest.mark.parametrize(
    ("how", "focal", "center"),
    [
        ("stretch", (150, 200), (160.5 / 2 - 0.5, 90.5 / 1.5 - 0.5)),
        ("letterbox", (150, 150), (160.5 / 2 - 0.5, 90.5 / 2 - 0.5 + 15)),
        ("center_crop", (200, 200), (120.5 / 1.5 - 0.5, 90.5 / 1.5 - 0.5)),
    ],
)
def test_the_flow_s_camera_sees_the_picture_as_it_was_fitted(
    how: str, focal: tuple[float, float], center: tuple[float, float]
) -> None:
    config = InputConfig(width=160, height=120, fit=how)
    camera = Preprocessor(config, CPU).prepare(frame()).flow_input.camera
    assert (camera.fx, camera.fy) == pytest.approx(focal)
    assert (camera.cx, camera.cy) == pytest.approx(center)


def test_a_picture_of_the_input_s_size_is_only_normalised() -> None:
    config = InputConfig(width=320, height=180)
    source = frame()
    prepared = Preprocessor(config, CPU).prepare(source)
    rgb = source.color.transpose(2, 0, 1) / 255
    mean, std = (np.reshape(v, (3, 1, 1)) for v in (config.color_mean, config.color_std))
    np.testing.assert_allclose(prepared.appearance[0, :3], (rgb - mean) / std, atol=1e-5)
    span = config.depth_far_m - config.depth_near_m
    np.testing.assert_allclose(
        prepared.appearance[0, 3], (1.2 - config.depth_near_m) / span, atol=1e-6
    )
    luma = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
    np.testing.assert_allclose(prepared.flow_input.gray, 255 * luma, atol=1e-3)


def test_padding_is_the_mean_colour_without_depth() -> None:
    config = InputConfig(width=160, height=120, fit="letterbox")
    prepared = Preprocessor(config, CPU).prepare(frame())
    x, y, width, height = prepared.fit.target
    padding = torch.ones(120, 160, dtype=torch.bool)
    padding[y : y + height, x : x + width] = False
    assert padding.any()
    assert (prepared.appearance[0][:, padding] == 0).all()
    assert (prepared.flow_input.depth_m[padding] == 0).all()
    assert (prepared.flow_input.depth_m[~padding] > 0).all()


@pytest.mark.parametrize("estimator", ["dis", "primal_dual"])
def test_what_moves_at_the_edge_of_a_padded_picture_is_seen_to_move(estimator: str) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (200, 320, 3), np.uint8)
    scene = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 4), None, 0, 255, cv2.NORM_MINMAX)
    preprocessor = Preprocessor(InputConfig(width=160, height=120, fit="letterbox"), CPU)
    flow = build_estimator(FlowConfig(estimator=estimator), CPU)
    for top in (4, 0):  # the camera looks up: all moves down by two pixels of the input
        shown = replace(frame(), color=scene[top : top + 180])
        moved = flow.step(preprocessor.prepare(shown).flow_input)
    rows = moved.flow_px[1]
    assert moved.valid[15:103].float().mean() > 0.95
    for edge in (rows[15:20], rows[98:103]):
        assert edge.mean() == pytest.approx(2, abs=0.3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 0.0, 3.4e38])
def test_no_depth_is_zero_whatever_the_camera_writes_for_it(value: float) -> None:
    raw = np.full((180, 320), 1.2, np.float32)
    raw[:, :160] = value
    source = replace(frame(), depth=DepthImage(raw, 1.0))
    prepared = Preprocessor(InputConfig(width=160, height=90), CPU).prepare(source)
    assert (prepared.flow_input.depth_m[:, :79] == 0).all()
    assert (prepared.appearance[0, 3, :, :79] == 0).all()
    assert torch.isfinite(prepared.appearance).all()


@pytest.mark.parametrize(
    ("how", "pixels"),
    [
        ("stretch", "320x180"),
        ("letterbox", "320x180"),
        ("center_crop", "the middle 180x180 of 320x180"),
    ],
)
def test_pixels_without_any_depth_are_refused_and_named(how: str, pixels: str) -> None:
    raw = np.zeros((180, 320), np.uint16)
    if how == "center_crop":
        raw[:, :60] = 1200  # beside what the network sees
    source = replace(frame(), depth=DepthImage(raw, 1e-3))
    with pytest.raises(FrameError, match=f"^no valid depth in {pixels} pixels; expected"):
        Preprocessor(InputConfig(width=64, height=64, fit=how), CPU).prepare(source)


def test_depth_before_the_range_is_told_from_no_depth() -> None:
    raw = np.full((180, 320), 0.25, np.float32)
    raw[:, :160] = np.nan
    config = InputConfig(width=160, height=90, depth_near_m=0.3)
    prepared = Preprocessor(config, CPU).prepare(replace(frame(), depth=DepthImage(raw, 1.0)))
    depth = prepared.appearance[0, 3]
    assert (depth[:, :79] == 0).all()
    assert ((depth[:, 81:] > 0) & (depth[:, 81:] < 0.001)).all()


def test_averaged_depth_is_less_noisy_than_single_samples() -> None:
    noise = np.random.default_rng(0).normal(0, 10, (480, 640))
    raw = (1000 + noise).astype(np.uint16)
    resized = resize_depth(raw, 1e-3, 160, 120)
    assert resized.std() == pytest.approx(0.010 / 3, rel=0.1)
    assert resized.mean() == pytest.approx(1.0, abs=1e-3)


def test_surfaces_are_never_mixed() -> None:
    raw = np.full((480, 640), 1000, np.uint16)
    raw[:, 301:] = 2000
    resized = resize_depth(raw, 1e-3, 160, 120)
    np.testing.assert_allclose(np.unique(resized), [1, 2], atol=1e-6)


def test_holes_are_neither_filled_nor_averaged_in() -> None:
    random = np.random.default_rng(1)
    raw = np.full((240, 320), 1500, np.uint16)
    raw[random.random(raw.shape) < 0.4] = 0
    resized = resize_depth(raw, 1e-3, 160, 120)
    seen = resized > 0
    assert 0.5 < seen.mean() < 0.7
    np.testing.assert_allclose(resized[seen], 1.5, atol=1e-6)


def test_depth_of_the_right_size_is_unchanged() -> None:
    raw = np.random.default_rng(2).integers(0, 3000, (60, 80)).astype(np.uint16)
    np.testing.assert_allclose(resize_depth(raw, 1e-3, 80, 60), raw * 1e-3, atol=1e-6)
