# SPDX-License-Identifier: Apache-2.0
"""Several tensors as one packet of bytes, so that they leave a device in one transfer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

_DTYPES = {torch.float32: np.float32, torch.uint8: np.uint8}


def pack(tensors: Sequence[Tensor]) -> Tensor:
    """Return the bytes of float32 and uint8 tensors, those with larger elements first.

    Args:
        tensors: Tensors of any shape on one device; float32 before uint8, so that each begins at
            a multiple of its element size.

    Returns:
        (bytes,) uint8 on that device.
    """
    return torch.cat([each.contiguous().view(-1).view(torch.uint8) for each in tensors])


def unpack(packet: npt.NDArray[np.uint8], like: Sequence[Tensor]) -> list[npt.NDArray[Any]]:
    """Return copies of the tensors in a packet.

    Args:
        packet: (bytes,) uint8 made by `pack`, on the host.
        like: The tensors that were packed, or others of the same shapes and types.
    """
    arrays = []
    start = 0
    for each in like:
        end = start + each.nbytes
        values = packet[start:end].view(_DTYPES[each.dtype]).reshape(tuple(each.shape))
        arrays.append(values.copy())
        start = end
    return arrays


class Download:
    """Brings tensors to the host in one transfer, and waits for it: the only wait in a frame.

    Args:
        device: Where the tensors are.
    """

    def __init__(self, device: torch.device) -> None:
        self._on_gpu = device.type == "cuda"
        self._host = torch.empty(0, dtype=torch.uint8)

    def __call__(self, tensors: Sequence[Tensor]) -> list[npt.NDArray[Any]]:
        """Return copies of the tensors as arrays.

        Args:
            tensors: As for `pack`.
        """
        packet = pack(tensors)
        if packet.shape != self._host.shape:  # the first frame, or another picture size
            self._host = torch.empty(packet.shape, dtype=torch.uint8, pin_memory=self._on_gpu)
        self._host.copy_(packet, non_blocking=True)
        if self._on_gpu:
            torch.cuda.current_stream(packet.device).synchronize()
        return unpack(self._host.numpy(), tensors)
