# SPDX-License-Identifier: Apache-2.0
"""Transfer of arrays from the host to where the pipeline runs."""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


class Upload(Protocol):
    """Brings an array to the device."""

    def __call__(self, array: npt.NDArray[Any]) -> Tensor:
        """Return the array as a tensor on the device; the array must not change afterwards."""


class DirectUpload:
    """Waits for each transfer; on a CPU there is none, and the tensor shares the array's memory.

    Args:
        device: Where to put the tensors.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def __call__(self, array: npt.NDArray[Any]) -> Tensor:
        """Return the array as a tensor on the device."""
        return torch.from_numpy(array).to(self._device)


class PinnedUpload:
    """Copies through pinned memory on its own stream; the host does not wait.

    The host prepares the next array while the last one is in transit. Each shape and type has its
    own pinned buffer, which is made when it is first needed and waits for its last transfer before
    it is filled again: at most one array of each shape and type is in transit.

    Args:
        device: A CUDA device.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        create_stream: Any = torch.cuda.Stream  # untyped
        self._stream = create_stream(device)
        self._buffers: dict[tuple[tuple[int, ...], np.dtype[Any]], tuple[Tensor, Any]] = {}

    def __call__(self, array: npt.NDArray[Any]) -> Tensor:
        """Return the array as a tensor on the device; work on the current stream may use it."""
        pinned, sent = self._buffer(array)
        sent.synchronize()  # no wait unless the last transfer of this buffer is still under way
        pinned.copy_(torch.from_numpy(array))
        current = torch.cuda.current_stream(self._device)
        with torch.cuda.stream(self._stream):
            tensor = pinned.to(self._device, non_blocking=True)
            sent.record(self._stream)
        current.wait_stream(self._stream)
        # Its memory belongs to the transfer's stream, which may reuse it once current is done.
        tensor.record_stream(current)
        return tensor

    def _buffer(self, array: npt.NDArray[Any]) -> tuple[Tensor, Any]:
        """Return the pinned buffer for such an array, and the event of its last transfer."""
        key = (array.shape, array.dtype)
        if key not in self._buffers:
            create_event: Any = torch.cuda.Event  # untyped
            pinned = torch.empty_like(torch.from_numpy(array), pin_memory=True)
            self._buffers[key] = (pinned, create_event())
        return self._buffers[key]


def build_upload(device: torch.device) -> Upload:
    """Return the upload that suits a device."""
    return PinnedUpload(device) if device.type == "cuda" else DirectUpload(device)
