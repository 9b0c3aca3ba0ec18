# SPDX-License-Identifier: Apache-2.0
"""Clips of a coloured square that moves in front of a wall: tiny, quick, and learnable."""

import numpy as np

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.sources.clip import ClipInfo, ClipWriter

HEIGHT, WIDTH = 48, 64
LABELS = LabelSet()
COLORS = {"lift": (220, 40, 40), "push": (40, 60, 220), "grasp": (40, 200, 60)}
STEPS = {"lift": (0, -2), "push": (2, 0), "grasp": (0, 0)}
WALL_MM, SQUARE_MM = 1500, 1000


def write_clip(folder, action, seed, *, frames=4, split="train"):
    """Write a clip whose square has the colour, the motion and the label of its action."""
    random = np.random.default_rng(seed)
    camera = Camera(WIDTH, HEIGHT, 60.0, 60.0, (WIDTH - 1) / 2, (HEIGHT - 1) / 2)
    info = ClipInfo("square", action, "rendered", camera, seed=seed, split=split)
    wall = random.integers(90, 160, (HEIGHT, WIDTH, 1), np.uint8).repeat(3, 2)
    x, y = (int(n) for n in random.integers(16, 28, 2))
    with ClipWriter(folder, info) as writer:
        for t in range(frames):
            color, depth = wall.copy(), np.full((HEIGHT, WIDTH), WALL_MM, np.uint16)
            label = np.zeros((HEIGHT, WIDTH), np.uint8)
            dx, dy = (t * step for step in STEPS[action])
            window = slice(y + dy, y + dy + 14), slice(x + dx, x + dx + 14)
            color[window] = COLORS[action]
            depth[window] = SQUARE_MM
            label[window] = LABELS.label_id(action)
            writer.add_frame(t * 100_000_000, color, depth, labels=label, affordances=label)
        writer.set_label(label)
        writer.set_affordances(label)
    return folder


def write_clips(root, count, *, split="train", first_seed=0, frames=4):
    """Write clips of all actions in turn into a folder."""
    actions = tuple(COLORS)
    for index in range(count):
        action = actions[index % len(actions)]
        path = root / f"{split}_{index:03}"
        write_clip(path, action, first_seed + index, frames=frames, split=split)
    return root
