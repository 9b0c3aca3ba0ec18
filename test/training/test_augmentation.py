# SPDX-License-Identifier: Apache-2.0
"""Colour, depth, flow and label of a sample stay one scene, whatever is changed."""

from dataclasses import fields, replace

import cv2
import numpy as np
import pytest

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.labels import IGNORE
from affordance_seg_ros.training.augmentation.augment import augment
from affordance_seg_ros.training.augmentation.augmentation_config import (
    NO_AUGMENTATION,
    AugmentationConfig,
)
from affordance_seg_ros.training.augmentation.color import adjust
from affordance_seg_ros.training.augmentation.depth import (
    augment_depth,
    scale_world,
    without_depth,
)
from affordance_seg_ros.training.augmentation.geometry import mirror, zoom_and_shift
from affordance_seg_ros.training.augmentation.time import choose_frames, motion_between
from affordance_seg_ros.training.datasets.flow_cache import SequenceFlow
from affordance_seg_ros.training.sample import Sample

FRAMES, HEIGHT, WIDTH = 3, 40, 60
CAMERA = Camera(WIDTH, HEIGHT, 50.0, 50.0, (WIDTH - 1) / 2, (HEIGHT - 1) / 2)


@pytest.fixture
def sample():
    """A textured plane with a square part that moves by (2, 1) pixels a frame."""
    random = np.random.default_rng(0)
    square = np.zeros((FRAMES, HEIGHT, WIDTH), bool)
    for t in range(FRAMES):
        square[t, 10 + t : 22 + t, 15 + 2 * t : 30 + 2 * t] = True
    flow_px = np.zeros((FRAMES, 2, HEIGHT, WIDTH), np.float32)
    motion_m = np.zeros((FRAMES, 3, HEIGHT, WIDTH), np.float32)
    for t in range(1, FRAMES):
        flow_px[t, :, square[t - 1]] = (2, 1)
        motion_m[t, :, square[t - 1]] = (2 * 0.8 / 50, 1 * 0.8 / 50, 0)
    valid = np.ones((FRAMES, HEIGHT, WIDTH), bool)
    valid[0] = False
    return Sample(
        rgb=random.random((FRAMES, 3, HEIGHT, WIDTH), np.float32),
        depth_m=np.where(square, 0.8, 1.2).astype(np.float32),
        flow_px=flow_px,
        motion_m=motion_m,
        valid=valid,
        target=np.where(square, 4, 0).astype(np.uint8),
        inside=np.ones((HEIGHT, WIDTH), bool),
        action_id=3,
    )


def assert_equal(a, b):
    for field in fields(Sample):
        first, second = getattr(a, field.name), getattr(b, field.name)
        np.testing.assert_allclose(first, second, atol=1e-6, err_msg=field.name)


def assert_motion_is_that_of_the_pixels(sample, zoom=1.0):
    """3D motion of the moving part is its flow in pixels at its depth, by the (zoomed) camera."""
    moving = (sample.target[:-1] == 4) & (np.abs(sample.motion_m[1:]).sum(1) > 0)
    assert moving.any()
    for axis, focal in ((0, CAMERA.fx), (1, CAMERA.fy)):
        expected = sample.flow_px[1:, axis] * sample.depth_m[:-1] / (zoom * focal)
        np.testing.assert_allclose(sample.motion_m[1:, axis][moving], expected[moving], rtol=1e-4)


def test_a_mirror_of_a_mirror_is_the_scene(sample):
    assert_equal(mirror(mirror(sample)), sample)


def test_a_mirror_turns_motion_along_x_around_and_no_other(sample):
    moved = mirror(sample)
    assert moved.flow_px[1, 0].min() == -2
    assert moved.flow_px[1, 1].max() == 1
    assert moved.motion_m[1, 0].min() < 0 < moved.motion_m[1, 1].max()


@pytest.mark.parametrize("change", [mirror, lambda s: zoom_and_shift(s, 1.25, (0.05, -0.04))])
def test_the_flow_still_leads_the_part_to_where_it_is_next(sample, change):
    changed = change(sample)
    y, x = np.nonzero(changed.target[0] == 4)
    u, v = changed.flow_px[1][:, y, x]
    landed = changed.target[1][np.rint(y + v).astype(int), np.rint(x + u).astype(int)]
    # Rounding to pixels blurs the border of the part by one.
    assert (landed == 4).mean() > 0.85


