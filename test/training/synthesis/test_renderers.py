# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterator

import cv2
import moderngl
import numpy as np
import pytest

from affordance_seg_ros.errors import DeviceError
from affordance_seg_ros.training.synthesis import gl_renderer
from affordance_seg_ros.training.synthesis.catalogue import Demonstration
from affordance_seg_ros.training.synthesis.gl_renderer import GlRenderer
from affordance_seg_ros.training.synthesis.occlusion import hidden_next
from affordance_seg_ros.training.synthesis.ray_cast_renderer import RayCastRenderer
from affordance_seg_ros.training.synthesis.rendering import Rendering
from affordance_seg_ros.training.synthesis.rotations import invert
from affordance_seg_ros.training.synthesis.scenario import Scenario, draw_scenario

WIDTH, HEIGHT = 160, 120
START, END = 0.45, 0.5


@pytest.fixture(scope="module")
def renderer() -> Iterator[GlRenderer]:
    made = GlRenderer(WIDTH, HEIGHT)
    yield made
    made.close()


def scene(name: str = "cup", action: str = "lift", *, moving: bool = False) -> Scenario:
    return draw_scenario(
        np.random.default_rng(8), Demonstration(name, action), split="train", width=WIDTH,
        height=HEIGHT, moving_camera=moving,
    )  # fmt: skip


def looking_down_rad(scenario: Scenario) -> float:
    line = scenario.viewpoint.eye_m - scenario.viewpoint.target_m
    return float(np.arcsin(line[2] / np.linalg.norm(line)))


def draw(
    renderer: GlRenderer | RayCastRenderer,
    scenario: Scenario,
    start: float = START,
    end: float = END,
    *,
    color: bool = False,
) -> Rendering:
    stage, viewpoint = scenario.stage, scenario.viewpoint
    renderer.load(stage.model)
    return renderer.render(
        stage.shape(start), stage.shape(end), viewpoint.at(start), viewpoint.at(end),
        scenario.lighting.at(start), color=color,
    )  # fmt: skip


def off_edges(rendering: Rendering) -> np.ndarray:
    square = np.ones((3, 3), np.uint8)
    jump = cv2.dilate(rendering.depth_m, square) - cv2.erode(rendering.depth_m, square) > 0.02
    change = cv2.dilate(rendering.part_id, square) != cv2.erode(rendering.part_id, square)
    return ~(jump | change)


@pytest.mark.parametrize("moving", [False, True])
def test_opengl_and_ray_casting_see_the_same(renderer: GlRenderer, moving: bool) -> None:
    scenario = scene(moving=moving)
    ours = draw(renderer, scenario)
    oracle = draw(RayCastRenderer(WIDTH, HEIGHT), scenario)
    inner = off_edges(ours)
    assert inner.mean() > 0.3
    depth_mm = 1000 * np.abs(ours.depth_m - oracle.depth_m)[inner]
    motion_mm = 1000 * np.linalg.norm(ours.motion_m - oracle.motion_m, axis=-1)[inner]
    assert np.percentile(depth_mm, 99) < 0.1
    assert np.percentile(motion_mm, 99) < 0.01
    assert (ours.part_id == oracle.part_id)[inner].mean() > 0.999
    assert np.percentile(np.abs(ours.incidence - oracle.incidence)[inner], 99.9) < 0.01


def wide_scene(seed: int) -> Scenario:
    return draw_scenario(
        np.random.default_rng(seed), Demonstration("cup", "lift"), split="train", width=WIDTH,
        height=HEIGHT, scenes="wide",
    )  # fmt: skip


def test_wide_scenes_are_filmed_across_the_table_too(renderer: GlRenderer) -> None:
    drawn = [wide_scene(seed) for seed in range(16)]
    angles = sorted(looking_down_rad(scenario) for scenario in drawn)
    assert 0.04 < angles[0] < 0.3
    assert 0.42 < angles[-1] < 0.93
    assert looking_down_rad(scene()) >= 0.42
    nearest_m = []
    for scenario in drawn:
        rendering = draw(renderer, scenario)
        body = rendering.part_id == 1 + scenario.stage.part_names.index("body")
        assert body.sum() > 20  # the cup is in view
        nearest_m.append(np.median(rendering.depth_m[body]))
    # Some are filmed by a camera that stands on the table beside the cup.
    assert min(nearest_m) < 0.35 < 0.6 < max(nearest_m)


