# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from affordance_seg_ros.training.synthesis.color_sensor import ColorSensor, as_jpeg, sense_color
from affordance_seg_ros.training.synthesis.depth_sensor import (
    SENSORS,
    draw_sensor_state,
    sense_depth,
    shadow,
)

SHAPE = (96, 128)
FOCAL_PX = 150.0


def sense(
    name: str, depth_m: np.ndarray, *, incidence: float = 0.9, brightness: float = 0.7,
    gloss: float = 0.0, seed: int = 0,
) -> np.ndarray:  # fmt: skip
    rng = np.random.default_rng(seed)
    state = draw_sensor_state(rng, *SHAPE)
    full = np.ones(SHAPE, np.float32)
    return sense_depth(
        SENSORS[name], state, depth_m.astype(np.float32), full * incidence, full * brightness,
        full * gloss, FOCAL_PX, rng,
    )  # fmt: skip


def wall(depth_m: float) -> np.ndarray:
    return np.full(SHAPE, depth_m, np.float32)


@pytest.mark.parametrize("name", SENSORS)
def test_a_wall_is_measured_where_it_is_with_noise_that_grows_with_distance(name: str) -> None:
    spread = []
    for distance in (0.7, 1.2, 2.4):
        seen = sense(name, wall(distance))
        valid = seen[seen > 0].astype(float)
        assert len(valid) > 0.95 * seen.size
        assert abs(valid.mean() - 1000 * distance) < 3
        spread.append(valid.std())
    assert spread[0] < spread[1] < spread[2] < 20


@pytest.mark.parametrize("name", SENSORS)
def test_beyond_its_range_there_is_no_depth(name: str) -> None:
    sensor = SENSORS[name]
    assert not sense(name, wall(sensor.min_m - 0.05)).any()
    assert not sense(name, wall(sensor.max_m + 0.05)).any()
    assert not sense(name, wall(0)).any()


@pytest.mark.parametrize("name", SENSORS)
def test_grazing_dark_and_mirroring_surfaces_lose_pixels(name: str) -> None:
    def lost(**surface: float) -> float:
        return float((sense(name, wall(2.0), **surface) == 0).mean())

    plain = lost()
    assert lost(incidence=0.08) > plain + 0.3
    assert lost(brightness=0.0, incidence=0.2) > plain + 0.05
    assert lost(gloss=1.0, incidence=0.3) > plain + 0.1


def test_what_is_near_bright_and_frontal_is_too_bright_to_measure() -> None:
    def lost(depth_m: float, **surface: float) -> float:
        return float((sense("azure_kinect", wall(depth_m), **surface) == 0).mean())

    assert lost(0.22, brightness=0.9, incidence=1.0) > 0.9
    assert lost(0.22, brightness=0.1, incidence=1.0) < 0.05  # dark ink
    assert lost(0.22, brightness=0.9, incidence=0.4) < 0.05  # the table, the side of a cup
    assert lost(0.45, brightness=1.0, incidence=1.0) < 0.05


@pytest.mark.parametrize("name", SENSORS)
def test_an_oblique_surface_is_no_edge(name: str) -> None:
    # A table 0.15 m below a camera that looks along it, 0.6 m away and farther.
    rows = np.arange(SHAPE[0], dtype=np.float32)[::-1, None]
    depth_m = np.broadcast_to(0.15 * FOCAL_PX / (12 + rows / 4), SHAPE)
    near = depth_m < 1.2
    seen = sense(name, depth_m, incidence=0.2)
    assert (seen[near] > 0).mean() > 0.9


@pytest.mark.parametrize("name", SENSORS)
def test_the_bottom_of_a_concave_corner_is_seen_nearer_than_it_is(name: str) -> None:
    columns = np.abs(np.arange(SHAPE[1], dtype=np.float32) - 64)
    depth_m = np.broadcast_to(1.2 - 0.003 * columns, SHAPE)
    errors = np.stack([sense(name, depth_m, seed=s) - 1000 * depth_m for s in range(8)])
    assert np.median(errors[..., 63:66]) < np.median(errors[..., 30:40]) - 0.5


