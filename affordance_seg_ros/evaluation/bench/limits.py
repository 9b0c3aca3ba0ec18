# SPDX-License-Identifier: Apache-2.0
"""The machine's limits, the work of a frame, and how close the pipeline comes to them."""

from typing import Any

import torch

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.evaluation.bench.flow_work import flow_work
from affordance_seg_ros.evaluation.bench.machine import MachineLimits, measure_limits
from affordance_seg_ros.evaluation.bench.network_work import network_work
from affordance_seg_ros.evaluation.bench.roofline import bound_ms
from affordance_seg_ros.evaluation.bench.work import Work
from affordance_seg_ros.flow.estimator import estimator_name
from affordance_seg_ros.model.checkpoint import Checkpoint

_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


def limits_document(
    checkpoint: Checkpoint, flow: FlowConfig, device: torch.device, p50_ms: dict[str, float]
) -> dict[str, Any]:
    """Measure the machine, count the work, and compare.

    Args:
        checkpoint: The network and its input.
        flow: Options of the flow.
        device: Where the pipeline runs.
        p50_ms: Median duration of the stages ``network`` and ``flow`` [ms].

    Returns:
        JSON values: limits, and for network and flow the work, the least time for it, and what
        share of the measured time that is. The flow is compared only if it is primal-dual: the
        work of OpenCV's DIS is not counted.
    """
    limits = measure_limits(device)
    shape = (checkpoint.input_config.height, checkpoint.input_config.width)
    counted = network_work(checkpoint.network_config, *shape)
    pair = flow_work(flow, *shape).warm
    is_counted = estimator_name(flow, device) != "dis"
    return {
        **limits._asdict(),
        "network": {
            "parameters": counted.parameters,
            **_distance(counted.step, limits, tuple(limits.matrix_gflop_per_s), p50_ms["network"]),
        },
        "flow": {
            "algorithm": "primal_dual",
            **_distance(pair, limits, ("float32",), p50_ms["flow"] if is_counted else None),
        },
    }


def _distance(
    work: Work, limits: MachineLimits, types: tuple[str, ...], measured_ms: float | None
) -> dict[str, Any]:
    bounds = {
        name: bound_ms(
            work,
            bandwidth_gb_per_s=limits.copy_gb_per_s,
            gflop_per_s=limits.matrix_gflop_per_s[name],
            bytes_per_value=_BYTES[name],
        )
        for name in types
    }
    return {
        "gflop": work.gflop,
        "traffic_mb": {name: work.megabytes(_BYTES[name], fused=True) for name in types},
        "unfused_traffic_mb": work.megabytes(4, fused=False),
        "bound_ms": bounds,
        "reached": {
            name: None if measured_ms is None else bound / measured_ms
            for name, bound in bounds.items()
        },
    }
