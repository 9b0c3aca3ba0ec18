# SPDX-License-Identifier: Apache-2.0
from itertools import pairwise

import numpy as np
import pytest

from affordance_seg_ros.training.synthesis.actions import ACTIONS, Manner
from affordance_seg_ros.training.synthesis.catalogue import Demonstration, demonstrations
from affordance_seg_ros.training.synthesis.object_shapes import SHAPES
from affordance_seg_ros.training.synthesis.objects import HandledObject
from affordance_seg_ros.training.synthesis.rotations import about_z, move
from affordance_seg_ros.training.synthesis.scenario import draw_manner
from affordance_seg_ros.training.synthesis.softness import squeezed, squeezed_normals
from affordance_seg_ros.training.synthesis.timeline import Timeline, draw_timeline
from affordance_seg_ros.training.synthesis.variation import Variation

TIMES = np.linspace(0, 1, 41)


def draw(pair: Demonstration, seed: int = 0) -> tuple[HandledObject, Manner]:
    rng = np.random.default_rng(seed)
    thing = SHAPES[pair.object_name](Variation(rng, "train"))
    return thing, draw_manner(rng, thing, pair.action)[0]


@pytest.mark.parametrize("pair", demonstrations(), ids="/".join)
def test_objects_never_sink_into_the_table_and_end_on_it(pair: Demonstration) -> None:
    for seed in range(10):
        thing, manner = draw(pair, seed)
        lowest = []
        for u in TIMES:
            state = ACTIONS[pair.action](float(u), thing, manner)
            vertices = squeezed(thing.solid().vertices, thing, state.squeeze)
            lowest.append(move(state.T_world_object, vertices)[:, 2].min())
        assert min(lowest) > -0.006
        assert lowest[0] == pytest.approx(lowest[-1], abs=3e-4)  # a ball has facets


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_squeezed_sponge_loses_half_of_its_width_in_its_middle_and_less_at_its_ends(
    split: str,
) -> None:
    for seed in range(6):
        thing = SHAPES["sponge"](Variation(np.random.default_rng(seed), split))
        for part in thing.parts:
            rest = part.mesh.vertices
            share = np.abs(squeezed(rest, thing, 1.0)[:, 1]) / np.maximum(np.abs(rest[:, 1]), 1e-9)
            along = np.abs(rest[:, 0]) / np.abs(rest[:, 0]).max()
            wide = np.abs(rest[:, 1]) > 0.01
            assert share[wide & (along < 0.15)].max() < 0.5
            assert share[wide & (along > 0.8)].min() > 0.55


