# SPDX-License-Identifier: Apache-2.0
"""The least time in which a machine with given peaks can do a given amount of work."""

from typing import NamedTuple

from affordance_seg_ros.evaluation.bench.work import Work


class Peaks(NamedTuple):
    """What a machine can do at most.

    Attributes:
        name: The machine.
        bandwidth_gb_per_s: Memory traffic, reading and writing together [GB/s].
        half_gflop_per_s: Matrix arithmetic in half precision [GFLOP/s].
        float32_gflop_per_s: Arithmetic in float32, outside matrix units [GFLOP/s].
        source: Where the figures come from.
    """

    name: str
    bandwidth_gb_per_s: float
    half_gflop_per_s: float
    float32_gflop_per_s: float
    source: str


_SPARSE_INT8_TO_HALF = 1 / 4
"""NVIDIA states TOPS for 8-bit integers with half of the weights zero; dense half precision reaches
a quarter of that on Ampere's tensor cores."""
_TERA = 1e3

_BRIEF = "NVIDIA Jetson AGX Orin Series Technical Brief v1.2: 170 sparse INT8 TOPS, 5.3 TFLOPS"
_NANO = "NVIDIA Jetson Orin Nano 8GB data sheet: 40 sparse INT8 TOPS, 1024 cores at 625 MHz"
_SUPER = "the same, Super mode: 67 sparse INT8 TOPS, 1024 cores at 1020 MHz"

JETSONS = (
    Peaks("Jetson AGX Orin 64GB", 204.8, 170 * _SPARSE_INT8_TO_HALF * _TERA, 5300.0, _BRIEF),
    Peaks("Jetson Orin Nano 8GB", 68.0, 40 * _SPARSE_INT8_TO_HALF * _TERA, 1280.0, _NANO),
    Peaks("Jetson Orin Nano Super", 102.0, 67 * _SPARSE_INT8_TO_HALF * _TERA, 2089.0, _SUPER),
)
"""The robot computers for which the time is estimated, at their highest clocks."""


def bound_ms(
    work: Work, *, bandwidth_gb_per_s: float, gflop_per_s: float, bytes_per_value: int
) -> float:
    """Return the least time for some work [ms]: each operation waits for memory or arithmetic.

    Element-wise operations count as part of their neighbours: their values stay in registers,
    and their arithmetic is added.

    Args:
        work: What is to be done.
        bandwidth_gb_per_s: Memory traffic [GB/s].
        gflop_per_s: Arithmetic [GFLOP/s].
        bytes_per_value: 4 in float32, 2 in half precision.
    """
    total_s = 0.0
    for each in work.operations:
        memory_s = (
            0.0 if each.fusible else bytes_per_value * each.values / (1e9 * bandwidth_gb_per_s)
        )
        total_s += max(memory_s, each.flop / (1e9 * gflop_per_s))
    return 1e3 * total_s


class Estimate(NamedTuple):
    """Estimated times of a frame [ms]: network in half precision, flow in float32."""

    network: float
    flow: float

    @property
    def total(self) -> float:
        """Both, one after the other."""
        return self.network + self.flow


def estimate(network: Work, flow: Work, peaks: Peaks, *, efficiency: float = 1.0) -> Estimate:
    """Estimate the time of a frame on a machine that is not at hand.

    Args:
        network: Work of the network's step.
        flow: Work of the scene flow of a pair.
        peaks: The machine.
        efficiency: Share of both peaks that kernels reach, in (0, 1].
    """
    bandwidth = efficiency * peaks.bandwidth_gb_per_s
    return Estimate(
        bound_ms(
            network,
            bandwidth_gb_per_s=bandwidth,
            gflop_per_s=efficiency * peaks.half_gflop_per_s,
            bytes_per_value=2,
        ),
        bound_ms(
            flow,
            bandwidth_gb_per_s=bandwidth,
            gflop_per_s=efficiency * peaks.float32_gflop_per_s,
            bytes_per_value=4,
        ),
    )
