# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from affordance_seg_ros.frames import Box, Region
from affordance_seg_ros.pipeline.tracking import RegionTracker

STEP_NS = 100_000_000
NAN = (np.nan, np.nan, np.nan)


def seen(
    x: float,
    y: float,
    *,
    label_id: int = 1,
    size: tuple[int, int] = (40, 30),
    centroid_m: tuple[float, float, float] = NAN,
    axes: np.ndarray | None = None,
    extents_m: tuple[float, float, float] = (0.1, 0.05, 0.01),
) -> Region:
    """A region whose box is centred at (x, y)."""
    width, height = size
    return Region(
        label_id=label_id,
        name=f"label {label_id}",
        score=0.9,
        area_px=width * height,
        box=Box(round(x - width / 2), round(y - height / 2), width, height),
        depth_fraction=1.0,
        centroid_m=np.array(centroid_m),
        normal=np.array([0.0, 0, -1]),
        axes=np.eye(3) if axes is None else axes,
        extents_m=np.array(extents_m),
        center_m=np.array(centroid_m),
        area_m2=0.005,
    )


def follow(frames: list[list[Region]]) -> list[list[int]]:
    """Ids of the regions of each frame, 0.1 s apart."""
    tracker = RegionTracker()
    return [
        [region.track_id for region in tracker.update(regions, index * STEP_NS)]
        for index, regions in enumerate(frames)
    ]


def test_every_region_of_the_first_frame_has_an_id_of_its_own_from_1_on() -> None:
    (ids,) = follow([[seen(50, 50), seen(150, 50), seen(150, 50, label_id=2)]])
    assert sorted(ids) == [1, 2, 3]


def test_a_region_keeps_its_id_in_constant_motion_however_fast() -> None:
    """It starts at half its width a frame, and gains more than its width a frame."""
    positions = np.cumsum([0, 20, 30, 40, 50, 60, 60, 60, 60])
    ids = follow([[seen(20 + x, 60)] for x in positions])
    assert ids == [[1]] * len(positions)


@pytest.mark.parametrize("depth_m", [0.8, np.nan])
@pytest.mark.parametrize("apart_px", [50, 70, 90, 110])
def test_a_region_that_stands_still_keeps_its_id_whoever_goes_and_comes_beside_it(
    apart_px: int, depth_m: float
) -> None:
    left, still, right = (
        seen(200 + side * apart_px, 100, centroid_m=(side * 0.0015 * apart_px, 0, depth_m))
        for side in (-1, 0, 1)
    )
    ids = follow([[left, still]] * 5 + [[still, right]] * 3)
    assert {frame[1] for frame in ids[:5]} == {frame[0] for frame in ids[5:]}


@pytest.mark.parametrize(("width_m", "turns"), [(0.097, False), (0.08, True)])
def test_a_round_part_keeps_its_direction_and_a_long_one_has_its_own(
    width_m: float, turns: bool
) -> None:
    tracker = RegionTracker()
    random = np.random.default_rng(0)
    first = None
    for index, angle in enumerate((0.0, 0.9, -1.2, 0.4)):
        cos, sin, tilt = np.cos(angle), np.sin(angle), 0.02 * random.normal()
        tilted = np.array(
            [[1, 0, 0], [0, np.cos(tilt), np.sin(tilt)], [0, -np.sin(tilt), np.cos(tilt)]]
        )
        axes = np.array([[cos, sin, 0], [sin, -cos, 0], [0, 0, -1.0]]) @ tilted
        shown = seen(100, 100, centroid_m=(0, 0, 1), axes=axes, extents_m=(0.1, width_m, 0.01))
        (region,) = tracker.update([shown], index * STEP_NS)
        first = region.axes[0] if first is None else first
        np.testing.assert_allclose(region.axes @ region.axes.T, np.eye(3), atol=1e-12)
        np.testing.assert_allclose(np.cross(*region.axes[:2]), axes[2], atol=1e-12)
        expected = axes[0] if turns else first
        assert abs(region.axes[0] @ expected) > 0.999


def test_frames_of_one_id_are_counted() -> None:
    tracker = RegionTracker()
    counts = [tracker.update([seen(50 + i, 50)], i * STEP_NS)[0].track_frames for i in range(4)]
    assert counts == [1, 2, 3, 4]


def test_the_order_of_the_regions_changes_nothing() -> None:
    random = np.random.default_rng(0)
    starts = random.uniform(40, 440, (8, 2))
    speeds = random.uniform(-15, 15, (8, 2))
    frames = [
        [
            seen(*(start + index * speed), label_id=1 + number % 3)
            for number, (start, speed) in enumerate(zip(starts, speeds, strict=True))
        ]
        for index in range(6)
    ]
    plain = follow(frames)
    orders = [random.permutation(8) for _ in frames]
    shuffled = follow(
        [[frame[i] for i in order] for frame, order in zip(frames, orders, strict=True)]
    )
    for ids, other, order in zip(plain, shuffled, orders, strict=True):
        assert [ids[i] for i in order] == other


