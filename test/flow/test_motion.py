# SPDX-License-Identifier: Apache-2.0
import dataclasses

import numpy as np
import torch
from flow_scenes import CAMERA, plane

from affordance_seg_ros.camera import Camera, known_pixels
from affordance_seg_ros.flow.motion import rays, scene_flow


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


def test_pixels_of_which_the_lens_model_says_nothing_stand_still():
    # Turns back at a tangent of 1.05, beside the picture's corners.
    folds = Camera(160, 120, 125.0, 125.0, 79.5, 59.5, (-0.3, 0.0, 0.0, 0.0))
    unknown = torch.from_numpy(~known_pixels(folds))
    assert 0 < unknown.sum() < 0.05 * unknown.numel()
    frame = plane(camera=folds)
    still = scene_flow(frame, frame, torch.zeros(2, folds.height, folds.width))
    assert still.motion_m.abs().max() < 1e-4  # the rays beside are interpolated
    assert (torch.tensor([0.0, 0.0, 1.0]) == rays(folds, torch.device("cpu"))[:, unknown].T).all()


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