@pytest.mark.parametrize("zoom", [0.8, 1.0, 1.3])
def test_zoom_enlarges_motion_in_pixels_and_not_in_metres(sample, zoom):
    zoomed = zoom_and_shift(sample, zoom, (0.0, 0.0))
    assert_motion_is_that_of_the_pixels(zoomed, zoom)
    assert set(np.unique(zoomed.depth_m)) <= {np.float32(0), np.float32(0.8), np.float32(1.2)}


def test_label_depth_and_colour_go_the_same_way(sample):
    painted = replace(sample, rgb=np.repeat(sample.depth_m[:, None] / 2, 3, 1))
    zoomed = zoom_and_shift(painted, 1.2, (0.1, 0.05))
    is_part = zoomed.target == 4
    np.testing.assert_array_equal(zoomed.depth_m == np.float32(0.8), is_part)
    # Colour is interpolated: it says the same but at borders.
    within = np.stack([cv2.erode(part.astype(np.uint8), np.ones((5, 5))) for part in is_part]) > 0
    assert within.any()
    np.testing.assert_allclose(zoomed.rgb[:, 0][within], zoomed.depth_m[within] / 2, atol=1e-4)


def test_what_comes_in_from_outside_is_not_learned_from(sample):
    shifted = zoom_and_shift(sample, 1.0, (0.25, 0.0))
    assert (shifted.target[:, :, :14] == IGNORE).all()
    assert not shifted.inside[:, :14].any()
    assert (shifted.depth_m[:, :, :14] == 0).all()
    assert (shifted.target[:, :, 16:] != IGNORE).all()


def test_a_scaled_world_looks_the_same_and_moves_as_the_pixels_say(sample):
    larger = scale_world(sample, 1.25)
    assert_motion_is_that_of_the_pixels(larger)
    np.testing.assert_array_equal(larger.rgb, sample.rgb)
    np.testing.assert_array_equal(larger.flow_px, sample.flow_px)


def test_motion_is_that_of_the_pixels_whatever_is_drawn(sample):
    config = replace(NO_AUGMENTATION, mirror=0.5, zoom=1.3, shift=0.05, world_scale=1.25)
    random = np.random.default_rng(0)
    zooms, scales = [], []
    for _ in range(40):
        changed = augment(sample, config, random)
        zooms.append(np.abs(changed.flow_px[:, 0]).max() / 2)
        scales.append(changed.depth_m.max() / np.float32(1.2))
        assert_motion_is_that_of_the_pixels(changed, zooms[-1])
    assert 1 / 1.3 <= min(zooms) < 0.85 < 1.2 < max(zooms) <= 1.3
    assert 0.8 <= min(scales) < 0.85 < 1.2 < max(scales) <= 1.25


def test_factors_of_one_leave_colours_alone(sample):
    same = adjust(sample.rgb, exposure=1, contrast=1, saturation=1, gains=np.ones(3))
    np.testing.assert_allclose(same, sample.rgb, atol=1e-6)


def test_a_still_camera_stays_still_when_colours_change(sample):
    still = np.repeat(sample.rgb[:1], FRAMES, 0)
    changed = adjust(still, exposure=0.7, contrast=1.2, saturation=0.5, gains=np.array([1, 0.9, 1]))
    assert (changed == changed[:1]).all()
    assert not np.allclose(changed, still)


def test_holes_take_depth_and_never_give_it(sample):
    config = replace(NO_AUGMENTATION, depth_holes=6)
    holed = augment_depth(sample, config, np.random.default_rng(1))
    lost = holed.depth_m == 0
    assert lost.any()
    np.testing.assert_allclose(holed.depth_m[~lost], sample.depth_m[~lost])
    assert not holed.valid[lost].any()
    assert not holed.valid[1:][lost[:-1]].any()  # nor what begins in a hole
    assert holed.valid[~lost].any()


def test_noise_leaves_holes_as_they_are(sample):
    depth_m = sample.depth_m.copy()
    depth_m[:, :5] = 0
    config = replace(NO_AUGMENTATION, depth_noise=0.01)
    noisy = augment_depth(replace(sample, depth_m=depth_m), config, np.random.default_rng(1))
    assert (noisy.depth_m[:, :5] == 0).all()
    assert (noisy.depth_m[:, 5:] > 0).all()
    assert not np.allclose(noisy.depth_m, depth_m)


