# SPDX-License-Identifier: Apache-2.0
import re
import sys

import pytest
import torch
from flow_scenes import CAMERA, error_px_mm, plane

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.errors import ConfigError, DeviceError, FrameError
from affordance_seg_ros.flow import estimator as module
from affordance_seg_ros.flow.dis import DisFlow
from affordance_seg_ros.flow.estimator import ESTIMATORS, build_estimator, estimator_name
from affordance_seg_ros.frames import SceneFlow

CPU = torch.device("cpu")
CUDA = torch.device("cuda")
FLOW = "affordance_seg_ros.flow"
OFFSETS = [(0.01, 0.0, 0.0), (0.0, -0.015, 0.0), (0.004, 0.006, 0.02)]
CAMERAS = [CAMERA.resize(32, 33), CAMERA, CAMERA.resize(300, 300), CAMERA.resize(57, 201)]


@pytest.fixture(
    params=[
        "dis",
        "primal_dual",
        # Interpreted on a CPU it would take minutes; `test_fused.py` holds it to the plain form.
        pytest.param("primal_dual_fused", marks=pytest.mark.gpu),
    ]
)
def estimator(request):
    if request.param == "primal_dual_fused":
        return Returning(build_estimator(FlowConfig(estimator=request.param), CUDA))
    return build_estimator(FlowConfig(estimator=request.param), CPU)


class Returning:
    """An estimator whose flows come back to the CPU."""

    def __init__(self, estimator):
        self.estimator = estimator
        self.reset = estimator.reset
        self.set_budget = estimator.set_budget

    def step(self, frame):
        return SceneFlow(*(part.cpu() for part in self.estimator.step(frame)))


