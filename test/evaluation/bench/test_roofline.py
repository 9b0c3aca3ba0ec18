# SPDX-License-Identifier: Apache-2.0
"""The roofline's arithmetic."""

import pytest

from affordance_seg_ros.evaluation.bench.roofline import JETSONS, Peaks, bound_ms, estimate
from affordance_seg_ros.evaluation.bench.work import Operation, Work

ARITHMETIC = Operation("arithmetic", flop=2e9, values=1, fusible=False)
MEMORY = Operation("memory", flop=1, values=1e9, fusible=False)
FUSIBLE = MEMORY._replace(fusible=True)


def bound(*operations: Operation) -> float:
    return bound_ms(Work(operations), bandwidth_gb_per_s=8, gflop_per_s=1000, bytes_per_value=4)


def test_an_operation_takes_as_long_as_the_slower_of_memory_and_arithmetic() -> None:
    assert bound(ARITHMETIC) == pytest.approx(2.0)
    assert bound(MEMORY) == pytest.approx(500.0)


def test_operations_follow_each_other() -> None:
    assert bound(ARITHMETIC, MEMORY) == pytest.approx(bound(ARITHMETIC) + bound(MEMORY))


def test_a_fusible_operation_waits_for_no_memory() -> None:
    assert bound(FUSIBLE) == pytest.approx(1e-9)


def test_half_the_efficiency_is_twice_the_time() -> None:
    peaks = Peaks("machine", 100, 1000, 100, "")
    work = Work((ARITHMETIC, MEMORY))
    whole, half = (estimate(work, work, peaks, efficiency=e) for e in (1.0, 0.5))
    assert half.total == pytest.approx(2 * whole.total)
    assert whole.total == whole.network + whole.flow


def test_the_flow_gets_no_help_from_half_precision() -> None:
    peaks = Peaks("machine", 100, 1000, 100, "")
    work = Work((ARITHMETIC,))
    assert estimate(work, work, peaks).flow == pytest.approx(
        10 * estimate(work, work, peaks).network
    )


@pytest.mark.parametrize("peaks", JETSONS, ids=lambda each: each.name)
def test_half_precision_on_matrix_units_outruns_float32_cores(peaks: Peaks) -> None:
    # Ampere: 128 cores with 2 operations against 4 units with 512 in half precision.
    assert peaks.half_gflop_per_s / peaks.float32_gflop_per_s == pytest.approx(8, rel=0.03)
