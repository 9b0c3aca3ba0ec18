# SPDX-License-Identifier: Apache-2.0
import dataclasses

import numpy as np
import pytest
import torch
from flow_scenes import CAMERA, plane

from affordance_seg_ros.camera import Camera, known_pixels
from affordance_seg_ros.flow.motion import rays, scene_flow

# Turns back at a tangent of 1.05, beside the picture's corners.
FOLDS = Camera(160, 120, 125.0, 125.0, 79.5, 59.5, (-0.3, 0.0, 0.0, 0.0))


def true_flow_px(camera, depth_m, motion_m):
    pixels = np.stack(np.meshgrid(np.arange(camera.width), np.arange(camera.height)), -1)
    end_m = camera.unproject(pixels, np.full(pixels.shape[:2], depth_m)) + motion_m
    return torch.from_numpy(camera.project(end_m) - pixels).permute(2, 0, 1).float()


def test_true_flow_and_change_of_depth_give_the_true_motion():
    motion_m = (0.02, -0.01, 0.03)
    older, newer = plane(), plane(motion_m)
    flow = scene_flow(
        older, newer, true_flow_px(CAMERA, 1.0, motion_m), torch.full_like(older.gray, 0.03)
    )
    expected = torch.tensor(motion_m)[:, None].expand(3, int(flow.valid.sum()))
    # At targets up to half a pixel beyond the border, the ray is the border's own.
    inner = torch.zeros_like(flow.valid)
    inner[5:-5, 5:-5] = True
    assert (flow.valid & inner).sum() > 0.9 * inner.sum()
    torch.testing.assert_close(
        flow.motion_m[:, flow.valid & inner],
        expected[:, : int((flow.valid & inner).sum())],
        atol=1e-5,
        rtol=0,
    )


@pytest.mark.parametrize("flow_px", [(0, 0), (1, 0), (-1, 2)])
def test_pixels_of_which_the_lens_model_says_nothing_have_no_motion(flow_px):
    unknown = torch.from_numpy(~known_pixels(FOLDS))
    assert 0 < unknown.sum() < 0.05 * unknown.numel()
    frame = plane(camera=FOLDS)
    flow = scene_flow(
        frame, frame, torch.tensor(flow_px)[:, None, None].expand(2, 120, 160).float()
    )
    # Shifts over whole pixels: a target is known if its pixel is.
    known = np.pad(known_pixels(FOLDS), 2)
    target = known[2 + flow_px[1] :, 2 + flow_px[0] :][:120, :160]
    assert (flow.valid == torch.from_numpy(target) & ~unknown).all()
    assert (flow.motion_m[:, ~flow.valid] == 0).all()
    assert torch.isfinite(rays(FOLDS, torch.device("cpu"))).all()
    pixels = np.stack(np.meshgrid(np.arange(160), np.arange(120)), -1)
    start, end = (FOLDS.unproject(p, np.ones((120, 160))) for p in (pixels, pixels + flow_px))
    expected = torch.from_numpy(end - start).permute(2, 0, 1).float()
    torch.testing.assert_close(
        flow.motion_m[:, flow.valid], expected[:, flow.valid], atol=1e-4, rtol=0
    )


def test_a_target_between_known_and_unknown_pixels_has_no_motion():
    frame = plane(camera=FOLDS)
    flow = scene_flow(frame, frame, torch.full((2, 120, 160), 0.5))
    known = known_pixels(FOLDS)
    around = known[:-1, :-1] & known[:-1, 1:] & known[1:, :-1] & known[1:, 1:]
    assert (flow.valid[:-1, :-1].numpy() == around).all()


@pytest.mark.parametrize("camera", [CAMERA, FOLDS], ids=["pinhole", "folds"])
def test_the_kernel_back_projects_as_the_plain_form_does(camera):
    pytest.importorskip("triton")
    from affordance_seg_ros.flow.kernels.pair import back_project

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    frames = [plane(offset_m, camera=camera) for offset_m in ((0, 0, 0), (0.0, 0.0, 0.03))]
    frames[0].depth_m[10:20, 10:20] = frames[1].depth_m[50:60, 50:60] = 0
    motion = torch.randn(3, 120, 160, generator=torch.manual_seed(0))
    motion[:, ::2, ::3] = 0
    levels = [torch.zeros(8, 120, 160, device=device) for _ in frames]
    for level, frame in zip(levels, frames, strict=True):
        level[1] = frame.depth_m
    flow = torch.zeros(6, 120, 160, device=device)
    valid = torch.zeros(120, 160, dtype=torch.uint8, device=device)
    back_project[(10,)](
        motion.to(device), *levels, rays(camera, device), rays(camera, device), flow, valid,
        120, 160, BLOCK=2048,
    )  # fmt: skip
    expected = scene_flow(*frames, motion[:2], motion[2])
    assert expected.valid.sum() > 15000
    assert not expected.valid[~torch.from_numpy(known_pixels(camera).copy())].any()
    assert (valid.cpu().bool() == expected.valid).all()
    torch.testing.assert_close(flow[3:].cpu(), expected.motion_m, atol=1e-4, rtol=0)


def test_lens_distortion_is_removed_at_both_ends():
    camera = dataclasses.replace(CAMERA, distortion=(0.1, -0.05, 0.001, -0.001))
    motion_m = (0.01, 0.02, 0.0)
    older, newer = plane(camera=camera), plane(camera=camera)
    flow = scene_flow(older, newer, true_flow_px(camera, 1.0, motion_m))
    inner = flow.motion_m[:, 10:-10, 10:-10]
    expected = torch.tensor(motion_m)[:, None, None].expand_as(inner)
    torch.testing.assert_close(inner, expected, atol=1e-4, rtol=0)


def test_motion_is_zero_and_invalid_unless_depth_was_seen_at_both_ends():
    older, newer = plane(), plane()
    older.depth_m[10:20, 10:20] = 0
    newer.depth_m[50:60, 50:60] = 0
    flow_px = torch.full((2, 120, 160), 3.0)
    flow = scene_flow(older, newer, flow_px)
    assert not flow.valid[10:20, 10:20].any()
    assert not flow.valid[47:57, 47:57].any()
    assert not flow.valid[:, -3:].any()  # leaves the picture
    assert (flow.motion_m[:, ~flow.valid] == 0).all()
    assert flow.valid.sum() == 117 * 157 - 200


def test_a_new_focal_length_counts_at_the_newer_end_only():
    older = plane()
    newer = plane(camera=dataclasses.replace(CAMERA, fx=2 * CAMERA.fx, fy=2 * CAMERA.fy))
    flow = scene_flow(older, newer, torch.zeros(2, 120, 160))
    torch.testing.assert_close(
        flow.motion_m[0, 0], -0.5 * (torch.arange(160) - CAMERA.cx) / CAMERA.fx
    )