def equal(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def holey(frame, seed):
    """The frame with a tenth of its depth missing, in blocks of 6x6 pixels."""
    height, width = frame.depth_m.shape
    blocks = torch.rand(height // 6, width // 6, generator=torch.manual_seed(seed)) < 0.1
    holes = blocks.repeat_interleave(6, 0).repeat_interleave(6, 1)
    depth_m = frame.depth_m.clone()
    depth_m[: holes.shape[0], : holes.shape[1]][holes] = 0
    return frame._replace(depth_m=depth_m)


@pytest.fixture
def untried(monkeypatch):
    """What kernels do is tried anew, and again after the test."""
    monkeypatch.setattr(module, "_kernel_trouble", module._kernel_trouble.__wrapped__)


def test_auto_is_the_fused_kernels_on_a_gpu_where_they_run_and_dis_elsewhere(monkeypatch, untried):
    pytest.importorskip("triton")
    from affordance_seg_ros.flow.kernels import trial

    monkeypatch.setattr(trial, "launch_one", lambda device: None)
    assert isinstance(build_estimator(FlowConfig(), CPU), DisFlow)
    assert estimator_name(FlowConfig(), CUDA) == "primal_dual_fused"
    assert estimator_name(FlowConfig(estimator="primal_dual"), CUDA) == "primal_dual"


def test_without_triton_auto_says_that_it_takes_dis_and_the_fused_one_is_refused(
    monkeypatch, untried, caplog
):
    for name in list(sys.modules):
        if name.startswith(("triton", f"{FLOW}.fused", f"{FLOW}.kernels")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "triton", None)  # as if it were not installed
    assert isinstance(build_estimator(FlowConfig(), CUDA), DisFlow)
    assert re.search(r"auto on cuda uses DIS on the CPU, as Triton's .*ModuleNotFound", caplog.text)
    with pytest.raises(DeviceError, match=r"Triton is not installed; expected the package triton"):
        build_estimator(FlowConfig(estimator="primal_dual_fused"), CUDA)


def test_a_triton_that_cannot_compile_is_none_and_says_what_it_lacks(monkeypatch, untried):
    pytest.importorskip("triton")
    from affordance_seg_ros.flow.kernels import trial

    def launch_one(device):
        raise RuntimeError("Failed to find C compiler.\nPlease specify via CC")

    monkeypatch.setattr(trial, "launch_one", launch_one)
    assert estimator_name(FlowConfig(), CUDA) == "dis"
    lacks = r"on cuda: RuntimeError: Failed to find C compiler\. Please .*expected a C compiler"
    with pytest.raises(DeviceError, match=lacks):
        build_estimator(FlowConfig(estimator="primal_dual_fused"), CUDA)


@pytest.mark.gpu
def test_a_kernel_that_is_launched_on_this_gpu_runs():
    assert module._kernel_trouble(CUDA) == ""


def test_every_estimator_of_the_configuration_exists():
    assert {"auto", *ESTIMATORS} == set(FlowConfig.infos()["estimator"].choices)
    with pytest.raises(ConfigError, match="expected one of"):
        FlowConfig(estimator="horn_schunck")


def test_a_first_frame_has_no_motion_and_nothing_valid(estimator):
    flow = estimator.step(plane())
    assert flow.flow_px.shape == (2, 120, 160)
    assert flow.depth_change_m.shape == (120, 160)
    assert flow.motion_m.shape == (3, 120, 160)
    assert not any(part.any() for part in flow)


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: f"{camera.width}x{camera.height}")
def test_a_static_scene_of_any_size_has_zero_flow(estimator, camera):
    frame = plane(camera=camera)
    estimator.step(frame)
    flow = estimator.step(frame)
    assert flow.valid.all()
    assert flow.flow_px.abs().max() < 0.02
    assert flow.motion_m.abs().max() < 1e-3


@pytest.mark.parametrize("offset_m", OFFSETS)
def test_a_translation_of_a_plane_is_recovered(estimator, offset_m):
    estimator.step(plane())
    px, mm, _ = error_px_mm(estimator.step(plane(offset_m)), offset_m)
    assert px < 0.1
    assert mm < 1.0


def test_streaming_is_deterministic_and_a_reset_estimator_is_a_fresh_one(estimator):
    frames = [plane((0.006 * k, 0.002 * k, 0.004 * k)) for k in range(4)]
    first = [estimator.step(frame) for frame in frames]
    estimator.reset()
    again = [estimator.step(frame) for frame in frames]
    assert all(map(equal, first, again))


def test_the_budget_may_change_between_frames_without_forgetting_any(estimator):
    frames = [plane((0.006 * k, 0.002 * k, 0.004 * k)) for k in range(3)]
    whole = [estimator.step(frame) for frame in frames][-1]
    estimator.reset()
    estimator.step(frames[0])
    estimator.step(frames[1])
    estimator.set_budget(0.1)
    tenth = estimator.step(frames[2])
    assert tenth.valid.float().mean() > 0.9
    assert not equal(tenth, whole)
    estimator.set_budget(1.0)
    estimator.reset()
    assert equal([estimator.step(frame) for frame in frames][-1], whole)


@pytest.mark.parametrize("budget", [0.0, -1.0, 1.5, float("nan")])
def test_a_budget_out_of_range_is_refused(estimator, budget):
    with pytest.raises(ConfigError, match=r"budget=.*expected 0\.05 to 1"):
        estimator.set_budget(budget)


def test_what_a_caller_does_to_a_flow_does_not_reach_the_next_one(estimator):
    frames = [plane((0.006 * k, 0.0, 0.0)) for k in range(3)]
    expected = [estimator.step(frame) for frame in frames][-1]
    estimator.reset()
    for frame in frames[:-1]:
        for part in estimator.step(frame):
            part.zero_()
    assert equal(estimator.step(frames[-1]), expected)


def test_holes_never_leak_into_valid_motion(estimator):
    offset_m = (0.008, -0.004, 0.01)
    estimator.step(holey(plane(), 1))
    older_m = holey(plane(), 1).depth_m
    flow = estimator.step(holey(plane(offset_m), 2))
    assert not flow.valid[older_m == 0].any()
    assert 0.75 < flow.valid.float().mean() < 0.9
    assert (flow.motion_m[:, ~flow.valid] == 0).all()
    _, mm, largest_mm = error_px_mm(flow, offset_m)
    assert mm < 1.0
    assert largest_mm < 30.0  # a hole's own depth would be off by a metre


def test_an_exposure_jump_is_not_motion(estimator):
    offset_m = (0.008, -0.004, 0.0)
    estimator.step(plane())
    px, mm, _ = error_px_mm(estimator.step(plane(offset_m, gain=0.6, bias=20)), offset_m)
    assert px < 0.1
    assert mm < 1.0


def test_without_normalisation_an_exposure_jump_ruins_the_primal_dual_flow():
    config = FlowConfig(estimator="primal_dual", normalize_exposure=False)
    estimator = build_estimator(config, CPU)
    estimator.step(plane())
    px, _, _ = error_px_mm(estimator.step(plane(gain=0.6, bias=20)), (0.0, 0.0, 0.0))
    assert px > 0.5


def test_padded_borders_stay_still_and_leave_the_picture_between_alone(estimator):
    offset_m = (0.008, -0.004, 0.0)

    def padded(frame):
        frame.gray[:24], frame.gray[-24:] = 0, 0
        frame.depth_m[:24], frame.depth_m[-24:] = 0, 0
        return frame

    estimator.step(padded(plane()))
    flow = estimator.step(padded(plane(offset_m)))
    assert not flow.valid[:24].any()
    assert not flow.valid[-24:].any()
    px, mm, _ = error_px_mm(flow, offset_m, margin=32)
    assert px < 0.15
    assert mm < 1.5


def test_without_any_depth_there_is_flow_but_no_valid_motion(estimator):
    blind = plane().depth_m * 0
    estimator.step(plane()._replace(depth_m=blind))
    flow = estimator.step(plane((0.01, 0.0, 0.0))._replace(depth_m=blind))
    assert not flow.valid.any()
    assert not flow.motion_m.any()
    assert abs(flow.flow_px[0, 20:-20, 20:-20].mean() - 0.01 * CAMERA.fx) < 0.2


def test_a_change_of_size_is_refused_and_the_state_kept(estimator):
    frames = [plane((0.006 * k, 0.0, 0.0)) for k in range(3)]
    expected = [estimator.step(frame) for frame in frames][-1]
    estimator.reset()
    estimator.step(frames[0])
    estimator.step(frames[1])
    with pytest.raises(FrameError, match=re.escape("32x33 after one of 160x120; expected equal")):
        estimator.step(plane(camera=CAMERAS[0]))
    assert equal(estimator.step(frames[2]), expected)
    estimator.reset()
    assert estimator.step(plane(camera=CAMERAS[0])).valid.shape == (33, 32)


@pytest.mark.parametrize("part", ["gray", "depth_m"])
def test_parts_that_differ_in_size_or_type_are_refused(estimator, part):
    with pytest.raises(FrameError, match=rf"{part} .*\(10, 160\).*expected .*\(120, 160\)"):
        estimator.step(plane()._replace(**{part: torch.zeros(10, 160)}))
    with pytest.raises(FrameError, match=f"{part} .*float64.*expected .*float32"):
        estimator.step(plane()._replace(**{part: torch.zeros(120, 160, dtype=torch.float64)}))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_depth_that_is_not_finite_is_refused_and_the_state_kept(estimator, value):
    frames = [plane((0.006 * k, 0.0, 0.0)) for k in range(2)]
    estimator.step(frames[0])
    expected = estimator.step(frames[1])
    estimator.reset()
    estimator.step(frames[0])
    holes = frames[1].depth_m.clone()
    holes[3, 4] = value
    with pytest.raises(FrameError, match="expected metres, and 0 where depth is missing"):
        estimator.step(frames[1]._replace(depth_m=holes))
    assert equal(estimator.step(frames[1]), expected)


def test_dis_refuses_pictures_smaller_than_it_can_search():
    estimator = build_estimator(FlowConfig(estimator="dis"), CPU)
    with pytest.raises(FrameError, match="12x40 for DIS flow; expected at least"):
        estimator.step(plane(camera=CAMERA.resize(12, 40)))


@pytest.mark.gpu
def test_the_gpu_finds_the_same_flow_as_the_cpu():
    config = FlowConfig(estimator="primal_dual")
    flows = []
    for device in (CPU, torch.device("cuda")):
        estimator = build_estimator(config, device)
        estimator.step(plane())
        flows.append(estimator.step(plane(OFFSETS[2])))
    assert flows[1].motion_m.is_cuda
    difference = (flows[0].motion_m - flows[1].motion_m.cpu()).abs()
    assert difference.mean() < 1e-5
