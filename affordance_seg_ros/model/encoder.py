# SPDX-License-Identifier: Apache-2.0
"""One encoder stream: the first ten convolutions of VGG16."""

from types import MappingProxyType
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from affordance_seg_ros.model.convolution import ConvReLU

VGG16_LAYERS = MappingProxyType(
    {
        "conv1_1": "features.0",
        "conv1_2": "features.2",
        "conv2_1": "features.5",
        "conv2_2": "features.7",
        "conv3_1": "features.10",
        "conv3_2": "features.12",
        "conv3_3": "features.14",
        "conv4_1": "features.17",
        "conv4_2": "features.19",
        "conv4_3": "features.21",
    }
)
"""Layers of a stream and their names in torchvision's VGG16, whose shapes are those of width 64."""


class StreamFeatures(NamedTuple):
    """What a stream sees in one batch of pictures.

    Attributes:
        deep: (B, 8w, H/8, W/8) features after the last convolution.
        skips: The inputs of the three max-poolings, the finest first: (B, w, H, W),
            (B, 2w, H/2, W/2), (B, 4w, H/4, W/4). All sizes round down.
    """

    deep: Tensor
    skips: tuple[Tensor, Tensor, Tensor]


class EncoderStream(nn.Module):
    """Ten CONV-ReLU layers and three 2x2 max-poolings of stride 2.

    The paper counts 11 layers; the eleventh is the 1x1 fusion after the streams. With three
    poolings the features have an eighth of the picture's size, not the sixth that the paper states.

    Args:
        in_channels: 3 for colour or coloured flow, 4 for RGB-D, 5 with a mask of the depth.
        width: Channels of the first convolution; 64 is VGG16's.
        norm: Normalisation after each convolution.

    Source: Thermos et al., ICASSP 2020, section 2.1; Simonyan and Zisserman, ICLR 2015, column D.
    """

    def __init__(self, in_channels: int, *, width: int, norm: str) -> None:
        super().__init__()
        w = width
        self.conv1_1 = ConvReLU(in_channels, w, norm=norm)
        self.conv1_2 = ConvReLU(w, w, norm=norm)
        self.conv2_1 = ConvReLU(w, 2 * w, norm=norm)
        self.conv2_2 = ConvReLU(2 * w, 2 * w, norm=norm)
        self.conv3_1 = ConvReLU(2 * w, 4 * w, norm=norm)
        self.conv3_2 = ConvReLU(4 * w, 4 * w, norm=norm)
        self.conv3_3 = ConvReLU(4 * w, 4 * w, norm=norm)
        self.conv4_1 = ConvReLU(4 * w, 8 * w, norm=norm)
        self.conv4_2 = ConvReLU(8 * w, 8 * w, norm=norm)
        self.conv4_3 = ConvReLU(8 * w, 8 * w, norm=norm)

    def forward(self, pictures: Tensor) -> StreamFeatures:
        """Encode (B, in_channels, H, W) pictures, H and W at least 8."""
        fine = self.conv1_2(self.conv1_1(pictures))  # (B, w, H, W)
        half = self.conv2_2(self.conv2_1(functional.max_pool2d(fine, 2)))  # (B, 2w, H/2, W/2)
        quarter = self.conv3_1(functional.max_pool2d(half, 2))  # (B, 4w, H/4, W/4)
        quarter = self.conv3_3(self.conv3_2(quarter))
        deep = self.conv4_1(functional.max_pool2d(quarter, 2))  # (B, 8w, H/8, W/8)
        deep = self.conv4_3(self.conv4_2(deep))
        return StreamFeatures(deep, (fine, half, quarter))
