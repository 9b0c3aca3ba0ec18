# SPDX-License-Identifier: Apache-2.0
"""Speed, dropped frames, rest: which frames of a sequence are shown, and the motion between."""

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.training.augmentation.augmentation_config import AugmentationConfig
from affordance_seg_ros.training.datasets.flow_cache import SequenceFlow


def choose_frames(
    end: int, count: int, config: AugmentationConfig, random: np.random.Generator
) -> list[int]:
    """Return the indices of `count` frames that end at frame `end`, in order.

    If the sequence is too short, its first frame is repeated at the start: nothing moves yet.
    """
    step = 2 if random.random() < config.fast else 1
    resting = 0
    if config.linger and random.random() < config.linger:
        resting = int(random.integers(1, count // 2 + 1))
    indices = [end]
    while len(indices) < count - resting:
        dropped = step if random.random() < config.drop else 0
        indices.append(max(0, indices[-1] - step - dropped))
    return indices[::-1] + [end] * resting


def motion_between(flow: SequenceFlow, older: int, newer: int) -> SequenceFlow:
    """Return the motion from one frame to a later one, on the older frame's grid.

    The motions of the pairs in between are followed pixel by pixel and added up; motion is valid
    where it was valid at every step.

    Returns:
        Flow of one frame: (2, h, w), (3, h, w) and (h, w).
    """
    shape = flow.valid.shape[1:]
    flow_px = np.zeros((2, *shape), np.float32)
    motion_m = np.zeros((3, *shape), np.float32)
    if newer == older:
        return SequenceFlow(flow_px, motion_m, np.zeros(shape, bool))
    if newer == older + 1:
        return SequenceFlow(
            flow.flow_px[newer].astype(np.float32),
            flow.motion_m[newer].astype(np.float32),
            flow.valid[newer],
        )
    valid = np.ones(shape, bool)
    rows, columns = np.indices(shape, np.float32)
    for t in range(older + 1, newer + 1):
        x, y = columns + flow_px[0], rows + flow_px[1]
        valid &= _at(flow.valid[t].astype(np.uint8), x, y).astype(bool)
        motion_m += [_at(plane.astype(np.float32), x, y) for plane in flow.motion_m[t]]
        flow_px += [_at(plane.astype(np.float32), x, y) for plane in flow.flow_px[t]]
    return SequenceFlow(flow_px, motion_m * valid, valid)


def _at(plane: npt.NDArray, x: npt.NDArray, y: npt.NDArray) -> npt.NDArray:
    """Return the values of a plane at the nearest pixels; 0 outside."""
    return cv2.remap(plane, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
