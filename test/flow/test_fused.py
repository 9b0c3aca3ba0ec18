# SPDX-License-Identifier: Apache-2.0
"""The fused kernels do what the plain form does: compiled on a GPU, else interpreted."""

from dataclasses import replace

import pytest
import torch
from flow_scenes import CAMERA, plane

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.errors import DeviceError, FrameError
from affordance_seg_ros.flow.exposure import common_contrast, measure_brightness
from affordance_seg_ros.flow.incremental import PrimalDualFlow
from affordance_seg_ros.flow.iterations import Iterations
from affordance_seg_ros.flow.level import build_levels
from affordance_seg_ros.flow.level import linearise as linearise_plain
from affordance_seg_ros.flow.median import filter_median as filter_median_plain
from affordance_seg_ros.flow.primal_dual import SMOOTHNESS_DEPTH, SMOOTHNESS_FLOW, Solution, solve
from affordance_seg_ros.flow.pyramid import level_count, upsample
from affordance_seg_ros.flow.search import search
from affordance_seg_ros.flow.variation import PixelGrid

pytest.importorskip("triton")
# Where two infinite values are subtracted the result is not used.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")

from affordance_seg_ros.flow.fused import FusedPrimalDualFlow
from affordance_seg_ros.flow.kernels.buffers import Buffers
from affordance_seg_ros.flow.kernels.iteration import iterate
from affordance_seg_ros.flow.kernels.level_end import filter_median, refine
from affordance_seg_ros.flow.kernels.solver import INTERPRETED, FusedSolver

DEVICE = torch.device("cpu" if INTERPRETED else "cuda")
SMALL = CAMERA.resize(32, 24)
ODD = CAMERA.resize(37, 31)
FEW = FlowConfig(iterations=6, warm_iterations=4)


def holey(frame):
    """The frame without depth in a block, at a pixel and along a border."""
    frame.depth_m[5:10, 8:14] = 0
    frame.depth_m[15, 20] = 0
    frame.depth_m[:, -2:] = 0
    return frame


def moved(k, camera=SMALL):
    return holey(plane((0.012 * k, -0.008 * k, 0.01 * k), camera=camera))


def prepared(camera, config=FEW):
    """Buffers that hold a pair of frames, and the same pair by the plain form."""
    frames = [moved(0, camera), moved(1, camera)]
    buffers = Buffers(camera.height, camera.width, DEVICE)
    grids = [PixelGrid.of(camera)]
    for _ in buffers.levels[1:]:
        grids.append(grids[-1].halved())
    buffers.cameras.copy_(torch.tensor(grids))
    solver = FusedSolver(buffers, config)
    plain, brightness = [], []
    for frame in frames:
        solver.advance()
        buffers.gray.copy_(frame.gray)
        buffers.levels[0].newer[1].copy_(frame.depth_m)
        solver.prepare()
        brightness.append(measure_brightness(frame.gray, normalize=True))
        plain.append(
            build_levels(
                brightness[-1].relative, frame.depth_m, grids[0], level_count(*frame.gray.shape)
            )
        )
    return buffers, plain, common_contrast(*brightness)


