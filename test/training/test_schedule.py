# SPDX-License-Identifier: Apache-2.0
import pytest

from affordance_seg_ros.training.schedule import learning_rate, scaled_epochs


def rates(schedule, warmup_share=0.0, total=100):
    return [
        learning_rate(step, total, largest=0.1, schedule=schedule, warmup_share=warmup_share)
        for step in range(total)
    ]


def test_constant_is_the_papers():
    assert set(rates("constant")) == {0.1}


def test_cosine_only_falls_to_a_hundredth():
    values = rates("cosine")
    assert values[0] == pytest.approx(0.1)
    assert values == sorted(values, reverse=True)
    assert values[-1] == pytest.approx(0.001, rel=0.1)


def test_warm_up_rises_to_the_largest_rate():
    values = rates("cosine", warmup_share=0.2)
    assert values[:20] == sorted(values[:20])
    assert values[0] > 0
    assert values[19] == max(values) == pytest.approx(0.1)


def test_a_warm_up_of_no_step_divides_by_nothing():
    assert rates("constant", warmup_share=0.001) == rates("constant")


@pytest.mark.parametrize(("scale", "epochs"), [(1, 30), (0.1, 3), (0.001, 1)])
def test_a_scaled_stage_has_an_epoch_at_least(scale, epochs):
    assert scaled_epochs(30, scale) == epochs