def test_normals_of_a_squeezed_thing_stand_on_its_surface() -> None:
    rng = np.random.default_rng(0)
    thing = SHAPES["sponge"](Variation(rng, "train"))
    at = rng.uniform(-1, 1, (50, 3)) * (0.05, 0.03, 0.02)
    at[0, 0] = 0.05  # how far it reaches decides how it gives way
    normals = rng.normal(size=(50, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    tangents = np.cross(normals, rng.normal(size=(50, 3)))
    tangents[0] = np.cross(normals[0], (1, 0, 0))
    step = 1e-6 * tangents
    moved = squeezed(at + step, thing, 0.8) - squeezed(at - step, thing, 0.8)
    turned = squeezed_normals(at, normals, thing, 0.8)
    lengths = np.linalg.norm(moved, axis=1)
    assert np.abs((turned * moved).sum(1) / lengths).max() < 1e-4
    np.testing.assert_allclose(np.linalg.norm(turned, axis=1), 1)


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_where_and_how_a_thing_ends_does_not_tell_what_was_done_with_it(name: str) -> None:
    for seed in range(10):
        places, headings = [], []
        for pair in demonstrations(objects=(name,)):
            thing, manner = draw(pair, seed)
            T = ACTIONS[pair.action](1.0, thing, manner).T_world_object
            places.append(move(T, np.array([0, 0, thing.roll_radius_m]))[:2])
            if not thing.roll_radius_m:
                headings.append(T[:3, :3])
        assert np.ptp(places, axis=0).max() < 1e-9
        assert not headings or np.ptp(headings, axis=0).max() < 1e-9


def test_the_pattern_of_a_ball_does_not_tell_whether_it_was_rolled() -> None:
    upward = []
    for seed in range(40):
        thing = SHAPES["ball"](Variation(np.random.default_rng(seed), "train"))
        pole = thing.parts[0].mesh.vertices[0] / thing.roll_radius_m - (0, 0, 1)
        upward.append(pole[2])
    assert np.abs(upward).max() <= 1 + 1e-6
    assert abs(np.mean(upward)) < 0.3  # evenly over a sphere: uniform in height
    assert 0.4 < np.std(upward) < 0.75


def test_a_hammer_stays_on_the_nail_long_enough_to_be_seen() -> None:
    seen = 0
    for seed in range(20):
        thing, manner = draw(Demonstration("hammer", "hammer"), seed)
        line = draw_timeline(np.random.default_rng(seed))
        heads = [
            move(ACTIONS["hammer"](line.interact(t), thing, manner).T_world_object, thing.tool_m)
            for t in np.linspace(0, 1, 21)
        ]
        seen += min(np.linalg.norm(head - manner.target_m) for head in heads) < 0.006
    assert seen >= 15


@pytest.mark.parametrize("name", ["hammer", "knife", "brush"])
def test_what_a_tool_works_on_lies_there_as_often_when_it_is_only_grasped(name: str) -> None:
    # Else a picture alone would tell the action.
    own = {"hammer": "hammer", "knife": "cut", "brush": "paint"}[name]
    with_prop = 0
    for seed in range(40):
        found = []
        for action in (own, "grasp"):
            rng = np.random.default_rng(seed)
            thing = SHAPES[name](Variation(rng, "train"))
            found.append(draw_manner(rng, thing, action)[1])
        used, beside = found
        assert (used is None) == (beside is None)
        if used is not None and beside is not None:
            with_prop += 1
            np.testing.assert_allclose(used.at_m, beside.at_m)
            assert used.prop.height_m == beside.prop.height_m
    assert 20 < with_prop < 38


@pytest.mark.parametrize("pair", demonstrations(), ids="/".join)
def test_objects_move_smoothly_from_where_they_stood(pair: Demonstration) -> None:
    thing, manner = draw(pair)
    poses = [ACTIONS[pair.action](float(u), thing, manner).T_world_object for u in TIMES]
    assert np.allclose(poses[0][:3, :3], manner.rotation)
    steps = [np.linalg.norm(b[:3, 3] - a[:3, 3]) for a, b in pairwise(poses)]
    assert max(steps) < 0.09  # of 40 steps in about a second


@pytest.mark.parametrize("name", ["hammer", "knife", "brush"])
def test_tools_reach_what_they_work_on(name: str) -> None:
    action = {"hammer": "hammer", "knife": "cut", "brush": "paint"}[name]
    for seed in range(3):
        thing, manner = draw(Demonstration(name, action), seed)
        tips = [
            move(ACTIONS[action](float(u), thing, manner).T_world_object, thing.tool_m)
            for u in np.linspace(0.25, 0.75, 101)
        ]
        assert min(np.linalg.norm(tip - manner.target_m) for tip in tips) < 0.015


def test_a_hammer_strikes_as_often_as_it_should() -> None:
    thing, manner = draw(Demonstration("hammer", "hammer"))
    heights = np.array(
        [
            move(ACTIONS["hammer"](float(u), thing, manner).T_world_object, thing.tool_m)[2]
            for u in np.linspace(0.17, 0.83, 300)
        ]
    )
    peaks = (heights[1:-1] > heights[:-2]) & (heights[1:-1] >= heights[2:])
    assert (peaks & (heights[1:-1] > 0.1)).sum() == manner.repeats


def test_a_push_goes_as_far_as_it_should_and_a_ball_rolls() -> None:
    for name in ("cup", "ball"):
        thing, manner = draw(Demonstration(name, "push"))
        centre = thing.solid().vertices.mean(0)
        first, last = (
            move(ACTIONS["push"](u, thing, manner).T_world_object, centre) for u in (0.0, 1.0)
        )
        assert np.allclose(last - first, manner.push_direction * manner.push_m, atol=2e-3)
    turned = ACTIONS["push"](1.0, thing, manner).T_world_object[:3, :3] @ manner.rotation.T
    angle = np.arccos((np.trace(turned) - 1) / 2)
    assert angle == pytest.approx(manner.push_m / thing.roll_radius_m, abs=1e-6)


def test_only_the_cap_of_a_bottle_turns() -> None:
    thing, manner = draw(Demonstration("bottle", "rotate"))
    states = [ACTIONS["rotate"](float(u), thing, manner) for u in TIMES]
    assert all(np.allclose(s.T_world_object, states[0].T_world_object) for s in states)
    assert max(abs(s.turn_rad) for s in states) > 0.8
    can, manner = draw(Demonstration("can", "rotate"))
    last = ACTIONS["rotate"](0.5, can, manner)
    assert not np.allclose(last.T_world_object[:3, :3], manner.rotation, atol=0.1)
    assert last.T_world_object[2, :3] @ about_z(1.0)[:, 2] == pytest.approx(1)


def test_timelines_go_through_their_phases_in_order() -> None:
    for seed in range(30):
        line: Timeline = draw_timeline(np.random.default_rng(seed))
        times = np.linspace(0, 1.1, 200)
        for phase in (line.approach, line.interact, line.retreat):
            shares = [phase(float(t)) for t in times]
            assert np.all(np.diff(shares) >= 0)
            assert shares[0] == 0
        assert line.interact(float(line.knots[2])) == 0
        assert line.close(float(line.knots[2])) == 1
        assert line.interact(float(line.knots[3])) == 1
        assert line.close(1.1) == 0


def test_the_frames_of_an_interaction_are_those_in_which_it_goes_on() -> None:
    for seed in range(30):
        line = draw_timeline(np.random.default_rng(seed))
        first, last = line.interaction(21)
        goes_on = [line.knots[2] <= frame / 20 <= line.knots[3] for frame in range(21)]
        assert [first <= frame <= last for frame in range(21)] == goes_on


def test_some_hesitate() -> None:
    lines = [draw_timeline(np.random.default_rng(seed)) for seed in range(40)]
    pauses = [line.interact_warp.shape[1] > 2 for line in lines]
    assert 0.1 < np.mean(pauses) < 0.7
