# SPDX-License-Identifier: Apache-2.0
"""The decoder: from attended memory back to the picture's size."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from affordance_seg_ros.model.action_context import DecoderContext
from affordance_seg_ros.model.convolution import ConvReLU


class UpsamplingLevel(nn.Module):
    """Upsampling with its convolution, attention, skip, 1x1 mixture, two convolutions.

    Args:
        in_channels: Channels of the coarser level.
        skip_channels: Channels of all skips of this level together.
        out_channels: Channels of this level.
        norm: Normalisation after each 3x3 convolution.
    """

    def __init__(
        self, in_channels: int, skip_channels: int, out_channels: int, *, norm: str
    ) -> None:
        super().__init__()
        self.upsampled = ConvReLU(in_channels, out_channels, norm=norm)
        self.mixture = ConvReLU(out_channels + skip_channels, out_channels, kernel_size=1)
        self.conv1 = ConvReLU(out_channels, out_channels, norm=norm)
        self.conv2 = ConvReLU(out_channels, out_channels, norm=norm)

    def forward(self, x: Tensor, skips: Sequence[Tensor], attention: Tensor) -> Tensor:
        """Double the resolution, to exactly the size of the skips.

        Args:
            x: (B, in_channels, h, w) features of the coarser level.
            skips: (B, C, H, W) each, skip_channels together.
            attention: (B, 1, any, any) attention at any size.

        Returns:
            (B, out_channels, H, W) features.
        """
        size = skips[0].shape[-2:]
        x = self.upsampled(functional.interpolate(x, size=size, mode="nearest"))
        x = x * functional.interpolate(attention, size=size, mode="nearest")
        x = self.mixture(torch.cat((x, *skips), 1))
        result: Tensor = self.conv2(self.conv1(x))
        return result


class Decoder(nn.Module):
    """14 CONV-ReLU layers, three of them after a nearest-neighbour upsampling, and a classifier.

    The paper gives only the number. Here they are two convolutions at the bottleneck, and at each
    of the three levels one after the upsampling, the 1x1 mixture with the skips, and two more:
    2 + 3 * 4 = 14. The classifier, a 1x1 convolution without ReLU, is not counted.

    Args:
        width: Channels of the finest level.
        skip_streams: Number of encoder streams that provide skips.
        classes: Number of mask classes, background included.
        norm: Normalisation after each 3x3 convolution.

    Source: Thermos et al., ICASSP 2020, section 2.3.
    """

    def __init__(self, *, width: int, skip_streams: int, classes: int, norm: str) -> None:
        super().__init__()
        w, s = width, skip_streams
        self.conv1 = ConvReLU(8 * w, 8 * w, norm=norm)
        self.conv2 = ConvReLU(8 * w, 8 * w, norm=norm)
        self.level1 = UpsamplingLevel(8 * w, s * 4 * w, 4 * w, norm=norm)
        self.level2 = UpsamplingLevel(4 * w, s * 2 * w, 2 * w, norm=norm)
        self.level3 = UpsamplingLevel(2 * w, s * w, w, norm=norm)
        self.classifier = nn.Conv2d(w, classes, 1)

    def forward(
        self,
        memory: Tensor,
        skips: Sequence[tuple[Tensor, Tensor, Tensor]],
        attention: Tensor,
        context: DecoderContext | None = None,
    ) -> Tensor:
        """Decode one frame.

        Args:
            memory: (B, 8w, H/8, W/8) output of the memory, not yet attended.
            skips: Per stream, the features before each max-pooling, the finest first.
            attention: (B, 1, H/8, W/8) attention.
            context: What the action tells; None in a network where it tells nothing.

        Returns:
            (B, classes, H, W) logits.
        """
        fine, half, quarter = zip(*skips, strict=True)
        x = memory * attention
        if context is not None:
            x = x + context.features
        x = self.conv2(self.conv1(x))
        x = self.level1(x, quarter, attention)
        x = self.level2(x, half, attention)
        x = self.level3(x, fine, attention)
        logits: Tensor = self.classifier(x)
        return logits if context is None else logits + context.prior
