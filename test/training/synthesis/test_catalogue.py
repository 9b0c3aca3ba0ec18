# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.labels import SOR3D_AFF
from affordance_seg_ros.training.synthesis.catalogue import catalogue, demonstrations
from affordance_seg_ros.training.synthesis.depth_sensor import SENSORS
from affordance_seg_ros.training.synthesis.object_shapes import SHAPES
from affordance_seg_ros.training.synthesis.production import draw_clip
from affordance_seg_ros.training.synthesis.rotations import move
from affordance_seg_ros.training.synthesis.scenario import Scenario
from affordance_seg_ros.training.synthesis.settings import SynthesisConfig, clip_rng
from affordance_seg_ros.training.synthesis.variation import SCENES, SPLITS, Variation

EACH = [(name, split) for name in SHAPES for split in SPLITS]


def test_the_table_names_every_shape_and_no_other() -> None:
    assert set(catalogue()) == set(SHAPES)


def test_every_action_is_shown_and_every_object_in_two_ways_at_least() -> None:
    assert {pair.action for pair in demonstrations()} == set(SOR3D_AFF)
    assert all(len(entry.actions) >= 2 for entry in catalogue().values())


@pytest.mark.parametrize(("name", "split"), EACH)
def test_shapes_have_the_parts_and_grips_of_the_table(name: str, split: str) -> None:
    entry = catalogue()[name]
    for seed in range(4):
        thing = SHAPES[name](Variation(np.random.default_rng(seed), split))
        assert {part.name for part in thing.parts} == set(entry.affordances)
        assert {use.grip for use in entry.actions.values()} <= set(thing.grips)


@pytest.mark.parametrize(("name", "split"), EACH)
def test_shapes_stand_on_the_table_and_are_solid(name: str, split: str) -> None:
    for seed in range(4):
        thing = SHAPES[name](Variation(np.random.default_rng(seed), split))
        assert -1e-6 < thing.solid().vertices[:, 2].min() < 0.004
        assert 0.05 < np.ptp(thing.solid().vertices, axis=0).max() < 0.45
        for part in thing.parts:
            corners = part.mesh.vertices[part.mesh.faces]
            volume = np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))
            assert volume > 0, part.name


@pytest.mark.parametrize("name", SHAPES)
def test_the_test_split_shows_kinds_that_training_never_does(name: str) -> None:
    kinds = {
        split: {SHAPES[name](Variation(np.random.default_rng(s), split)).kind for s in range(12)}
        for split in SPLITS
    }
    assert not kinds["test"] & (kinds["train"] | kinds["val"])


def test_clips_of_each_split_show_their_own_kinds_by_a_chance_of_their_own() -> None:
    trained = {SHAPES["cup"](Variation(np.random.default_rng(s), "train")).kind for s in range(12)}
    eyes = set()
    for split in SPLITS:
        config = SynthesisConfig(seed=4, width=96, height=72, objects=("cup",), split=split)
        scenario, _, _ = draw_clip(config, 1)
        assert (scenario.kind in trained) == (split != "test")
        eyes.add(tuple(scenario.viewpoint.eye_m))
    assert len(eyes) == 3
    assert len({clip_rng(replace(config, split=split), 1).random() for split in SPLITS}) == 3


def test_training_and_validation_draw_from_bands_apart() -> None:
    drawn = {
        split: [Variation(np.random.default_rng(s), split).uniform(0, 1) for s in range(400)]
        for split in ("train", "val")
    }
    for value in drawn["val"]:
        assert min(abs(value - np.array([0.2, 0.6, 0.9]))) <= 0.05 + 1e-9
    held_out = [v for v in drawn["train"] if min(abs(v - np.array([0.2, 0.6, 0.9]))) < 0.05 - 1e-9]
    assert held_out == []
    assert max(drawn["train"]) > 0.95


def test_an_unknown_split_is_refused() -> None:
    with pytest.raises(ConfigError, match="split 'dev'; expected one of train, val, test"):
        Variation(np.random.default_rng(0), "dev")


def test_unknown_scenes_are_refused() -> None:
    with pytest.raises(ConfigError, match="scenes 'moon'; expected one of table, wide"):
        Variation(np.random.default_rng(0), "train", "moon")


def test_drawings_are_seen_on_vessels_of_wide_scenes_alone() -> None:
    textures = {
        scenes: {
            SHAPES["cup"](Variation(np.random.default_rng(s), "train", scenes))
            .parts[0]
            .surface.texture
            for s in range(20)
        }
        for scenes in SCENES
    }
    assert textures["wide"] - textures["table"] == {"drawing"}


def test_a_seed_draws_the_scenes_of_this_rendering() -> None:
    # One draw more or less, anywhere, changes the last line; what a seed draws has a version.
    config = SynthesisConfig(seed=4, width=96, height=72, objects=("cup",))
    scenario, filming, rng = draw_clip(config, 1)
    assert scenario.viewpoint.eye_m == pytest.approx([0.174611, -0.586533, 0.557677], abs=1e-5)
    towards_lamp = scenario.lighting.lamps.key_direction
    assert towards_lamp == pytest.approx([0.355899, 0.024191, 0.934211], abs=1e-5)
    assert (filming.sensor, filming.narrow_depth) == ("kinect_v2", False)
    assert rng.random() == pytest.approx(0.707248, abs=1e-5)


