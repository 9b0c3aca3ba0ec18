# SPDX-License-Identifier: Apache-2.0
"""Alignment of depth to colour, against scenes whose depth is known on every ray."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from camera_pairs import COLOR_CAMERA, DEPTH_CAMERA, FIELD, PINHOLE, pose, rays

from affordance_seg_ros.camera import Camera, known_pixels
from affordance_seg_ros.errors import CalibrationError, FrameError
from affordance_seg_ros.frames import DepthImage
from affordance_seg_ros.sources.alignment import DepthAligner
from affordance_seg_ros.sources.depth_projection import DepthProjection


def cast(camera, T_camera_scene, surfaces):
    """Return the depth image [m] of planes (normal, distance, limits of x and y in the scene)."""
    T = np.linalg.inv(T_camera_scene)
    origin, directions = T[:3, 3], rays(camera) @ T[:3, :3].T
    depth = np.full(directions.shape[:2], np.inf)
    for normal, distance, (x0, x1, y0, y1) in surfaces:
        t = (distance - origin @ normal) / (directions @ normal)
        x, y, _ = np.moveaxis(origin + t[..., None] * directions, -1, 0)
        hit = (t > 0) & (x > x0) & (x < x1) & (y > y0) & (y < y1)
        depth = np.where(hit & (t < depth), t, depth)
    return depth


EVERYWHERE = (-9, 9, -9, 9)
WALL = (np.array([0.0, 0.0, 1.0]), 1.5, EVERYWHERE)
SLANTED = (np.array([0.5, -0.3, 0.812]), 0.7, EVERYWHERE)
BOARD = (np.array([0.0, 0.0, 1.0]), 0.6, (-0.12, 0.1, -0.08, 0.1))


def erode(mask, pixels):
    kernel = np.ones((2 * pixels + 1,) * 2)
    padded = np.pad(mask.astype(np.uint8), 1)
    return cv2.erode(padded, kernel)[1:-1, 1:-1].astype(bool)


@pytest.mark.parametrize("camera", [PINHOLE, DEPTH_CAMERA], ids=["pinhole", "distorted"])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_alignment_to_itself_changes_nothing(camera, dtype):
    rng = np.random.default_rng(0)
    raw = rng.integers(300, 4000, (camera.height, camera.width)).astype(np.uint16)
    raw[rng.random(raw.shape) < 0.2] = 0
    raw[:, :40] = 700
    inside = np.hypot(*np.moveaxis(rays(camera)[..., :2], -1, 0)) < 1
    raw[~inside] = 0
    depth = DepthImage(raw, 0.001)
    if dtype == np.float32:
        depth = DepthImage(depth.to_metres(), 1.0)
    aligned = DepthAligner(camera, camera, np.eye(4)).align(depth)
    assert aligned.metres_per_unit == depth.metres_per_unit
    np.testing.assert_allclose(aligned.raw, depth.raw, rtol=1e-6)


@pytest.mark.parametrize("surface", [WALL, SLANTED], ids=["wall", "slanted"])
@pytest.mark.parametrize("color_camera", [COLOR_CAMERA, COLOR_CAMERA.resize(1280, 720), PINHOLE])
def test_plane_is_closed_and_where_it_is(surface, color_camera):
    depth_m = cast(DEPTH_CAMERA, np.eye(4), [surface])
    depth_m[(depth_m > 8) | ~FIELD] = 0
    depth = DepthImage(depth_m.astype(np.float32), 1.0)
    aligned_m = DepthAligner(DEPTH_CAMERA, color_camera, pose()).align(depth).to_metres()
    true_m = cast(color_camera, pose(), [surface])
    filled = cv2.morphologyEx(
        np.isfinite(aligned_m).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7))
    ).astype(bool)
    inner = erode(filled, 6)
    assert inner.mean() > 0.25
    assert np.isfinite(aligned_m[inner]).all()
    error_m = np.abs(aligned_m - true_m)[inner]
    assert np.percentile(error_m, 99) < 0.0005
    assert error_m.max() < 0.01


@pytest.mark.parametrize("size", [(320, 240), (960, 720), (160, 120)])
def test_background_neither_bleeds_through_nor_fills_the_shadow(size):
    color_camera = PINHOLE.resize(*size)
    T = pose(rotation_rad=(0.02, 0.01, 0.005), translation_m=(-0.06, 0.01, 0.0))
    depth = DepthImage(cast(PINHOLE, np.eye(4), [WALL, BOARD]).astype(np.float32), 1.0)
    aligned_m = DepthAligner(PINHOLE, color_camera, T).align(depth).to_metres()
    true_m = cast(color_camera, T, [WALL, BOARD])
    # A pixel of the wall is in the shadow if the board hides its point from the depth camera.
    points = rays(color_camera) * true_m[..., None]
    points = (points - T[:3, 3]) @ T[:3, :3]
    at_board = points * (0.6 / points[..., 2:])
    x, y, _ = np.moveaxis(at_board, -1, 0)
    on_board = true_m < 1
    shadow = ~on_board & (x > -0.12) & (x < 0.1) & (y > -0.08) & (y < 0.1)
    seen = PINHOLE.project(points)
    in_view = ((seen > 3) & (seen < (PINHOLE.width - 4, PINHOLE.height - 4))).all(-1)
    margin = max(2, size[0] // 160)
    board, wall = erode(on_board, margin), erode(~on_board & ~shadow & in_view, margin)
    assert board.sum() > 200
    np.testing.assert_allclose(aligned_m[board], true_m[board], atol=0.002)
    np.testing.assert_allclose(aligned_m[wall], true_m[wall], atol=0.002)
    assert erode(shadow, margin).sum() > 20
    assert np.isnan(aligned_m[erode(shadow, margin)]).all()


def test_holes_are_not_smeared():
    depth_m = np.full((240, 320), 1.0, np.float32)
    depth_m[80:120, 100:160] = np.nan
    T = pose(rotation_rad=(0, 0, 0), translation_m=(0, 0, 0))
    aligner = DepthAligner(PINHOLE, PINHOLE.resize(640, 480), T)
    aligned = aligner.align(DepthImage(depth_m, 1.0))
    hole = np.isnan(aligned.raw)
    assert hole[161:239, 201:319].all()
    assert not hole[:158].any()
    assert not hole[242:].any()


def test_single_pixel_covers_its_own_size_only():
    raw = np.zeros((240, 320), np.uint16)
    raw[100, 50] = 1000
    aligner = DepthAligner(PINHOLE, PINHOLE.resize(960, 720), np.eye(4))
    aligned = aligner.align(DepthImage(raw, 0.001))
    rows, columns = np.nonzero(aligned.raw)
    assert sorted(set(rows)) == [300, 301, 302]
    assert sorted(set(columns)) == [150, 151, 152]


def test_depth_in_metres_and_millimetres_agree():
    depth_m = cast(DEPTH_CAMERA, np.eye(4), [SLANTED, BOARD])
    raw = np.where(depth_m < 6, depth_m * 1000, 0).round().astype(np.uint16)
    aligner = DepthAligner(DEPTH_CAMERA, COLOR_CAMERA, pose())
    millimetres = aligner.align(DepthImage(raw, 0.001))
    metres = aligner.align(DepthImage(raw * np.float32(0.001), 1.0))
    assert millimetres.raw.dtype == np.uint16
    np.testing.assert_allclose(
        millimetres.raw, np.nan_to_num(metres.raw) * 1000, atol=0.51, rtol=1e-6
    )


def test_no_depth_gives_no_depth():
    depth = DepthImage(np.zeros((240, 320), np.uint16), 0.001)
    assert not DepthAligner(PINHOLE, PINHOLE, np.eye(4)).align(depth).raw.any()


def test_depth_beyond_16_bits_and_nearer_than_a_decimetre_is_none():
    raw = np.full((240, 320), 65000, np.uint16)
    raw[:50] = 99
    T = pose(rotation_rad=(0, 0, 0), translation_m=(0, 0, 1.0))
    aligned = DepthAligner(PINHOLE, PINHOLE, T).align(DepthImage(raw, 0.001))
    assert not aligned.raw.any()


def test_points_behind_the_color_camera_are_left_out():
    depth = DepthImage(np.full((240, 320), 1000, np.uint16), 0.001)
    T = pose(rotation_rad=(0, 0, 0), translation_m=(0, 0, -1.5))
    assert not DepthAligner(PINHOLE, PINHOLE, T).align(depth).raw.any()


def test_a_lens_that_cannot_be_inverted_is_refused():
    folding = Camera(320, 240, 100.0, 100.0, 159.5, 119.5, (-0.3, 0.0, 0.0, 0.0))
    for depth_camera, color_camera in ((folding, PINHOLE), (PINHOLE, folding)):
        with pytest.raises(CalibrationError, match="cannot be inverted"):
            DepthAligner(depth_camera, color_camera, np.eye(4))


def test_depth_of_which_the_lens_model_says_nothing_goes_nowhere():
    folds = Camera(320, 240, 250.0, 250.0, 159.5, 119.5, (-0.3, 0.0, 0.0, 0.0))
    unknown = ~known_pixels(folds)
    assert unknown.any()
    depth = DepthImage(np.where(unknown, 1000, 0).astype(np.uint16), 0.001)
    aligned = DepthAligner(folds, PINHOLE, np.eye(4)).align(depth)
    assert not aligned.raw.any()


def test_a_pixel_that_would_cover_the_picture_is_left_out(monkeypatch):
    aligner = DepthAligner(PINHOLE, PINHOLE, np.eye(4))
    depth = DepthImage(np.full((240, 320), 1000, np.uint16), 0.001)
    whole = aligner.align(depth)
    project = DepthProjection.project

    def exploded(self, depth_m):
        projected = project(self, depth_m)
        projected.columns[100, 200:] += 1e6
        return projected

    monkeypatch.setattr(DepthProjection, "project", exploded)
    assert (aligner.align(depth).raw[99:102] > 0).sum() < (whole.raw[99:102] > 0).sum()
    assert (aligner.align(depth).raw[:98] == whole.raw[:98]).all()


def test_depth_of_another_size_is_refused():
    aligner = DepthAligner(PINHOLE, PINHOLE, np.eye(4))
    with pytest.raises(FrameError, match="depth of 32x24; expected 320x240"):
        aligner.align(DepthImage(np.zeros((24, 32), np.uint16), 0.001))


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.eye(3), r"extrinsics of shape \(3, 3\)"),
        (np.full((4, 4), np.nan), "expected 4x4 finite"),
        (np.diag([2.0, 1, 1, 1]), "not a rigid motion"),
        (np.diag([1.0, 1, -1, 1]), "not a rigid motion"),
        (np.eye(4)[::-1], "not a rigid motion"),
    ],
)
def test_extrinsics_that_are_no_rigid_motion_are_refused(matrix, message):
    with pytest.raises(CalibrationError, match=message):
        DepthAligner(PINHOLE, PINHOLE, matrix)


def test_real_kinect_edges_of_depth_lie_on_edges_of_color():
    shared = os.environ.get("AFFORDANCE_SHARED_DATA")
    folder = Path(shared) if shared else Path(__file__).parents[3] / "shared/data"
    recording = folder / "azure_kinect_mug/recording.mkv"
    if not recording.exists():
        pytest.skip("needs the Azure Kinect recording")
    pyk4a = pytest.importorskip("pyk4a")
    playback = pyk4a.PyK4APlayback(str(recording))
    playback.open()
    capture, calibration = playback.get_next_capture(), playback.calibration
    color = cv2.imdecode(capture.color, cv2.IMREAD_GRAYSCALE)

    def camera(kind, shape):
        K = calibration.get_camera_matrix(kind)
        lens = tuple(map(float, calibration.get_distortion_coefficients(kind)))
        return Camera(shape[1], shape[0], K[0, 0], K[1, 1], K[0, 2], K[1, 2], lens)

    kinds = pyk4a.CalibrationType
    R, t = calibration.get_extrinsic_parameters(kinds.DEPTH, kinds.COLOR)
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = R, np.ravel(t)
    depth = DepthImage(capture.depth, 0.001)
    color_camera = camera(kinds.COLOR, color.shape)
    aligner = DepthAligner(camera(kinds.DEPTH, capture.depth.shape), color_camera, T)
    aligned_m = aligner.align(depth).to_metres()
    playback.close()
    # The mug stands before the far wall: its left rim is a step of depth and of brightness.
    filled = np.nan_to_num(aligned_m)
    near = (filled > 0) & (filled < 0.45)
    steps = near[:, 1:] & (filled[:, :-1] > 0.6)
    rows, columns = np.nonzero(steps[400:600, 230:330])
    assert len(rows) > 100
    gradient = np.abs(cv2.Sobel(cv2.GaussianBlur(color, (0, 0), 1), cv2.CV_32F, 1, 0))
    window = gradient[400:600, 230:331]

    def strength(shift):
        return np.mean([window[rows, np.clip(columns + shift + d, 0, 100)] for d in (0, 1)])

    best = max(range(-12, 13), key=strength)
    assert abs(best) <= 3
