# SPDX-License-Identifier: Apache-2.0
"""The building block of encoder and decoder: convolution, normalisation, ReLU."""

from collections.abc import Callable
from types import MappingProxyType

from torch import Tensor, nn
from torch.nn import functional


class ConvReLU(nn.Module):
    """A size-preserving convolution, optionally normalised, and a ReLU.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: 3, or 1 for a mixture of channels; only 3x3 convolutions are normalised.
        norm: A name of `NORMS`.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, kernel_size: int = 3, norm: str = "none"
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2)
        self.norm = NORMS[norm](out_channels) if kernel_size > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to (B, out_channels, H, W), non-negative."""
        return functional.relu(self.norm(self.conv(x)), inplace=True)


def group_norm(channels: int) -> nn.GroupNorm:
    """Return a group normalisation over at most 32 groups of at least 8 channels each.

    Fewer than 16 channels make one group: single-channel groups would erase each channel's mean,
    and with it all that is constant over a picture.

    Source: Wu and He, Group Normalization, ECCV 2018 (32 groups or 16 channels each).
    """
    groups = max(n for n in (1, 2, 4, 8, 16, 32) if n == 1 or channels % (8 * n) == 0)
    return nn.GroupNorm(groups, channels)


def _no_norm(channels: int) -> nn.Identity:
    return nn.Identity()


NORMS: MappingProxyType[str, Callable[[int], nn.Module]] = MappingProxyType(
    {"none": _no_norm, "group": group_norm}
)
"""Normalisations for a number of channels, by the names of `NetworkConfig.norm`."""
