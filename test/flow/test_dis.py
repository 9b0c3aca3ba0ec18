# SPDX-License-Identifier: Apache-2.0
import numpy as np
import torch
from flow_scenes import plane

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.flow.dis import DisFlow, median_where_seen


def test_the_median_counts_seen_pixels_only():
    random = np.random.default_rng(0)
    image = np.full((20, 20), 0.3, np.float32)
    seen = random.uniform(size=image.shape) < 0.7
    image[~seen] = 0
    filtered = median_where_seen(image, seen)
    assert (filtered[seen] == np.float32(0.3)).all()
    assert (filtered[~seen] == 0).all()


def test_the_median_takes_single_jumps_out_and_keeps_lonely_pixels():
    image = np.zeros((20, 20), np.float32)
    image[5, 5] = 1.0
    seen = np.ones(image.shape, bool)
    assert (median_where_seen(image, seen) == 0).all()
    seen[:] = False
    seen[5, 5] = True
    assert median_where_seen(image, seen)[5, 5] == 1


def test_depth_of_what_was_hidden_is_no_motion_of_what_hid_it():
    """A card before a wall is gone in the next frame, with its picture still there."""
    older, newer = plane(), plane((0.004, 0.0, 0.0))
    older.depth_m[40:80, 60:100] = 0.6
    estimator = DisFlow(FlowConfig(estimator="dis"), torch.device("cpu"))
    estimator.step(older)
    flow = estimator.step(newer)
    card = flow.depth_change_m[45:75, 65:95]
    assert flow.valid[45:75, 65:95].all()
    assert (card == 0).all()
    assert flow.motion_m[:, 45:75, 65:95].norm(dim=0).mean() < 0.01


def test_motion_in_depth_up_to_a_tenth_of_a_metre_is_kept():
    estimator = DisFlow(FlowConfig(estimator="dis"), torch.device("cpu"))
    estimator.step(plane())
    flow = estimator.step(plane((0.0, 0.0, 0.09)))
    assert (flow.depth_change_m[flow.valid] - 0.09).abs().max() < 1e-5
