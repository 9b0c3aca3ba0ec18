# SPDX-License-Identifier: Apache-2.0
import itertools

import numpy as np
import torch

from affordance_seg_ros.flow.median import filter_median, weighted_median


def test_with_equal_weights_it_is_the_median_of_any_order_of_values():
    # A network that sorts all zero-one sequences sorts everything.
    values = torch.tensor(list(itertools.product((0.0, 1.0), repeat=9))).T
    torch.testing.assert_close(
        weighted_median(values, torch.ones_like(values)), values.median(0).values
    )


def test_it_interpolates_the_values_at_half_the_cumulative_weight():
    random = np.random.default_rng(0)
    values = random.normal(size=(9, 500)).astype(np.float32)
    weights = random.uniform(size=(9, 500)).astype(np.float32)
    weights[:, :100] *= random.uniform(size=(9, 100)) < 0.4
    weights[:8, :20] = 0  # a single one is left
    weights[8] = np.maximum(weights[8], 0.1)
    expected = []
    for v, w in zip(values.T, weights.T, strict=True):
        v, w = v[w > 0], w[w > 0]
        order = np.argsort(v)
        middle = np.cumsum(w[order]) - w[order] / 2
        expected.append(np.interp(w.sum() / 2, middle, v[order]))
    values[weights == 0] = random.choice((-1e6, 0, 1e6))  # does not matter
    median = weighted_median(torch.from_numpy(values), torch.from_numpy(weights))
    torch.testing.assert_close(median, torch.tensor(expected, dtype=torch.float32))


def test_a_single_outlier_vanishes_and_an_edge_stays():
    motion = torch.zeros(3, 12, 12)
    motion[:, :, 6:] = 1
    motion[:, 3, 3] = 9
    filtered = filter_median(motion, torch.ones(12, 12), torch.zeros(12, 12))
    assert (filtered[:, :, :6] == 0).all()
    assert (filtered[:, :, 6:] == 1).all()


def test_pixels_without_depth_neither_vote_nor_change():
    motion = torch.zeros(1, 12, 12)
    depth_m = torch.ones(12, 12)
    motion[:, :, 6:] = 5
    depth_m[:, 6:] = 0
    assert torch.equal(filter_median(motion, depth_m, torch.zeros(12, 12)), motion)
