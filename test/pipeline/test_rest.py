# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from affordance_seg_ros.frames import SceneFlow
from affordance_seg_ros.pipeline.rest import Rest, moves

HEIGHT, WIDTH = 48, 64
STEP_NS = 100_000_000


def flow(
    *, px: float = 0.0, motion_m: float = 0.0, valid: bool = True, size: tuple[int, int] = (12, 12)
) -> SceneFlow:
    """A patch of the picture moves to the right."""
    field = SceneFlow(
        torch.zeros(2, HEIGHT, WIDTH),
        torch.zeros(HEIGHT, WIDTH),
        torch.zeros(3, HEIGHT, WIDTH),
        torch.full((HEIGHT, WIDTH), valid),
    )
    patch = slice(10, 10 + size[0]), slice(20, 20 + size[1])
    field.flow_px[0][patch] = px
    field.motion_m[0][patch] = motion_m
    return field


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (flow(px=1.0, motion_m=0.02), True),
        (flow(), False),
        (flow(px=1.0, motion_m=0.02, valid=False), False),  # no depth, or a first frame
        (flow(px=1.0, motion_m=0.005), False),
        (flow(px=0.1, motion_m=0.02), False),  # depth alone jumps
        (flow(px=1.0, motion_m=0.02, size=(40, 1)), False),  # flying pixels along an edge
        (flow(px=1.0, motion_m=0.02, size=(3, 3)), False),
    ],
)
def test_a_patch_moves_if_picture_and_depth_say_so(shown: SceneFlow, expected: bool) -> None:
    assert bool(moves(shown)) == expected


def test_the_first_motion_ends_a_rest_and_tells_how_long_it_was() -> None:
    rest = Rest()
    lengths = []
    for index, moved in enumerate([True, False, False, False, True, True, False, True, False]):
        rest.note(moved, index * STEP_NS)
        lengths.append(rest.ended_s)
    assert lengths == pytest.approx([0, 0, 0, 0, 0.3, 0, 0, 0.1, 0])


@pytest.mark.parametrize("rate_hz", [5, 9.7, 10, 10.4, 15, 30, 60, 120])
@pytest.mark.parametrize(("speed", "expected"), [(0.13, True), (0.04, False)])
def test_how_fast_is_motion_does_not_depend_on_the_rate(
    rate_hz: float, speed: float, expected: bool
) -> None:
    rest = Rest()
    rest.judge(flow(), 0)
    verdicts = []
    for index in range(1, round(2 * rate_hz)):
        motion = flow(px=80 * speed / rate_hz, motion_m=speed / rate_hz)
        if (moved := rest.judge(motion, round(index * 1e9 / rate_hz))) is not None:
            verdicts.append(bool(moved))
    assert set(verdicts) == {expected}
    assert len(verdicts) == pytest.approx(2 * min(rate_hz, 10), rel=0.3)


def test_a_frame_that_is_too_early_to_be_judged_ends_no_rest_again() -> None:
    rest = Rest()
    lengths = []
    for index, moved in enumerate([False, None, None, True, None, None, False]):
        rest.note(moved, index * STEP_NS)
        lengths.append(rest.ended_s)
    assert lengths == pytest.approx([0, 0, 0, 0.3, 0, 0, 0])


def test_pixels_that_lost_their_depth_on_the_way_do_not_move() -> None:
    rest = Rest()
    rest.judge(flow(), 0)
    assert rest.judge(flow(px=1.0, motion_m=0.02, valid=False), STEP_NS // 2) is None
    moved = rest.judge(flow(px=1.0, motion_m=0.02), STEP_NS)
    assert moved is not None
    assert not moved


def test_a_reset_forgets_what_had_moved() -> None:
    rest = Rest()
    rest.judge(flow(), 0)
    rest.judge(flow(px=1.0, motion_m=0.02), STEP_NS // 2)
    rest.reset()
    first = rest.judge(flow(), STEP_NS)
    assert first is not None
    assert not first


def test_a_reset_forgets_how_long_nothing_moved() -> None:
    rest = Rest()
    rest.note(False, 0)
    rest.reset()
    rest.note(True, STEP_NS)
    assert rest.ended_s == 0