def test_some_pixels_never_have_depth() -> None:
    rng = np.random.default_rng(0)
    state = draw_sensor_state(rng, *SHAPE)
    full = np.ones(SHAPE, np.float32)
    seen = [
        sense_depth(
            SENSORS["kinect_v2"], state, full, 0.9 * full, 0.7 * full, 0 * full, FOCAL_PX, rng
        )
        for _ in range(10)
    ]
    dead = np.logical_and.reduce([each == 0 for each in seen])
    assert 0 < dead.mean() < 0.002


@pytest.mark.parametrize("name", SENSORS)
def test_edges_have_holes_and_flying_pixels(name: str) -> None:
    depth_m = wall(1.6)
    depth_m[:, 60:] = 1.0
    seen = sense(name, depth_m)
    border = seen[:, 57:63]
    assert (border == 0).mean() > 0.15
    assert (seen[:, 5:50] == 0).mean() < 0.05
    between = (seen > 1050) & (seen < 1550)
    assert between[:, 57:63].any()
    assert not between[:, 5:50].any()


def test_the_shadow_lies_beside_near_things_and_is_as_wide_as_the_parallax() -> None:
    depth_m = wall(2.0)
    depth_m[30:60, 40:70] = 1.0
    dark = shadow(depth_m, 20.0)  # 10 px at 2 m, 20 px at 1 m
    assert dark[45, 72:78].all()
    assert not dark[45, :40].any()
    assert not dark[10].any()
    assert 7 <= dark[45].sum() <= 10


def test_a_narrow_depth_camera_sees_nothing_near_the_corners_and_noise_stays_what_it_was() -> None:
    all_of_it = draw_sensor_state(np.random.default_rng(3), *SHAPE)
    narrow = draw_sensor_state(np.random.default_rng(3), *SHAPE, narrow=True)
    assert all_of_it.outside is None
    assert narrow.outside is not None
    assert np.array_equal(narrow.pattern, all_of_it.pattern)
    assert narrow.phase == all_of_it.phase
    assert narrow.outside[[0, 0, -1, -1], [0, -1, 0, -1]].all()
    assert not narrow.outside[30:66, 44:84].any()
    full = np.ones(SHAPE, np.float32)
    seen = sense_depth(
        SENSORS["azure_kinect"], narrow, wall(1.0), 0.9 * full, 0.7 * full, 0 * full, FOCAL_PX,
        np.random.default_rng(0),
    )  # fmt: skip
    assert not seen[narrow.outside].any()
    assert (seen[~narrow.outside] > 0).mean() > 0.95


def test_the_same_chance_gives_the_same_depth() -> None:
    assert np.array_equal(sense("kinect_v2", wall(1.0)), sense("kinect_v2", wall(1.0)))
    assert not np.array_equal(sense("kinect_v2", wall(1.0)), sense("kinect_v2", wall(1.0), seed=1))


def test_colour_noise_has_the_strength_of_the_camera_and_no_bias() -> None:
    grey = np.full((*SHAPE, 3), 118, np.uint8)
    quiet = ColorSensor(0.3, 0.5, 0.5, 1.0, 90)
    loud = ColorSensor(0.3, 4.0, 0.5, 1.0, 90)
    spreads = []
    for sensor in (quiet, loud):
        seen = sense_color(sensor, grey, np.random.default_rng(0)).astype(float)
        assert abs(seen.mean() - 118) < 0.5
        spreads.append(seen.std())
    assert spreads[1] > 3 * spreads[0]


def test_jpegs_are_smaller_at_lower_quality() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (*SHAPE, 3), np.uint8)
    assert len(as_jpeg(picture, 60)) < len(as_jpeg(picture, 90))
