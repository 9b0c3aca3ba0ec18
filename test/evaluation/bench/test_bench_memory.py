# SPDX-License-Identifier: Apache-2.0
"""Memory held and allocations counted."""

import math

import numpy as np
import pytest
import torch

from affordance_seg_ros.evaluation.bench.memory import (
    count_allocations,
    growth_kb_per_frame,
    memory_now,
    resident_mb,
)

CPU = torch.device("cpu")


def test_counts_the_tensors_that_a_step_allocates() -> None:
    found = count_allocations(lambda: [torch.zeros(2**18) for _ in range(5)], 3, CPU)
    assert found.tensors == 5
    assert found.tensors_mb == pytest.approx(5)
    assert found.device_tensors is None


def test_sees_the_peak_of_numpy_even_if_it_is_freed() -> None:
    found = count_allocations(lambda: np.zeros(3 * 2**20, np.uint8).sum(), 2, CPU)
    assert 3 <= found.python_peak_mb < 3.5
    assert found.tensors == 0


def test_resident_memory_grows_with_what_is_touched() -> None:
    before = resident_mb()
    held = np.ones(64 * 2**20, np.uint8)
    assert 60 < resident_mb() - before < 80
    assert held.all()
    assert memory_now(CPU).gpu_peak is None


def test_growth_is_the_slope_of_the_second_half() -> None:
    flat_then_rising = [float(max(0, k - 50)) for k in range(100)]
    assert growth_kb_per_frame(flat_then_rising) == pytest.approx(1024)
    assert growth_kb_per_frame([float(min(50, k)) for k in range(100)]) == pytest.approx(
        0, abs=1e-6
    )


def test_a_few_frames_say_nothing_of_growth() -> None:
    assert math.isnan(growth_kb_per_frame([1.0] * 39))
