# SPDX-License-Identifier: Apache-2.0
"""The action classifier on top of the memory."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class ActionHead(nn.Module):
    """Three fully connected layers on the memory's mean and largest values over the picture.

    Both make the layers' size independent of the picture's. A hand covers a few of some 300
    positions: the mean alone hardly responds to it, and less the wider the camera's view. Each is
    normalised over the channels, since small values teach slowly.

    Args:
        channels: Channels of the memory.
        actions: Number of actions.
        motion: Whether there is a memory of the motion as well.

    Source: Thermos et al., ICASSP 2020, section 2.3.
    """

    def __init__(self, channels: int, actions: int, *, motion: bool = False) -> None:
        super().__init__()
        self.mean_norm = nn.LayerNorm(channels)
        self.max_norm = nn.LayerNorm(channels)
        self.layer1 = nn.Linear((3 if motion else 2) * channels, channels)
        self.layer2 = nn.Linear(channels, channels // 2)
        self.layer3 = nn.Linear(channels // 2, actions)

    def forward(self, memory: Tensor, motion: Tensor | None = None) -> Tensor:
        """Return (..., actions) logits.

        Args:
            memory: (..., channels, h, w).
            motion: (..., channels, 1, 1); None in a head without it.
        """
        mean, largest = memory.mean((-2, -1)), memory.amax((-2, -1))  # (..., channels)
        moved = () if motion is None else (motion.flatten(-3),)
        x = torch.cat((self.mean_norm(mean), self.max_norm(largest), *moved), -1)
        x = functional.relu(self.layer2(functional.relu(self.layer1(x))))
        logits: Tensor = self.layer3(x)
        return logits
