# SPDX-License-Identifier: Apache-2.0
"""Convolutional LSTM: the memory of the network."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from affordance_seg_ros.model.convolution import NORMS


class ConvLSTMState(NamedTuple):
    """Memory of one layer after a frame.

    Attributes:
        hidden: (B, C, h, w) output of the layer, in (-1, 1).
        cell: (B, C, h, w) cell state.
    """

    hidden: Tensor
    cell: Tensor


class ConvLSTM(nn.Module):
    """One convLSTM layer.

    There are no peephole weights: one per pixel, they would fix the picture's size. The
    convolution of the gates is split into its input and its recurrent half, so that the former
    runs over all frames of a sequence at once.

    Gates are normalised before they act. Features after a ReLU are positive, and a thousand of them
    feed a gate: without a norm, a few large training steps move all gates so far that they
    saturate, and the memory then says the same about every picture, with no gradient to revive it.

    Args:
        channels: Channels of hidden and cell state.
        in_channels: Channels of the input; None for the same number.
        kernel_size: Kernel size of both convolutions, odd.
        norm: Normalisation of the gates, a name of `NORMS`.

    Source: Shi et al., Convolutional LSTM Network, NIPS 2015, equation 3; Ba et al., Layer
    Normalization, 2016 (normalised gates).
    """

    def __init__(
        self,
        channels: int,
        *,
        in_channels: int | None = None,
        kernel_size: int = 3,
        norm: str = "none",
    ) -> None:
        super().__init__()
        k = kernel_size
        # Gates in this order: input, forget, output, candidate.
        self.input_gates = nn.Conv2d(in_channels or channels, 4 * channels, k, padding=k // 2)
        self.norm = NORMS[norm](4 * channels)
        self.hidden_gates = nn.Conv2d(channels, 4 * channels, k, padding=k // 2, bias=False)

    @property
    def forget_bias(self) -> Tensor:
        """The (channels,) biases of the forget gates."""
        # A normalisation removes the bias of its input; its own is added afterwards.
        last = self.norm if isinstance(self.norm, nn.GroupNorm) else self.input_gates
        bias = last.bias
        assert bias is not None
        return bias.chunk(4)[1]

    def forward(
        self, sequence: Tensor, state: ConvLSTMState | None = None
    ) -> tuple[Tensor, ConvLSTMState]:
        """Run over whole sequences.

        Args:
            sequence: (B, T, C, h, w) inputs, T at least 1.
            state: Memory before the first of them; None for an empty one.

        Returns:
            (B, T, C, h, w) hidden states after each frame, and the memory after the last.
        """
        gates: Tensor = self.input_gates(sequence.flatten(0, 1))
        gates = gates.view(*sequence.shape[:2], *gates.shape[1:])
        states = []
        # Not by index: each index would make another gradient of the whole sequence to add up.
        for each in gates.unbind(1):
            state = self._remember(each, state)
            states.append(state)
        return torch.stack([each.hidden for each in states], 1), states[-1]

    def step(self, x: Tensor, state: ConvLSTMState | None) -> ConvLSTMState:
        """Take one frame (B, C, h, w) and the memory before it; None for an empty memory."""
        return self._remember(self.input_gates(x), state)

    def _remember(self, gates: Tensor, state: ConvLSTMState | None) -> ConvLSTMState:
        """Return the memory after a frame whose input gates are (B, 4C, h, w)."""
        if state is not None:
            gates = gates + self.hidden_gates(state.hidden)
        write, keep, show, candidate = self.norm(gates).chunk(4, 1)
        cell = torch.sigmoid(write) * torch.tanh(candidate)
        if state is not None:
            cell = cell + torch.sigmoid(keep) * state.cell
        return ConvLSTMState(torch.sigmoid(show) * torch.tanh(cell), cell)
