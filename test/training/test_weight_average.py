# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from torch import nn

from affordance_seg_ros.training.weight_average import WeightAverage


def one_weight(value):
    weight = nn.Linear(1, 1, bias=False)
    nn.init.constant_(weight.weight, value)
    return weight


def averaged(steps, values):
    """Return what learns and its mean after steps to each of the values."""
    objective = one_weight(100.0)
    average = WeightAverage(objective, steps)
    for value in values:
        nn.init.constant_(objective.weight, value)
        average.update()
    return objective, average


def test_few_steps_count_alike_and_the_start_not_at_all():
    _, average = averaged(10, [1.0, 2.0, 6.0])
    assert average.objective.weight.item() == pytest.approx(3.0)


def test_after_many_steps_older_ones_fade():
    _, average = averaged(2, [1.0, 3.0, 8.0, 1.0])
    assert average.objective.weight.item() == pytest.approx(((1 + 3) / 2 / 2 + 8 / 2) / 2 + 1 / 2)


def test_no_steps_are_the_weights_themselves():
    objective, average = averaged(0, [1.0, 2.0])
    assert average.objective is objective
    assert average.state_dict() == {}


def test_a_stage_ends_with_the_mean():
    objective, average = averaged(10, [1.0, 3.0])
    average.take_over()
    assert objective.weight.item() == 2.0


def test_a_snapshot_goes_on_as_if_it_had_not_been_taken():
    _, average = averaged(2, [1.0, 3.0])
    later = WeightAverage(one_weight(8.0), 2)
    later.load_state_dict(average.state_dict())
    later.update()
    assert later.objective.weight.item() == pytest.approx((2 + 8) / 2)


def test_the_mean_learns_nothing_itself():
    objective, average = averaged(2, [1.0])
    average.objective(torch.ones(1, 1)).sum().backward()
    assert objective.weight.grad is None
