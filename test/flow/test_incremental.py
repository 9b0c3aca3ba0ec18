# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from flow_scenes import error_px_mm, plane

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.flow.incremental import PrimalDualFlow, schedule
from affordance_seg_ros.flow.misfit import rise

CPU = torch.device("cpu")
STEP_M = (0.008, -0.004, 0.006)


def moved(k):
    return plane(tuple(k * step for step in STEP_M))


def with_patch(column):
    """A still wall with a nearer textured square of 24 pixels that stands at a column."""
    frame = plane()
    square = plane((0.3, 0.2, 0.0))
    frame.gray[40:64, column : column + 24] = square.gray[40:64, 40:64]
    frame.depth_m[40:64, column : column + 24] = 0.7
    return frame


def stream(frames, **options):
    estimator = PrimalDualFlow(FlowConfig(**options), CPU)
    steps = []
    for frame in frames:
        flow = estimator.step(frame)
        steps.append((flow, estimator.work))
    return steps


def test_the_schedule_is_the_published_one():
    assert schedule(100, 5) == [100, 85, 70, 55, 40]
    assert schedule(100, 6)[-1] == 25
    assert min(schedule(1, 12)) == 1


def test_a_warm_pair_does_half_the_work_of_a_cold_one_at_a_tenth_more_error_at_most():
    cold = stream([moved(1), moved(2)], warm_iterations=0)[-1]
    warm = stream([moved(0), moved(1), moved(2)])[-1]
    assert not cold[1].warm
    assert warm[1].warm
    assert warm[1].pixel_iterations <= 0.5 * cold[1].pixel_iterations
    errors = [
        (flow.motion_m - torch.tensor(STEP_M)[:, None, None])[:, 8:-8, 8:-8].norm(dim=0).mean()
        for flow, _ in (cold, warm)
    ]
    assert errors[1] <= 1.1 * errors[0] + 1e-4


def test_a_warm_start_is_given_up_when_something_starts_and_stops_moving():
    columns = [60, 60, 60, 64, 64]
    steps = stream([with_patch(column) for column in columns])
    assert [work.warm for _, work in steps[1:]] == [False, True, False, False]
    for (flow, _), speed_px in zip(steps[2:], (0, 4, 0), strict=True):
        patch = flow.flow_px[0, 44:60, 66:80]
        assert abs(patch.mean() - speed_px) < 0.3


def test_a_patch_too_small_to_change_the_mean_still_counts():
    steps = stream([with_patch(column) for column in (60, 60, 64)], warm_residual_ratio=1000.0)
    assert steps[-1][1].warm
    assert steps[-1][1].rise > 3


def test_without_warm_iterations_every_pair_is_cold_and_does_not_depend_on_the_past():
    frames = [moved(k) for k in range(3)]
    last = stream(frames, warm_iterations=0)[-1]
    alone = stream(frames[1:], warm_iterations=0)[-1]
    assert not last[1].warm
    assert all(torch.equal(a, b) for a, b in zip(last[0], alone[0], strict=True))


def test_more_iterations_cost_more_work():
    few, many = (
        stream([moved(0), moved(1)], iterations=iterations)[-1][1].pixel_iterations
        for iterations in (20, 100)
    )
    assert many == pytest.approx(5 * few, rel=0.05)
    assert many == 100 * 19200 + 85 * 4800 + 3 * (70 * 1200 + 55 * 300)


def test_a_budget_spends_that_share_of_the_iterations_of_cold_and_warm_pairs():
    estimator = PrimalDualFlow(FlowConfig(), CPU)
    works = []
    for k, budget in enumerate((1.0, 1.0, 0.2, 1.0, 0.2)):
        estimator.set_budget(budget)
        estimator.step(plane((0.004 * k, 0.0, 0.0)))
        works.append(estimator.work)
    assert [work.warm for work in works[2:]] == [True] * 3
    assert [work.pixel_iterations for work in works[2:]] == [
        share * 50 * 19200 for share in (0.2, 1, 0.2)
    ]
    assert works[1].pixel_iterations == 100 * 19200 + 85 * 4800 + 3 * (70 * 1200 + 55 * 300)
    few = stream([moved(0), moved(1)], budget=0.2)[-1][1]
    assert few.pixel_iterations == pytest.approx(0.2 * works[1].pixel_iterations, rel=0.05)


def test_long_streams_stay_as_accurate_as_their_first_pairs():
    steps = stream([plane((0.004 * k, 0.0, 0.0)) for k in range(8)])
    assert [work.warm for _, work in steps[2:]] == [True] * 6
    px, mm, _ = error_px_mm(steps[-1][0], (0.004, 0.0, 0.0))
    assert px < 0.05
    assert mm < 0.5


def test_a_perfect_fit_before_does_not_make_noise_a_rise():
    reference = torch.zeros(3, 4)
    reference[0, 0] = 12.0  # a mean of 1
    assert rise(torch.full((3, 4), 0.9), reference) == pytest.approx(0.9)
    assert rise(torch.full((3, 4), 0.2), torch.zeros(3, 4)) < 1


def test_a_motion_that_is_no_number_starts_no_pair():
    estimator = PrimalDualFlow(FlowConfig(), CPU)
    for k in range(2):
        estimator.step(moved(k))
    estimator._memory = estimator._memory._replace(
        motion=torch.full_like(estimator._memory.motion, torch.nan)
    )
    flow = estimator.step(moved(2))
    assert not estimator.work.warm
    assert torch.isfinite(flow.motion_m).all()
