# SPDX-License-Identifier: Apache-2.0
import numpy as np

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.training.synthesis.occlusion import hidden_next

CAMERA = Camera(40, 30, 40.0, 40.0, 19.5, 14.5)


def square(left: int) -> tuple[np.ndarray, np.ndarray]:
    """Return depth and mask of a square at 1 m before a wall at 2 m."""
    depth_m = np.full((30, 40), 2.0, np.float32)
    mask = np.zeros((30, 40), bool)
    mask[10:20, left : left + 8] = True
    depth_m[mask] = 1.0
    return depth_m, mask


def test_what_a_moving_square_covers_is_hidden_and_nothing_else() -> None:
    (before, was), (after, is_) = square(10), square(14)
    motion_m = np.zeros((30, 40, 3), np.float32)
    motion_m[was, 0] = 4 / 40  # four pixels at 1 m
    hidden = hidden_next(CAMERA, before, motion_m, after)
    assert np.array_equal(hidden, is_ & ~was)


def test_what_leaves_the_picture_is_hidden() -> None:
    depth_m = np.full((30, 40), 1.0, np.float32)
    motion_m = np.zeros((30, 40, 3), np.float32)
    motion_m[..., 0] = 3 / 40
    hidden = hidden_next(CAMERA, depth_m, motion_m, depth_m)
    assert hidden[:, -3:].all()
    assert not hidden[:, :-3].any()


def test_nothing_is_hidden_in_a_still_scene() -> None:
    depth_m, _ = square(10)
    still = np.zeros((30, 40, 3), np.float32)
    assert not hidden_next(CAMERA, depth_m, still, depth_m).any()


def test_where_nothing_is_nothing_is_hidden() -> None:
    empty = np.zeros((30, 40), np.float32)
    still = np.zeros((30, 40, 3), np.float32)
    assert not hidden_next(CAMERA, empty, still, empty).any()
