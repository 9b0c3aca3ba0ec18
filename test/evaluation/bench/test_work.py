# SPDX-License-Identifier: Apache-2.0
"""Counting arithmetic and traffic, against counts by hand."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.config import COMPACT, FlowConfig, NetworkConfig
from affordance_seg_ros.evaluation.bench.flow_work import flow_work
from affordance_seg_ros.evaluation.bench.network_work import network_work
from affordance_seg_ros.evaluation.bench.work import WorkCounter
from affordance_seg_ros.flow.flow_input import FlowInput
from affordance_seg_ros.flow.incremental import PrimalDualFlow
from affordance_seg_ros.model.network import AffordanceNetwork

TINY = NetworkConfig(width=4)


def test_a_convolution_costs_what_is_counted_by_hand() -> None:
    convolution = nn.Conv2d(3, 8, kernel_size=3, padding=1)
    picture = torch.rand(1, 3, 10, 20)
    with torch.no_grad(), WorkCounter() as counter:
        convolution(picture)
    (operation,) = counter.work.operations
    assert operation.flop == 2 * (10 * 20) * 8 * (3 * 3 * 3)
    read, weights, written = 3 * 200, 8 * 3 * 9 + 8, 8 * 200
    assert operation.values == read + weights + written
    assert not operation.fusible


def test_an_element_wise_operation_has_traffic_only_when_it_is_not_fused() -> None:
    x = torch.rand(100)
    with WorkCounter() as counter:
        x.relu()
        x.relu_()
    plain, in_place = counter.work.operations
    assert plain.fusible
    assert in_place.fusible
    assert plain.flop == 100
    assert counter.work.megabytes(4, fused=False) == pytest.approx(2 * 200 * 4e-6)
    assert counter.work.megabytes(4, fused=True) == 0


def test_views_allocations_and_integers_are_free() -> None:
    with WorkCounter() as counter:
        x = torch.empty(4, 5)[1:].t().unsqueeze(0)
        torch.empty_like(x)
        torch.empty(7, dtype=torch.int64).detach()
    assert counter.work.gflop == 0
    assert counter.work.megabytes(4, fused=False) == 0


def test_the_network_costs_as_much_as_pytorch_counts_and_a_little_element_wise() -> None:
    network = AffordanceNetwork(TINY)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        state = network.empty_state(1, 64, 64)
        network.step(torch.rand(1, 4, 64, 64), torch.rand(1, 3, 64, 64), state)
    counted = network_work(TINY, 64, 64)
    oracle = 1e-9 * counter.get_total_flops()
    assert oracle < counted.step.gflop < 1.05 * oracle
    assert counted.parameters == sum(each.numel() for each in network.parameters())


def test_four_times_the_pixels_are_four_times_the_arithmetic() -> None:
    small, large = (network_work(COMPACT, 64 * n, 64 * n).step.gflop for n in (1, 2))
    assert large == pytest.approx(4 * small, rel=0.01)


def test_half_precision_halves_the_traffic() -> None:
    step = network_work(TINY, 64, 64).step
    assert step.megabytes(2, fused=True) == step.megabytes(4, fused=True) / 2
    assert step.megabytes(4, fused=True) < step.megabytes(4, fused=False)


def test_arithmetic_of_an_iteration_is_what_all_of_them_cost() -> None:
    config = FlowConfig(iterations=9, warm_iterations=7)
    estimator = PrimalDualFlow(config, torch.device("cpu"))
    camera = Camera(64, 48, 64, 64, 31.5, 23.5)
    random = torch.Generator().manual_seed(1)
    gray, depth_m = torch.rand(48, 64, generator=random) * 255, torch.ones(48, 64)
    for _ in range(3):
        noise = torch.rand(48, 64, generator=random)
        with WorkCounter() as counter:
            estimator.step(FlowInput(gray + noise, depth_m + 0.01 * noise, camera))
    assert estimator.work.warm
    assert flow_work(config, 48, 64).warm.gflop == pytest.approx(counter.work.gflop, rel=0.01)


def test_the_work_of_flow_grows_evenly_with_its_iterations() -> None:
    few, some, many = (
        flow_work(FlowConfig(iterations=n, warm_iterations=n), 48, 64).warm for n in (10, 20, 30)
    )
    for measure in (lambda w: w.gflop, lambda w: w.megabytes(4, fused=True)):
        assert measure(few) < measure(some)
        assert measure(many) - measure(some) == pytest.approx(measure(some) - measure(few))


def test_a_cold_start_is_more_work_and_all_there_is_without_warm_ones() -> None:
    both = flow_work(FlowConfig(), 48, 64)
    assert both.cold.gflop > both.warm.gflop
    cold_only = flow_work(FlowConfig(warm_iterations=0), 48, 64)
    assert cold_only.warm == cold_only.cold


def test_noise_ends_no_warm_start_of_the_scene_that_is_counted() -> None:
    strict = flow_work(FlowConfig(warm_residual_ratio=1.0), 48, 64)
    assert strict.warm.gflop == flow_work(FlowConfig(), 48, 64).warm.gflop
