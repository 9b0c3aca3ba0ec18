# SPDX-License-Identifier: Apache-2.0
"""A small clip and its parts."""

import numpy as np

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.sources.clip import ClipInfo

HEIGHT, WIDTH = 24, 32


INFO = ClipInfo(
    object_name="cup",
    action="lift",
    source="rendered",
    camera=Camera(WIDTH, HEIGHT, 40.0, 41.0, 15.5, 11.5, (0.1, 0.0, 0.0, 0.0, 0.0)),
    seed=7,
    split="train",
    extra={"person": {"sleeve": "long"}},
)


def depth_mm(index=0):
    depth = np.full((HEIGHT, WIDTH), 900 + index, np.uint16)
    depth[0] = 0
    return depth


def label_map(value=4):
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[4:9, 5:20] = value
    labels[0, 0] = 255
    return labels


def motion(seed=0):
    field = np.random.default_rng(seed).normal(0, 0.03, (3, HEIGHT, WIDTH))
    field[:, :10] = 0
    return field
