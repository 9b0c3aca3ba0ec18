# SPDX-License-Identifier: Apache-2.0
"""What a network carries from frame to frame."""

from typing import NamedTuple, TypeAlias

from torch import Tensor


class NetworkState(NamedTuple):
    """Memory between two frames: hidden and cell state of both convLSTM layers.

    Each is (B, 8w, H/8, W/8), sizes rounded down.
    """

    hidden1: Tensor
    cell1: Tensor
    hidden2: Tensor
    cell2: Tensor


class MotionState(NamedTuple):
    """The same in a network with a memory of motion, whose states are (B, 8w, 1, 1)."""

    hidden1: Tensor
    cell1: Tensor
    hidden2: Tensor
    cell2: Tensor
    motion_hidden: Tensor
    motion_cell: Tensor


Memory: TypeAlias = NetworkState | MotionState
"""What a network carries from frame to frame; `AffordanceNetwork.state_type` says which."""
