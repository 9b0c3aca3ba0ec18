# SPDX-License-Identifier: Apache-2.0
"""Frames of a stream, ten a second."""

from dataclasses import replace

import numpy as np

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.frames import DepthImage, RgbdFrame

STEP_NS = 100_000_000


def stream(count: int, *, width: int = 64, height: int = 48, first: int = 0) -> list[RgbdFrame]:
    """Return frames of noise, the same for the same arguments."""
    random = np.random.default_rng(0)
    frame = RgbdFrame(
        stamp_ns=10**18,
        frame_id="optical",
        color=random.integers(0, 256, (height, width, 3), np.uint8),
        depth=DepthImage(random.integers(0, 3000, (height, width)).astype(np.uint16), 1e-3),
        camera=Camera(width, height, 60, 61, width / 2, height / 2),
    )
    return [replace(frame, stamp_ns=10**18 + k * STEP_NS) for k in range(first, first + count)]
