# SPDX-License-Identifier: Apache-2.0
"""Memory that the pipeline holds, and what it allocates in each frame."""

import os
import sys
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

_MB = 2.0**-20
_CPU = torch._C._autograd.DeviceType.CPU
_FEWEST_FRAMES = 20
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Memory(NamedTuple):
    """Memory held [MiB].

    Attributes:
        cpu_rss: Resident memory of the process, PyTorch and all libraries included.
        gpu_allocated: GPU memory in tensors; None without a GPU.
        gpu_peak: The most there was in tensors at any moment.
        gpu_reserved: What PyTorch holds for tensors, including free parts.
    """

    cpu_rss: float
    gpu_allocated: float | None
    gpu_peak: float | None
    gpu_reserved: float | None


def resident_mb() -> float:
    """Return the resident memory of this process [MiB]."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE * _MB


def memory_now(device: torch.device) -> Memory:
    """Return the memory held now."""
    if device.type != "cuda":
        return Memory(resident_mb(), None, None, None)
    return Memory(
        resident_mb(),
        torch.cuda.memory_allocated(device) * _MB,
        torch.cuda.max_memory_allocated(device) * _MB,
        torch.cuda.memory_reserved(device) * _MB,
    )


class Allocations(NamedTuple):
    """What one frame allocates in steady state.

    Attributes:
        tensors: Allocations of CPU tensors.
        tensors_mb: Their total size [MiB].
        python_peak_mb: The most that Python and NumPy hold beyond what they held before [MiB].
        device_tensors: Requests to PyTorch's caching allocator of GPU memory; None without a GPU.
        device_mallocs: Requests to the driver for more; None without a GPU.
    """

    tensors: float
    tensors_mb: float
    python_peak_mb: float
    device_tensors: float | None
    device_mallocs: float | None


def count_allocations(step: Callable[[], object], frames: int, device: torch.device) -> Allocations:
    """Count the allocations of a step, separately from any timing: counting costs time.

    Args:
        step: Processes one frame.
        frames: How many frames to count over.
        device: Where the step runs.
    """
    before = _device_counts(device)
    for _ in range(frames):
        step()
    after = _device_counts(device)
    profiler: Any = profile(activities=[ProfilerActivity.CPU], profile_memory=True)
    with _silent(), profiler:
        for _ in range(frames):
            step()
    sizes = [
        event.nbytes()
        for event in profiler.profiler.kineto_results.events()
        if event.name() == "[memory]" and event.nbytes() > 0 and event.device_type() == _CPU
    ]
    per_frame = (
        (None, None)
        if before is None or after is None
        else tuple((b - a) / frames for a, b in zip(before, after, strict=True))
    )
    return Allocations(
        len(sizes) / frames, _MB * sum(sizes) / frames, _python_peak_mb(step), *per_frame
    )


def growth_kb_per_frame(resident: Sequence[float]) -> float:
    """Return by how much memory grows per frame [KiB]: the slope of the best-fitting line.

    Args:
        resident: Resident memory after each frame [MiB]; the first half is ignored, because caches
            fill during it. Fewer than 40 frames say nothing.
    """
    later = np.asarray(resident[(1 + len(resident)) // 2 :])
    if len(later) < _FEWEST_FRAMES:
        return float("nan")
    slope: float = np.polyfit(np.arange(len(later)), later, 1)[0]
    return round(1024 * slope, 6) + 0.0  # arithmetic is no finer, and a line is never quite flat


@contextmanager
def _silent() -> Iterator[None]:
    """Discard what libraries write to stderr: the profiler reports its own start and end there."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _python_peak_mb(step: Callable[[], object]) -> float:
    tracemalloc.start()
    try:
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        step()
        return (tracemalloc.get_traced_memory()[1] - held) * _MB
    finally:
        tracemalloc.stop()


def _device_counts(device: torch.device) -> tuple[int, int] | None:
    if device.type != "cuda":
        return None
    found = torch.cuda.memory_stats(device)
    return int(found["allocation.all.allocated"]), int(found["segment.all.allocated"])
