# SPDX-License-Identifier: Apache-2.0
"""Sequences of launches as CUDA graphs: recorded once, then started by one call."""

from collections.abc import Callable, Hashable

import torch

_KEPT = 16


class GraphCache:
    """Runs sequences of launches that always do the same on the same tensors.

    The first time, a sequence runs directly, which compiles its kernels, and is recorded; from then
    on it is replayed. On a CPU it always runs directly.

    Args:
        device: Where the sequences run.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._graphs: dict[Hashable, torch.cuda.CUDAGraph] = {}
        self._side: torch.cuda.Stream | None = None

    def run(self, name: Hashable, sequence: Callable[[], None]) -> None:
        """Run a sequence.

        Args:
            name: Identifies the sequence: equal names mean the same launches on the same tensors.
            sequence: Makes the launches; must not wait for the device.
        """
        if self._device.type != "cuda":
            sequence()
            return
        with torch.cuda.device(self._device):
            if name in self._graphs:
                self._graphs[name].replay()
                return
            sequence()
            while len(self._graphs) >= _KEPT:
                del self._graphs[next(iter(self._graphs))]
            self._graphs[name] = self._record(sequence)

    def _record(self, sequence: Callable[[], None]) -> torch.cuda.CUDAGraph:
        # Not `with torch.cuda.graph`: that empties PyTorch's cache of device memory, which
        # delays the frame that records and makes others allocate again.
        graph = torch.cuda.CUDAGraph()
        current = torch.cuda.current_stream()
        # One for all: PyTorch has 32 streams, and then hands out again those that others use.
        side = self._side = self._side or torch.cuda.Stream()
        side.wait_stream(current)
        with torch.cuda.stream(side):
            graph.capture_begin(capture_error_mode="thread_local")
            try:
                sequence()
            finally:
                graph.capture_end()
        current.wait_stream(side)
        return graph
