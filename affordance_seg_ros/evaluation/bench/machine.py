# SPDX-License-Identifier: Apache-2.0
"""What a machine can do, measured: memory traffic and matrix arithmetic."""

import math
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

_COPY_BYTES = {"cpu": 2**28, "cuda": 2**31}
_MATRIX_SIDE = {"cpu": 1536, "cuda": 8192}
_MEMORY_SHARE = 0.5
"""Share of a GPU's free memory for copies and products: a small GPU has no more to spare."""
_FEWEST_TRIES = 5
_TRYING_S = 1.0
"""Each figure is tried for this long: a machine that others use has its quiet moments."""


class MachineLimits(NamedTuple):
    """The best of a few tries.

    Attributes:
        copy_gb_per_s: Copying a tensor much larger than the caches, reading and writing together.
        matrix_gflop_per_s: Product of two large matrices, by their type.
    """

    copy_gb_per_s: float
    matrix_gflop_per_s: dict[str, float]


def measure_limits(device: torch.device) -> MachineLimits:
    """Measure the limits of a device; takes some seconds.

    float32 is measured with PyTorch's own settings.

    Args:
        device: A CPU or a GPU.
    """
    names = ("float32", "bfloat16", "float16") if device.type == "cuda" else ("float32", "bfloat16")
    return MachineLimits(
        _copy_gb_per_s(device), {name: _matrix_gflop_per_s(name, device) for name in names}
    )


def describe_machine(device: torch.device) -> dict[str, str | int | float]:
    """Return what a reader must know about the machine to compare figures, and its present load."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _cpu_name()
    return {
        "device": name,
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count() or 1,
        "load": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "CPU"


def _copy_gb_per_s(device: torch.device) -> float:
    count = min(_COPY_BYTES[device.type], _free_bytes(device) // 2) // 4
    source = torch.ones(count, device=device)
    target = torch.zeros_like(source)
    seconds = _best_s(lambda: target.copy_(source), device)
    return 1e-9 * 2 * 4 * count / seconds


def _matrix_gflop_per_s(name: str, device: torch.device) -> float:
    side = min(_MATRIX_SIDE[device.type], math.isqrt(_free_bytes(device) // (3 * 4)))
    a = torch.rand(side, side, device=device, dtype=getattr(torch, name))
    b = torch.rand_like(a)
    out = torch.empty_like(a)
    return 1e-9 * 2 * side**3 / _best_s(lambda: torch.mm(a, b, out=out), device)


def _free_bytes(device: torch.device) -> int:
    """Return how much memory the tensors of one measurement may take together."""
    if device.type != "cuda":
        return sys.maxsize
    torch.cuda.empty_cache()  # or else what PyTorch keeps in reserve counts as taken
    return int(_MEMORY_SHARE * torch.cuda.mem_get_info(device)[0])


def _best_s(work: Callable[[], object], device: torch.device) -> float:
    """Return the shortest duration of several tries, leaving out the first [s]."""
    times: list[float] = []
    while len(times) <= _FEWEST_TRIES or sum(times) < _TRYING_S:
        _finish(device)
        start = time.perf_counter()
        work()
        _finish(device)
        times.append(time.perf_counter() - start)
    return min(times[1:])


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
