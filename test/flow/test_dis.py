# SPDX-License-Identifier: Apache-2.0
import numpy as np

from affordance_seg_ros.flow.dis import median_where_seen


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
