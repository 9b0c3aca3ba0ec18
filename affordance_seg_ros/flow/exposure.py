# SPDX-License-Identifier: Apache-2.0
"""Brightness without exposure: local mean and contrast taken out."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

_RADIUS = 0.06
"""Half the side of the neighbourhood, as a share of the picture's longer side."""


class Brightness(NamedTuple):
    """Brightness in units of the picture's own contrast.

    Attributes:
        relative: (H, W) float32.
        contrast: () float32 grey levels (0..255) of one unit.
    """

    relative: Tensor
    contrast: Tensor


def normalise(gray: Tensor) -> Brightness:
    """Subtract the local mean and divide by the local contrast.

    A gain or an offset of the exposure, even one that varies slowly over the picture, leaves the
    relative brightness unchanged. Where the picture is flat, its typical contrast limits how far
    noise is amplified.

    Args:
        gray: (H, W) float32 in 0..255.
    """
    radius = max(2, round(_RADIUS * max(gray.shape)))
    mean = _local_mean(gray, radius)
    deviation = gray - mean
    variance = _local_mean(deviation * deviation, radius)
    typical = variance.mean()
    scale = (variance + typical).clamp_(min=1e-6).rsqrt_()
    return Brightness(deviation * scale, (2 * typical).sqrt())


def _local_mean(image: Tensor, radius: int) -> Tensor:
    """Mean over a square of the pixels inside the picture."""
    size = 2 * radius + 1
    rows = F.avg_pool2d(
        image[None, None], (size, 1), 1, (radius, 0), count_include_pad=False
    )
    return F.avg_pool2d(rows, (1, size), 1, (0, radius), count_include_pad=False)[0, 0]
