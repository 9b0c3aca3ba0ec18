# SPDX-License-Identifier: Apache-2.0
"""Sequences of launches as CUDA graphs: recorded once, then started by one call."""

from collections.abc import Callable, Hashable

import torch

_KEPT = 16


class GraphCache:
    """Runs sequences of launches that always do the same on the same tensors.

    A sequence runs as it is the first time, which compiles its kernels, is recorded the second
    time, and replayed from then on. On a CPU it always runs as it is.

    Args:
        device: Where the sequences run.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._graphs: dict[Hashable, torch.cuda.CUDAGraph | None] = {}

    def run(self, name: Hashable, sequence: Callable[[], None]) -> None:
        """Run a sequence.

        Args:
            name: What it is known by: an equal name means the same launches on the same tensors.
            sequence: Launches it; must not wait for the device.
        """
        if self._device.type != "cuda":
            sequence()
            return
        with torch.cuda.device(self._device):
            if name not in self._graphs:
                sequence()
                self._keep(name, None)
                return
            graph = self._graphs[name]
            if graph is None:
                graph = self._record(sequence)
                self._keep(name, graph)
            graph.replay()

    def _keep(self, name: Hashable, graph: torch.cuda.CUDAGraph | None) -> None:
        self._graphs.pop(name, None)
        while len(self._graphs) >= _KEPT:
            del self._graphs[next(iter(self._graphs))]
        self._graphs[name] = graph

    def _record(self, sequence: Callable[[], None]) -> torch.cuda.CUDAGraph:
        # Not `with torch.cuda.graph`: that empties PyTorch's cache of device memory, which makes
        # the frame that records late and others allocate again.
        graph = torch.cuda.CUDAGraph()
        current = torch.cuda.current_stream()
        side = torch.cuda.Stream()
        side.wait_stream(current)
        with torch.cuda.stream(side):
            graph.capture_begin(capture_error_mode="thread_local")
            try:
                sequence()
            finally:
                graph.capture_end()
        current.wait_stream(side)
        return graph