def test_windows_outshine_the_rest(renderer: GlRenderer) -> None:
    shown = 0
    for seed in range(29, 39):
        scenario = wide_scene(seed)
        names = scenario.stage.part_names
        if "window" not in names:
            continue
        rendering = draw(renderer, scenario, color=True)
        panes = np.isin(rendering.part_id, [k for k, n in enumerate(names, 1) if n == "window"])
        if panes.sum() > 100:
            shown += 1
            assert rendering.color is not None
            assert rendering.color[panes].mean() > rendering.color[~panes].mean() + 40
    assert shown >= 2


def test_motion_of_a_rigid_object_is_exact(renderer: GlRenderer) -> None:
    scenario = scene()
    assert not scenario.left_handed
    rendering = draw(renderer, scenario)
    view = scenario.viewpoint.at(START)
    pixels = np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), -1)
    points = view.camera.unproject(pixels, rendering.depth_m)
    moved = scenario.stage.object_pose(END) @ invert(scenario.stage.object_pose(START))
    step = view.T_camera_world @ moved @ invert(view.T_camera_world)
    on = scenario.stage.roles[rendering.part_id] == 1
    assert on.sum() > 100
    expected = points[on] @ step[:3, :3].T + step[:3, 3] - points[on]
    error_mm = 1000 * np.linalg.norm(rendering.motion_m[on] - expected, axis=1)
    assert np.linalg.norm(expected, axis=1).max() > 0.005
    assert np.percentile(error_mm, 99) < 0.01


def test_following_the_motion_leads_to_the_next_depth(renderer: GlRenderer) -> None:
    scenario = scene("hammer", "hammer")
    now, then = draw(renderer, scenario), draw(renderer, scenario, END, END)
    camera = scenario.viewpoint.camera
    hidden = hidden_next(camera, now.depth_m, now.motion_m, then.depth_m)
    pixels = np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), -1)
    there = camera.unproject(pixels, now.depth_m) + now.motion_m
    target = np.rint(np.nan_to_num(camera.project(there), nan=-1)).astype(int)
    moving = np.linalg.norm(now.motion_m, axis=-1) > 1e-3
    chosen = moving & ~hidden & off_edges(now)
    column, row = target[chosen].T
    seen = then.depth_m[row, column]
    assert chosen.sum() > 200
    assert np.median(np.abs(seen - there[chosen][:, 2])) < 0.002  # to half a pixel


def test_a_still_scene_does_not_move(renderer: GlRenderer) -> None:
    rendering = draw(renderer, scene(), START, START)
    assert np.abs(rendering.motion_m).max() == 0


def test_a_moving_camera_moves_what_stands_still(renderer: GlRenderer) -> None:
    scenario = scene(moving=True)
    rendering = draw(renderer, scenario, 0.2, 0.25)
    table = scenario.stage.roles[rendering.part_id] == 0
    assert np.median(np.linalg.norm(rendering.motion_m[table], axis=1)) > 1e-4


def test_ids_are_those_of_parts_and_never_mixed(renderer: GlRenderer) -> None:
    scenario = scene()
    found = set(np.unique(draw(renderer, scenario).part_id).tolist()) - {0}
    assert found <= set(range(1, len(scenario.stage.part_names) + 1))
    names = {scenario.stage.part_names[part_id - 1] for part_id in found}
    assert {"body", "hand_right", "shirt"} <= names


def test_pictures_are_neither_blown_out_nor_black(renderer: GlRenderer) -> None:
    for name, action in (("cup", "lift"), ("book", "push"), ("can", "grasp")):
        scenario = scene(name, action)
        first = draw(renderer, scenario, color=True)
        assert first.color is not None
        lit = scenario.lighting.metered(first.color)
        stage, view = scenario.stage, scenario.viewpoint.at(START)
        shape = stage.shape(START)
        picture = renderer.render(shape, shape, view, view, lit.at(START), color=True).color
        assert picture is not None
        assert (picture.max(2) >= 252).mean() < 0.01
        assert 50 < picture.mean() < 170


def test_the_same_scene_is_drawn_the_same(renderer: GlRenderer) -> None:
    first, second = (draw(renderer, scene(), color=True) for _ in range(2))
    assert np.array_equal(first.color, second.color)
    assert np.array_equal(first.depth_m, second.depth_m)


def test_without_egl_the_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise Exception("libEGL.so.1 not loaded")

    monkeypatch.setattr(moderngl, "create_context", fail)
    with pytest.raises(DeviceError, match="libegl1 libegl-mesa0 libgl1 libgl1-mesa-dri"):
        gl_renderer.open_context()