def test_nothing_comes_too_near_to_a_camera_among_things() -> None:
    config = SynthesisConfig(seed=21, width=96, height=72, scenes="wide")
    for index in range(12):
        scenario, _, _ = draw_clip(config, index)
        for time in np.linspace(0, 1, 9):
            away = scenario.stage.shape(float(time)).positions - scenario.viewpoint.eye_m
            assert np.linalg.norm(away, axis=1).min() > 0.12


def test_the_object_is_in_the_picture_all_of_it_at_the_end() -> None:
    for scenes in SCENES:
        config = SynthesisConfig(seed=21, width=96, height=72, scenes=scenes)
        for index in range(12):
            scenario, _, _ = draw_clip(config, index)
            for time in (0.0, 0.5, 1.0):
                view = scenario.viewpoint.at(time)
                there = move(view.T_camera_world, scenario.stage.object_vertices(time))
                pixels = view.camera.project(there)
                inside = ((pixels > -0.5) & (pixels < (95.5, 71.5))).all(1)
                assert inside.mean() > (0.9 if time == 1.0 else 0.5)


def test_a_viewpoint_that_does_not_show_the_part_is_drawn_again() -> None:
    config = SynthesisConfig(seed=21, width=96, height=72)
    seen: list[Scenario] = []

    def third(scenario: Scenario) -> bool:
        seen.append(scenario)
        return len(seen) == 3

    scenario, _, _ = draw_clip(config, 0, third)
    assert scenario is seen[2]
    assert len({each.stage for each in seen}) == 1
    assert len({tuple(each.viewpoint.eye_m) for each in seen}) == 3


def test_a_picture_too_narrow_for_the_object_is_refused() -> None:
    config = SynthesisConfig(seed=1, width=64, height=1440, objects=("bottle",))
    with pytest.raises(ConfigError, match="pictures of 64x1440 pixels: none of 1000 viewpoints"):
        draw_clip(config, 0)
    config = SynthesisConfig(seed=21, width=96, height=72)
    with pytest.raises(ConfigError, match="clip 0: none of 100 viewpoints shows the part"):
        draw_clip(config, 0, lambda _: False)


def test_a_sensor_that_begins_behind_the_object_is_not_taken() -> None:
    config = SynthesisConfig(seed=21, width=96, height=72, scenes="wide")
    drawn = [draw_clip(config, index)[:2] for index in range(24)]
    near = [(s, f) for s, f in drawn if s.nearest_m() < SENSORS["kinect_v2"].min_m]
    assert near
    assert {filming.sensor for _, filming in near} == {"azure_kinect"}
    assert {filming.sensor for _, filming in drawn} == set(SENSORS)


def test_from_where_a_named_sensor_measures_nothing_no_clip_is_filmed() -> None:
    config = SynthesisConfig(seed=21, width=96, height=72, scenes="wide")
    named, least_m = replace(config, sensor="kinect_v2"), SENSORS["kinect_v2"].min_m
    for index, is_near in ((0, False), (2, True), (9, True)):
        before, (scenario, filming, _) = draw_clip(config, index)[0], draw_clip(named, index)
        assert (before.nearest_m() < least_m) == is_near
        assert filming.sensor == "kinect_v2"
        assert scenario.nearest_m() >= least_m
        same = np.array_equal(scenario.viewpoint.eye_m, before.viewpoint.eye_m)
        assert same != is_near


def test_unknown_objects_and_actions_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="object 'axe'; expected one of hammer, knife"):
        demonstrations(objects=("axe",))
    with pytest.raises(ConfigError, match="action 'throw'; expected one of cut, grasp"):
        demonstrations(actions=("throw",))


@pytest.mark.parametrize(
    ("objects", "actions", "message"),
    [
        (("cup", "ball"), ("lift",), "object ball: cannot be.* with object ball: push, rotate, gr"),
        (("cup", "ball"), ("push", "cut"), "action cut: cannot be .* with action cut: knife$"),
        (("hammer", "cup"), ("hammer",), "object cup: .* with object cup: lift, grasp, push, rot"),
        (("cup",), ("hammer", "lift"), "action hammer: .* with action hammer: hammer$"),
        (
            ("ball", "book"),
            ("cut",),
            "object ball, object book, action cut: cannot be combined with the other names; "
            "expected with object ball: push, rotate, grasp; with object book: push, lift; "
            "with action cut: knif",
        ),
    ],
)
def test_names_that_go_with_none_of_the_others_are_refused_with_what_goes(
    objects: tuple[str, ...], actions: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        demonstrations(objects, actions)
    with pytest.raises(ConfigError, match=message):
        SynthesisConfig(objects=objects, actions=actions)


def test_every_chosen_name_is_shown() -> None:
    config = SynthesisConfig(objects=("hammer", "cup"), actions=("hammer", "lift"))
    shown = {config.demonstration(index) for index in range(8)}
    assert shown == {("hammer", "hammer"), ("hammer", "lift"), ("cup", "lift")}
