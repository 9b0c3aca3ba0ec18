# SPDX-License-Identifier: Apache-2.0
"""Brightness independent of exposure: the local mean and the local contrast are removed.

The weights of the energy are meant for grey values of 0..255. So relative brightness is scaled
back to grey values by the typical contrast of the two pictures compared.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

_MIDDLE_GRAY = 127.5
# Half the side of the neighbourhood, as a share of the picture's longer side. Measured on the
# sample sequence (docs/scene_flow.md): twice as much lets saturated areas disturb more of
# their surroundings, and less is no better.
_RADIUS = 0.03


class Brightness(NamedTuple):
    """Brightness in units of the picture's own contrast.

    Attributes:
        relative: (H, W) float32.
        contrast: () float32 grey levels (0..255) per unit.
    """

    relative: Tensor
    contrast: Tensor


def measure_brightness(gray: Tensor, *, normalize: bool) -> Brightness:
    """Return the brightness to compare with other frames.

    If normalised, it is unchanged by a gain and an offset of the exposure, even if both vary slowly
    over the picture. Where the picture is flat, its typical contrast limits how far noise is
    amplified: by a factor of at most 1.4.

    Args:
        gray: (H, W) float32 in 0..255.
        normalize: False returns plain grey values, relative to the middle one.
    """
    if not normalize:
        return Brightness(gray - _MIDDLE_GRAY, torch.ones((), device=gray.device))
    radius = max(2, round(_RADIUS * max(gray.shape)))
    deviation = gray - _local_mean(gray, radius)
    variance = _local_mean(deviation.square(), radius)
    typical = variance.mean()
    scale = (variance + typical).clamp_(min=1e-6).rsqrt_()
    return Brightness(deviation * scale, (2 * typical).sqrt_())


def common_contrast(older: Brightness, newer: Brightness) -> Tensor:
    """Return the grey levels () of one unit of brightness when two frames are compared."""
    return (older.contrast * newer.contrast).sqrt()


def _local_mean(image: Tensor, radius: int) -> Tensor:
    """Mean over the part of a square around each pixel that is inside the picture."""
    size = 2 * radius + 1
    mean = functional.avg_pool2d(
        image[None, None], (size, 1), 1, (radius, 0), count_include_pad=False
    )
    return functional.avg_pool2d(mean, (1, size), 1, (0, radius), count_include_pad=False)[0, 0]