def launch(kernel, size, *arguments, planes=1, **constants):
    kernel[(-(-size[0] * size[1] // 2048), planes)](*arguments, BLOCK=2048, **constants)


def close(found, expected, tolerance=1e-5):
    scale = expected.abs().max().clamp(min=1e-3)
    return (found.cpu() - expected).abs().max() <= tolerance * scale


def one():
    return torch.ones((), dtype=torch.int32, device=DEVICE)


@pytest.mark.parametrize("camera", [SMALL, ODD], ids=["even", "odd"])
def test_the_levels_of_a_frame_are_those_of_the_plain_form(camera):
    buffers, plain, _ = prepared(camera)
    assert len(buffers.levels) == len(plain[0]) == 2
    for side, frame in zip(("older", "newer"), plain, strict=True):
        for level, expected in zip(buffers.levels, frame, strict=True):
            found = getattr(level, side)
            assert close(found[0], expected.brightness)
            assert close(found[1], expected.depth_m)
            assert close(found[2:4], expected.weights)
            assert close(found[4:6], expected.brightness_gradient, 1e-4)
            assert close(found[6:8], expected.depth_gradient_m, 1e-4)


def test_the_data_terms_of_a_pair_are_those_of_the_plain_form():
    buffers, (older, newer), contrast = prepared(ODD)
    level = buffers.levels[0]
    motion = 3 * torch.randn(3, *level.size, generator=torch.manual_seed(0))
    motion[:, 0, 0] = 100.0  # far beyond the picture
    solver = FusedSolver(buffers, FEW)
    solver._linearise(level, motion.to(DEVICE), buffers.always)
    expected = linearise_plain(older[0], newer[0], motion[:2], contrast)
    planes = torch.cat([part.reshape(-1, *level.size) for part in expected])
    off = (level.terms.cpu() - planes).abs() > 1e-3 * (1 + planes.abs())
    # A position right between two pixels may be rounded to either one where depth is missing.
    assert off.any(0).float().mean() < 0.01


@pytest.mark.parametrize("camera", [SMALL, ODD], ids=["even", "odd"])
def test_an_iteration_is_that_of_the_plain_form(camera):
    buffers, (older, newer), contrast = prepared(camera)
    level = buffers.levels[0]
    generator = torch.manual_seed(0)
    start = torch.randn(3, *level.size, generator=generator) * 0.5
    terms = linearise_plain(older[0], newer[0], start[:2], contrast)
    level.terms.copy_(torch.cat([part.reshape(-1, *level.size) for part in terms]))
    smooth = 0.7 * (2 * torch.rand(2, 3, *level.size, generator=generator) - 1)
    depth_dual = 2 * torch.rand(level.size, generator=generator) - 1
    level.states[0].copy_(torch.cat((start, start, depth_dual[None], *smooth)))
    for k in range(5):
        launch(
            iterate, level.size, level.states[k % 2], level.states[1 - k % 2], level.terms,
            older[0].weights.to(DEVICE), one(), *level.size,
            SMOOTHNESS_FLOW=SMOOTHNESS_FLOW, SMOOTHNESS_DEPTH=SMOOTHNESS_DEPTH,
        )  # fmt: skip
    expected = solve(terms, older[0].weights, Solution(start, depth_dual, smooth), 5)
    found = level.states[1]
    assert close(found[:3], expected.motion, 1e-4)
    assert close(found[6], expected.depth_dual, 1e-4)
    assert close(found[7:13].view(2, 3, *level.size), expected.smooth_dual, 1e-4)


def test_the_median_is_that_of_the_plain_form():
    buffers, (older, _), _ = prepared(ODD)
    level = buffers.levels[0]
    generator = torch.manual_seed(0)
    start = torch.randn(3, *level.size, generator=generator)
    found = start + torch.randn(3, *level.size, generator=generator)
    misfit_m = 0.3 * torch.randn(level.size, generator=generator)
    level.states[0][:3].copy_(found)
    level.start.copy_(start)
    level.terms[8].copy_(misfit_m)
    launch(
        filter_median, level.size, level.states[0], level.start, level.older, level.terms,
        level.motion, one(), *level.size, planes=3,
    )  # fmt: skip
    clamped = torch.cat(
        (
            start[:2] + (found[:2] - start[:2]).clamp(-1, 1),
            found[2:] * (older[0].depth_m > 0),
        )
    )
    assert close(level.motion, filter_median_plain(clamped, older[0].depth_m, misfit_m))


@pytest.mark.parametrize("size", [(24, 32), (31, 37)])
def test_motion_and_duals_reach_the_finer_level_as_in_the_plain_form(size):
    coarse_size = tuple((side + 1) // 2 for side in size)
    generator = torch.manual_seed(0)
    motion = torch.randn(3, *coarse_size, generator=generator)
    state = torch.randn(13, *coarse_size, generator=generator)
    start, finer = (torch.zeros(n, *size, device=DEVICE) for n in (3, 13))
    launch(
        refine, size, motion.to(DEVICE), state.to(DEVICE), start, finer, one(), *coarse_size,
        *size, planes=10,
    )  # fmt: skip
    expected = upsample(motion, *size) * torch.tensor([2.0, 2.0, 1.0])[:, None, None]
    for found in (start, finer[:3], finer[3:6]):
        assert close(found, expected)
    assert close(finer[6:], upsample(state[6:], *size))


def test_a_search_jumps_where_that_of_the_plain_form_does():
    buffers, (older, newer), contrast = prepared(ODD)
    level = buffers.levels[0]
    start = torch.zeros(3, *level.size)
    start[0] = 4.3  # from where the true motion is an ordinary distance away
    level.start.copy_(start)
    FusedSolver(buffers, FEW)._search(level, one())
    expected = search(older[0], newer[0], start[:2], contrast)
    moved_px = (expected - start[:2]).norm(dim=0)
    assert 0.2 < (moved_px > 1).float().mean() < 1
    differs = (level.start[:2].cpu() - expected).abs().amax(0) > 1e-4
    assert differs.float().mean() < 0.01  # two shifts may fit equally well
    assert torch.equal(level.states[0][:3], level.start)
    assert not level.states[0][6:].any()


def test_kernels_of_the_start_that_was_not_chosen_leave_everything_as_it_is():
    size = (24, 32)
    stopped = torch.zeros((), dtype=torch.int32, device=DEVICE)
    inputs = [torch.randn(13, *size, device=DEVICE) for _ in range(4)]
    target = torch.full((13, *size), 7.0, device=DEVICE)
    launch(
        iterate, size, inputs[0], target, *inputs[1:3], stopped, *size,
        SMOOTHNESS_FLOW=SMOOTHNESS_FLOW, SMOOTHNESS_DEPTH=SMOOTHNESS_DEPTH,
    )  # fmt: skip
    launch(filter_median, size, *inputs, target, stopped, *size, planes=3)
    launch(refine, size, *inputs[:2], target, target, stopped, 12, 16, *size, planes=10)
    assert (target == 7).all()


def test_a_stream_takes_the_same_starts_and_finds_the_same_flow_as_the_plain_form():
    plain = PrimalDualFlow(FEW, torch.device("cpu"))
    fused = FusedPrimalDualFlow(FEW, DEVICE)
    starts = []
    for k in (0, 1, 1.2, 1.4, -2):
        expected, found = plain.step(moved(k)), fused.step(moved(k))
        starts.append(fused.work.warm)
        assert starts[-1] == plain.work.warm
        assert fused.work.pixel_iterations == plain.work.pixel_iterations
        assert fused.work.rise == pytest.approx(plain.work.rise, rel=1e-3, nan_ok=True)
        for one_part, other in zip(found[:3], expected[:3], strict=True):
            assert close(one_part, other, 2e-3)
        assert (found.valid.cpu() == expected.valid).all()
    assert True in starts
    assert False in starts[3:]  # given up at the jump


def test_coarse_levels_are_warped_as_often_as_in_the_plain_form():
    config = FlowConfig(iterations=2, warm_iterations=0)
    camera = CAMERA.resize(80, 60)
    plain = PrimalDualFlow(config, torch.device("cpu"))
    fused = FusedPrimalDualFlow(config, DEVICE)
    for k in range(2):
        expected, found = plain.step(moved(k, camera)), fused.step(moved(k, camera))
    assert fused.work.pixel_iterations == plain.work.pixel_iterations
    assert fused.work.pixel_iterations == 2 * (4800 + 1200) + 3 * 300
    assert (found.flow_px.cpu() - expected.flow_px).abs().mean() < 1e-3


def test_a_budget_a_camera_and_a_reset_change_what_they_do_in_the_plain_form():
    plain = PrimalDualFlow(FEW, torch.device("cpu"))
    fused = FusedPrimalDualFlow(FEW, DEVICE)
    zoomed = replace(SMALL, fx=1.2 * SMALL.fx)

    def both(frame):
        flows = [estimator.step(frame) for estimator in (plain, fused)]
        assert close(flows[1].motion_m, flows[0].motion_m, 2e-3)
        return flows[1]

    both(moved(0))
    both(moved(1))
    for estimator in (plain, fused):
        estimator.set_budget(0.5)
    before = both(moved(2, zoomed))
    assert fused.work.pixel_iterations == plain.work.pixel_iterations
    kept = before.motion_m.clone()
    with pytest.raises(FrameError, match="37x31 after one of 32x24"):
        fused.step(moved(0, ODD))
    both(moved(2.5, zoomed))
    assert torch.equal(before.motion_m, kept)  # a flow is the caller's own
    for estimator in (plain, fused):
        estimator.reset()
    assert not both(moved(0, ODD)).valid.any()
    assert both(moved(1, ODD)).valid.any()


def test_without_warm_iterations_every_pair_is_cold():
    fused = FusedPrimalDualFlow(FlowConfig(iterations=2, warm_iterations=0), DEVICE)
    for k in (1, 1, 1):
        fused.step(moved(k))  # a still scene would start warm
        assert not fused.work.warm
    assert fused.work.pixel_iterations == 2 * 24 * 32 + 2 * 12 * 16


def test_memory_made_in_inference_mode_serves_outside_of_it():
    fused = FusedPrimalDualFlow(FlowConfig(iterations=1, warm_iterations=1), DEVICE)
    with torch.inference_mode():
        fused.step(moved(0))
        inside = fused.step(moved(1)).motion_m.cpu().numpy().copy()
    fused.reset()
    fused.step(moved(0))
    assert (fused.step(moved(1)).motion_m.cpu().numpy() == inside).all()


def test_the_wrong_device_is_refused_with_the_right_one():
    wrong, expected = ("cuda", "cpu, since") if INTERPRETED else ("cpu", "a CUDA device")
    with pytest.raises(DeviceError, match=f"on {wrong}; expected {expected}"):
        FusedPrimalDualFlow(FEW, torch.device(wrong))


def test_an_effort_never_is_less_than_one_iteration():
    assert Iterations.of(FlowConfig(iterations=5, warm_iterations=3, budget=0.05)) == (1, 1)
