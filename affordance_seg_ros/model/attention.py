# SPDX-License-Identifier: Apache-2.0
"""Soft attention: where in the picture the memory matters."""

from collections.abc import Callable
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor, nn


class AttentionNorm(NamedTuple):
    """How scores become attention.

    Attributes:
        apply: Maps (B, 1, h, w) scores to (B, 1, h, w) attention in [0, 1].
        shift_invariant: Whether a constant added to all scores changes nothing.
    """

    apply: Callable[[Tensor], Tensor]
    shift_invariant: bool


def softmax(scores: Tensor) -> Tensor:
    """Return the softmax over all positions: as the paper says, with values of about 1/(h w)."""
    return scores.flatten(1).softmax(1).view_as(scores)


def softmax_max(scores: Tensor) -> Tensor:
    """Return the softmax over all positions divided by its largest value: the peak is 1."""
    return torch.exp(scores - scores.amax((-2, -1), keepdim=True))


ATTENTION_NORMS = MappingProxyType(
    {
        "softmax": AttentionNorm(softmax, shift_invariant=True),
        "softmax_max": AttentionNorm(softmax_max, shift_invariant=True),
        "sigmoid": AttentionNorm(torch.sigmoid, shift_invariant=False),
    }
)
"""Normalisations by the names of `NetworkConfig.attention_norm`."""


class SoftAttention(nn.Module):
    """A 1x1 convolution of features and memory to one channel, normalised.

    Args:
        channels: Channels of the features, and of the memory.
        norm: A name of `ATTENTION_NORMS`.

    Source: Thermos et al., ICASSP 2020, section 2.2.
    """

    def __init__(self, channels: int, *, norm: str) -> None:
        super().__init__()
        self._norm = ATTENTION_NORMS[norm]
        # A bias does not change a softmax: it would be a parameter that never learns.
        self.score = nn.Conv2d(2 * channels, 1, 1, bias=not self._norm.shift_invariant)

    def forward(self, features: Tensor, memory: Tensor) -> Tensor:
        """Return (B, 1, h, w) attention in [0, 1] from two (B, channels, h, w)."""
        return self._norm.apply(self.score(torch.cat((features, memory), 1)))


class UniformAttention(nn.Module):
    """Attention of one everywhere: the network without attention."""

    def forward(self, features: Tensor, memory: Tensor) -> Tensor:
        """Return (B, 1, h, w) ones for two (B, channels, h, w)."""
        return torch.ones_like(memory[:, :1])
