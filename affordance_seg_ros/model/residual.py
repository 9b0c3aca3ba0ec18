# SPDX-License-Identifier: Apache-2.0
"""The residual block between encoder and memory."""

from torch import Tensor, nn
from torch.nn import functional

from affordance_seg_ros.model.convolution import NORMS


class ResidualBlock(nn.Module):
    """Pre-activation residual block: ReLU, CONV, ReLU, CONV, plus the input.

    Args:
        channels: Channels of input and output.
        norm: Normalisation after each convolution.

    Source: Thermos et al., ICASSP 2020, section 2.1; He et al., Identity Mappings in Deep Residual
    Networks, ECCV 2016.
    """

    def __init__(self, channels: int, *, norm: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm1 = NORMS[norm](channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2 = NORMS[norm](channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, h, w) to the same shape."""
        y: Tensor = self.norm1(self.conv1(functional.relu(x)))
        y = self.norm2(self.conv2(functional.relu(y, inplace=True)))
        return x + y
