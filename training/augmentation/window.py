# SPDX-License-Identifier: Apache-2.0
"""A window of the picture that shows what there is to learn."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.labels import IGNORE
from affordance_seg_ros.training.sample import Sample

_OFF_CENTRE = 0.35
"""Largest distance of the labelled pixel from the window's centre, in sides of the window."""
_ANYWHERE_SHARE = 0.25
"""Share of windows that lie anywhere: hands, cloths and walls afford nothing, but must be seen."""


def cut_window(sample: Sample, share: float, random: np.random.Generator) -> Sample:
    """Cut all frames to one window: mostly around a labelled pixel, else anywhere.

    At most a twentieth of a picture is a part that affords something: a window with half the sides
    costs a quarter, and shows the same parts at the same size.

    Args:
        sample: Sample of h x w pixels.
        share: Sides of the window, as a share of the picture's; they are made multiples of 8 and
            at least 32 pixels.
        random: Random generator.
    """
    height, width = sample.inside.shape
    rows, columns = (window_side(side, share) for side in (height, width))
    top, left = _corner(sample.target, (rows, columns), random)
    window = slice(top, top + rows), slice(left, left + columns)

    def cut(images: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return images[(..., *window)]

    return replace(
        sample,
        rgb=cut(sample.rgb),
        depth_m=cut(sample.depth_m),
        flow_px=cut(sample.flow_px),
        motion_m=cut(sample.motion_m),
        valid=cut(sample.valid),
        target=cut(sample.target),
        inside=cut(sample.inside),
    )


def window_side(side: int, share: float) -> int:
    """Return a window's side [px] in a picture of the given side, divisible by three poolings."""
    return min(side, max(32, 8 * round(side * share / 8)))


def _corner(
    target: npt.NDArray[np.uint8], size: tuple[int, int], random: np.random.Generator
) -> tuple[int, int]:
    """Return row and column of the upper left corner of a window inside the picture."""
    free = [side - wanted for side, wanted in zip(target.shape[1:], size, strict=True)]
    # Drawing a label first, and then one of its pixels, shows thin parts as often as large ones.
    labels = np.unique(target)
    labels = labels[(labels > 0) & (labels != IGNORE)]
    if not labels.size or random.random() < _ANYWHERE_SHARE:
        row, column = (int(random.integers(0, each + 1)) for each in free)
        return row, column
    pixels = np.argwhere(target == random.choice(labels))
    centre = pixels[random.integers(len(pixels))][1:]
    corner = [
        int(np.clip(at - wanted * (0.5 + random.uniform(-_OFF_CENTRE, _OFF_CENTRE)), 0, largest))
        for at, wanted, largest in zip(centre, size, free, strict=True)
    ]
    return corner[0], corner[1]