def test_regions_of_one_label_that_cross_keep_their_ids() -> None:
    frames = [[seen(40 + 20 * i, 100), seen(240 - 20 * i, 112)] for i in range(11)]
    assert follow(frames) == [[1, 2]] * 11 or follow(frames) == [[2, 1]] * 11


def test_regions_that_melt_into_one_while_they_cross_are_told_apart_after_it() -> None:
    frames = []
    for i in range(16):
        left, right = 40 + 20 * i, 340 - 20 * i
        if abs(right - left) < 40:
            width = 40 + abs(right - left)
            frames.append([seen((left + right) / 2, 100, size=(width, 30))])
        else:
            frames.append([seen(left, 100), seen(right, 100)])
    ids = follow(frames)
    assert ids[-1] == ids[0]


def test_depth_tells_apart_what_covers_the_same_pixels() -> None:
    near, far = (0.0, 0.0, 0.5), (0.0, 0.0, 0.75)
    tracker = RegionTracker()
    before = tracker.update([seen(100, 100, centroid_m=near), seen(106, 100, centroid_m=far)], 0)
    after = tracker.update(
        [seen(106, 100, centroid_m=near), seen(100, 100, centroid_m=far)], STEP_NS
    )
    assert [region.track_id for region in before] == [region.track_id for region in after]


def test_a_jump_in_space_is_another_region() -> None:
    ids = follow([[seen(100, 100, centroid_m=(0, 0, 0.5))], [seen(100, 100, centroid_m=(0, 0, 2))]])
    assert ids == [[1], [2]]


def test_a_region_is_followed_through_frames_without_depth() -> None:
    place = (0.0, 0.0, 0.5)
    ids = follow([[seen(100 + 5 * i, 100, centroid_m=NAN if i % 3 else place)] for i in range(9)])
    assert ids == [[1]] * 9


@pytest.mark.parametrize(("missed", "expected"), [(1, 1), (5, 1), (6, 2)])
def test_a_moving_region_is_found_again_after_a_few_missed_frames_only(
    missed: int, expected: int
) -> None:
    frames = [[seen(50 + 20 * i, 60)] for i in range(5)]
    frames += [[]] * missed
    frames.append([seen(50 + 20 * (4 + missed + 1), 60)])
    assert follow(frames)[-1] == [expected]


def test_a_region_not_seen_for_seconds_is_forgotten_however_few_frames_came() -> None:
    tracker = RegionTracker()
    tracker.update([seen(50, 50)], 0)
    tracker.update([], 100_000_000)
    assert tracker.update([seen(50, 50)], 2_000_000_000)[0].track_id == 1
    tracker.update([], 2_100_000_000)
    assert tracker.update([seen(50, 50)], 4_100_000_000)[0].track_id == 2


def test_another_label_in_the_same_place_is_another_region() -> None:
    assert follow([[seen(50, 50)], [seen(50, 50, label_id=2)]]) == [[1], [2]]


def test_ids_are_not_used_again_until_a_reset() -> None:
    tracker = RegionTracker()
    places = [(50, 50), (400, 50), (50, 400), (400, 400)]
    ids = [
        tracker.update([seen(*place)], index * STEP_NS)[0].track_id
        for index, place in enumerate(places)
    ]
    assert ids == [1, 2, 3, 4]
    tracker.reset()
    assert tracker.update([seen(50, 50)], 0)[0].track_id == 1


def test_the_longest_axis_does_not_turn_round_while_a_region_is_tracked() -> None:
    tracker = RegionTracker()
    turned = np.diag([-1.0, -1.0, 1.0])
    tracker.update([seen(50, 50)], 0)
    (region,) = tracker.update([seen(50, 50, axes=turned)], STEP_NS)
    np.testing.assert_array_equal(region.axes, np.eye(3))


def test_frames_without_depth_do_not_turn_the_longest_axis_round() -> None:
    tracker = RegionTracker()
    turned, unknown = np.diag([-1.0, -1.0, 1.0]), np.full((3, 3), np.nan)
    all_axes = (unknown, turned, unknown, unknown, np.eye(3))
    for n, axes in enumerate(all_axes):
        (region,) = tracker.update([seen(50, 50, axes=axes)], n * STEP_NS)
    np.testing.assert_array_equal(region.axes, turned)


def test_everything_but_id_and_axes_is_as_it_was_found() -> None:
    found = seen(50, 50, centroid_m=(0.1, 0.2, 0.5))
    (region,) = RegionTracker().update([found], 0)
    assert region[:12] == found[:12]


def test_a_region_that_is_seen_in_every_frame_keeps_its_id_however_slow_they_come() -> None:
    tracker = RegionTracker()
    ids = [tracker.update([seen(50, 50)], n * 2_500_000_000)[0].track_id for n in range(4)]
    assert ids == [1, 1, 1, 1]
