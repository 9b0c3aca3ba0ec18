# SPDX-License-Identifier: Apache-2.0
import torch
from flow_scenes import CAMERA, plane

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.flow.exposure import common_contrast, measure_brightness
from affordance_seg_ros.flow.flow_input import FlowInput
from affordance_seg_ros.flow.incremental import PrimalDualFlow
from affordance_seg_ros.flow.level import build_levels
from affordance_seg_ros.flow.search import SEARCH_RADIUS_PX, search
from affordance_seg_ros.flow.variation import PixelGrid

HAND = (slice(40, 64), slice(30, 54))


def levels_of(*frames: FlowInput):
    """The finest levels of two frames, and their contrast."""
    brightness = [measure_brightness(frame.gray, normalize=False) for frame in frames]
    older, newer = (
        build_levels(each.relative, frame.depth_m, PixelGrid.of(frame.camera), 1)[0]
        for each, frame in zip(brightness, frames, strict=True)
    )
    return older, newer, common_contrast(*brightness)


def rolled(frame: FlowInput, x: int, y: int) -> FlowInput:
    """The picture shifted by whole pixels."""
    return frame._replace(
        gray=frame.gray.roll((y, x), (0, 1)), depth_m=frame.depth_m.roll((y, x), (0, 1))
    )


def with_hand(shift_px: int) -> FlowInput:
    """A facing plane, and a textured square 20 cm before it, shifted to the right."""
    frame = plane()
    hand = plane((0.1, 0.05, 0.0)).gray[HAND]
    gray, depth_m = frame.gray.clone(), frame.depth_m.clone()
    rows, columns = HAND[0], slice(HAND[1].start + shift_px, HAND[1].stop + shift_px)
    gray[rows, columns] = hand
    depth_m[rows, columns] = 0.8
    return frame._replace(gray=gray, depth_m=depth_m)


def test_a_shift_within_the_radius_is_found_exactly():
    for x, y in ((4, -3), (-SEARCH_RADIUS_PX, 0), (2, SEARCH_RADIUS_PX)):
        older, newer, contrast = levels_of(plane(), rolled(plane(), x, y))
        flow_px = search(older, newer, torch.zeros(2, CAMERA.height, CAMERA.width), contrast)
        inner = flow_px[:, 10:-10, 10:-10]
        found = (inner == torch.tensor([x, y])[:, None, None]).all(0).float().mean()
        assert found > 0.95


def test_a_flow_that_fits_stays():
    still = torch.zeros(2, CAMERA.height, CAMERA.width)
    older, newer, contrast = levels_of(plane(), plane())
    assert torch.equal(search(older, newer, still, contrast), still)
    older, newer, contrast = levels_of(plane(), rolled(plane(), 3, 0))
    moved = still + torch.tensor([3.0, 0.0])[:, None, None]
    inner = (search(older, newer, moved, contrast) - moved)[:, 10:-10, 10:-10]
    assert not inner.any()


def test_where_nothing_can_be_told_apart_the_flow_stays():
    flat = plane()._replace(gray=torch.full((CAMERA.height, CAMERA.width), 90.0))
    start = torch.rand(2, CAMERA.height, CAMERA.width)
    older, newer, contrast = levels_of(flat, flat)
    inner = slice(10, -10)
    found = search(older, newer, start, contrast)
    assert torch.equal(found[:, inner, inner], start[:, inner, inner])


def test_a_small_thing_that_moves_twenty_pixels_is_followed():
    estimator = PrimalDualFlow(FlowConfig(), torch.device("cpu"))
    estimator.step(with_hand(0))
    flow = estimator.step(with_hand(20))
    hand = flow.flow_px[:, HAND[0], HAND[1]][:, 6:-6, 6:-6]
    assert abs(hand[0].median() - 20) < 1
    assert abs(hand[1].median()) < 1
    assert flow.flow_px[:, :, 100:].norm(dim=0).mean() < 0.5