def test_without_depth_no_metric_motion_is_seen(sample):
    blind = without_depth(sample)
    assert not blind.depth_m.any()
    assert not blind.valid.any()
    assert not blind.motion_m.any()


def test_so_many_samples_have_no_depth(sample):
    config = replace(NO_AUGMENTATION, depth_missing=0.25)
    random = np.random.default_rng(7)
    blind = [not augment(sample, config, random).depth_m.any() for _ in range(200)]
    assert 0.15 < np.mean(blind) < 0.35


def test_no_augmentation_changes_nothing(sample):
    assert_equal(augment(sample, NO_AUGMENTATION, np.random.default_rng(5)), sample)


def test_an_equal_seed_gives_an_equal_sample(sample):
    config = AugmentationConfig()
    a, b, c = (augment(sample, config, np.random.default_rng(n)) for n in (5, 5, 6))
    assert_equal(a, b)
    assert not np.array_equal(a.rgb, c.rgb)


def uniform_flow(frames):
    """Flow of a camera that sees everything move by (1, 0) pixels a frame."""
    flow_px = np.zeros((frames, 2, HEIGHT, WIDTH), np.float16)
    motion_m = np.zeros((frames, 3, HEIGHT, WIDTH), np.float16)
    flow_px[1:, 0] = 1
    motion_m[1:, 0] = 0.5
    valid = np.ones((frames, HEIGHT, WIDTH), bool)
    valid[0] = False
    return SequenceFlow(flow_px, motion_m, valid)


def test_motion_over_skipped_frames_adds_up():
    motion = motion_between(uniform_flow(5), 1, 4)
    seen = motion.valid
    assert seen[:, :-3].all()
    assert (motion.flow_px[0][seen] == 3).all()
    assert (motion.motion_m[0][seen] == 1.5).all()


def test_motion_of_a_pair_is_that_of_the_cache():
    flow = uniform_flow(3)
    motion = motion_between(flow, 1, 2)
    np.testing.assert_array_equal(motion.flow_px, flow.flow_px[2])


def test_a_repeated_frame_does_not_move():
    motion = motion_between(uniform_flow(3), 2, 2)
    assert not motion.flow_px.any()
    assert not motion.valid.any()


def test_motion_that_was_not_seen_once_is_not_seen():
    flow = uniform_flow(4)
    flow.valid[2, 7, 11] = False
    assert not motion_between(flow, 0, 3).valid[7, 10]
    assert motion_between(flow, 0, 3).valid[7, 12]


def test_frames_are_the_last_ones_in_order():
    assert choose_frames(9, 4, NO_AUGMENTATION, np.random.default_rng(0)) == [6, 7, 8, 9]


def test_a_short_sequence_begins_with_its_first_frame_repeated():
    assert choose_frames(1, 4, NO_AUGMENTATION, np.random.default_rng(0)) == [0, 0, 0, 1]


def test_double_speed_takes_every_other_frame():
    config = replace(NO_AUGMENTATION, fast=1.0)
    assert choose_frames(9, 4, config, np.random.default_rng(0)) == [3, 5, 7, 9]


def test_some_sequences_end_in_a_rest_of_up_to_half_their_length():
    config = replace(NO_AUGMENTATION, linger=0.5)
    random = np.random.default_rng(0)
    chosen = [choose_frames(9, 6, config, random) for _ in range(60)]
    rests = {tuple(each): each.count(9) - 1 for each in chosen}
    assert rests == {
        (4, 5, 6, 7, 8, 9): 0, (5, 6, 7, 8, 9, 9): 1, (6, 7, 8, 9, 9, 9): 2, (7, 8, 9, 9, 9, 9): 3
    }  # fmt: skip
    assert 15 < chosen.count([4, 5, 6, 7, 8, 9]) < 45


def test_dropped_frames_leave_order_and_end():
    config = replace(NO_AUGMENTATION, drop=0.5)
    chosen = choose_frames(30, 8, config, np.random.default_rng(0))
    steps = set(np.diff(chosen))
    assert chosen[-1] == 30
    assert steps == {1, 2}
