# SPDX-License-Identifier: Apache-2.0
"""Recording the network as a CUDA graph, its two encoder streams side by side."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from affordance_seg_ros.model.encoder import StreamFeatures
from affordance_seg_ros.model.static_runner import Capture, Work

_WARM_UP_RUNS = 3
"""cuDNN tries its algorithms in the first run, and workspaces grow until the second."""


def graph_capture(device: torch.device) -> Capture:
    """Return a capture that records work on a CUDA device as a graph.

    Replaying it launches the whole frame at once: the CPU no longer launches hundreds of kernels of
    a few microseconds each. What the work allocates is in the graph's own pool and is reused by
    every replay.

    Args:
        device: A CUDA device.
    """

    def capture(work: Work) -> Work:
        with torch.cuda.device(device):
            current = torch.cuda.current_stream()
            aside = _stream(device)
            aside.wait_stream(current)
            with torch.cuda.stream(aside), _fastest_algorithms():
                for _ in range(_WARM_UP_RUNS):
                    work()
            current.wait_stream(aside)
            graph = torch.cuda.CUDAGraph()
            with (
                _fastest_algorithms(),
                # Other threads, such as another camera's pipeline, may allocate meanwhile.
                torch.cuda.graph(graph, stream=aside, capture_error_mode="thread_local"),
            ):
                work()
        return graph.replay

    return capture


@contextmanager
def _fastest_algorithms() -> Iterator[None]:
    """Let cuDNN choose its algorithms by trying them, unless the process wants determinism.

    Its other settings stay as they are: `torch.backends.cudnn.flags` would set them too.
    """
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark
    cudnn.benchmark = not cudnn.deterministic
    try:
        yield
    finally:
        cudnn.benchmark = before


class SideBySide:
    """Runs each job on its own CUDA stream, and joins them on the current stream.

    What a job allocates on its stream is freed before the next run begins, and that run waits for
    the current stream first: no memory is reused too early.

    Args:
        device: A CUDA device.
        jobs: Largest number of jobs at a time.
    """

    def __init__(self, device: torch.device, jobs: int) -> None:
        self._device = device
        # The first job stays on the current stream.
        self._streams = [_stream(device) for _ in range(jobs - 1)]

    def __call__(self, jobs: Sequence[Callable[[], StreamFeatures]]) -> list[StreamFeatures]:
        """Run the jobs; return their results in order."""
        current = torch.cuda.current_stream(self._device)
        results = []
        for stream, job in zip(self._streams, jobs[1:], strict=True):
            stream.wait_stream(current)
            with torch.cuda.stream(stream):
                results.append(job())
        results.insert(0, jobs[0]())
        for stream in self._streams:
            current.wait_stream(stream)
        return results


def _stream(device: torch.device) -> torch.cuda.Stream:
    create: Any = torch.cuda.Stream  # untyped
    stream: torch.cuda.Stream = create(device)
    return stream
