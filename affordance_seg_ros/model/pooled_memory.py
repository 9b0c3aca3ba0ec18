# SPDX-License-Identifier: Apache-2.0
"""Memory of a stream's features over the picture as a whole."""

import torch
from torch import Tensor, nn

from affordance_seg_ros.model.conv_lstm import ConvLSTM, ConvLSTMState


class PooledMemory(nn.Module):
    """An LSTM over the mean and the largest values of features.

    A convLSTM remembers, position by position, what a moving hand has long left: it would have to
    piece a motion together from a trail of places. This one sees the motion in one place.

    Args:
        channels: Channels of the features and of the memory.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(2 * channels)
        self.lstm = ConvLSTM(channels, in_channels=2 * channels, kernel_size=1)

    def forward(
        self, features: Tensor, state: ConvLSTMState | None = None
    ) -> tuple[Tensor, ConvLSTMState]:
        """Run over whole sequences.

        Args:
            features: (B, T, channels, h, w) features.
            state: Memory before the first of them; None for an empty one.

        Returns:
            (B, T, channels, 1, 1) hidden states after each frame, and the memory after the last.
        """
        remembered: tuple[Tensor, ConvLSTMState] = self.lstm(self._pooled(features), state)
        return remembered

    def step(self, features: Tensor, state: ConvLSTMState | None) -> ConvLSTMState:
        """Take the (B, channels, h, w) features of one frame and the memory before it."""
        return self.lstm.step(self._pooled(features), state)

    def _pooled(self, features: Tensor) -> Tensor:
        """Return (..., 2 channels, 1, 1) of (..., channels, h, w)."""
        pooled = torch.cat((features.mean((-2, -1)), features.amax((-2, -1))), -1)
        normed: Tensor = self.norm(pooled)
        return normed[..., None, None]
