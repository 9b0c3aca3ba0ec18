# SPDX-License-Identifier: Apache-2.0
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial import cKDTree

from affordance_seg_ros.sources.clip import ROLES
from affordance_seg_ros.training.synthesis.arm import UpperBody
from affordance_seg_ros.training.synthesis.body import SHAPES as BODY_SHAPES
from affordance_seg_ros.training.synthesis.body import Body
from affordance_seg_ros.training.synthesis.catalogue import (
    Demonstration,
    catalogue,
    demonstrations,
)
from affordance_seg_ros.training.synthesis.contact import ContactSurface
from affordance_seg_ros.training.synthesis.hand import FLAT, RELAXED, Hand, HandPose
from affordance_seg_ros.training.synthesis.object_shapes import SHAPES
from affordance_seg_ros.training.synthesis.performance import Performance
from affordance_seg_ros.training.synthesis.production import draw_clip
from affordance_seg_ros.training.synthesis.rotations import frame, invert, move
from affordance_seg_ros.training.synthesis.scenario import draw_manner
from affordance_seg_ros.training.synthesis.settings import SynthesisConfig
from affordance_seg_ros.training.synthesis.softness import squeezed
from affordance_seg_ros.training.synthesis.timeline import draw_timeline
from affordance_seg_ros.training.synthesis.variation import Variation

# One of each style of grip on thick and thin things; all 33 take half a minute.
HELD = [
    ("hammer", "hammer"), ("knife", "cut"), ("cup", "lift"), ("cup", "rotate"),
    ("pitcher", "grasp"), ("bottle", "lift"), ("bottle", "rotate"), ("can", "grasp"),
    ("brush", "paint"), ("sponge", "squeeze"), ("ball", "grasp"), ("smartphone", "grasp"),
    ("smartphone", "type"), ("book", "lift"), ("book", "push"), ("cup", "push"),
]  # fmt: skip


@cache
def person() -> UpperBody:
    body = Body((0.5, 0.3, 0.2), (0.05, 0.5, 0.4))
    return UpperBody(body, lean_rad=0.15, gaze_rad=0.4, swivel_rad=0.3)


def perform(pair: tuple[str, str], seed: int = 0) -> tuple[Performance, ContactSurface]:
    rng = np.random.default_rng(seed)
    thing = SHAPES[pair[0]](Variation(rng, "train"))
    use = catalogue()[pair[0]].actions[pair[1]]
    manner, _ = draw_manner(rng, thing, pair[1])
    line = draw_timeline(rng)
    performance = Performance(person(), thing, pair[1], use.grip, manner, line, rng)
    return performance, ContactSurface(thing.solid(), np.random.default_rng(1))


def gaps_mm(hand: Hand, pose: HandPose, T_world_object: np.ndarray, surface: ContactSurface):
    """Return the least distance of palm and fingers from the object, palm first."""
    skin = hand.skin(pose.fingers) @ pose.rotation.T + pose.wrist_m
    distance = surface.distance(move(invert(T_world_object), skin)) * 1000
    return np.array([distance[hand.owners == k].min() for k in range(-1, 5)])


@pytest.mark.parametrize("pair", HELD, ids="/".join)
def test_hands_touch_what_they_use_and_do_not_go_through_it(pair: tuple[str, str]) -> None:
    performance, surface = perform(pair)
    line = performance._timeline
    soft = pair == ("sponge", "squeeze")
    # At the first touch, and in the middle of a typing finger's arc nothing is touched.
    times = [line.knots[2]] if pair[1] == "type" or soft else [line.knots[2], line.knots[2] + 0.2]
    for time in times:
        moment = performance.at(float(time))
        gaps = gaps_mm(person().right, moment.right, moment.thing.T_world_object, surface)
        assert gaps.min() < 2
        assert gaps.min() > -6
        if pair[1] not in ("type", "push") and pair[0] != "book":
            assert (gaps < 2.5).sum() >= 2, gaps


def test_a_left_handed_person_holds_what_they_use() -> None:
    config = SynthesisConfig(seed=4, objects=("cup",), actions=("grasp",))
    scenario, _, _ = draw_clip(config, 7)
    assert scenario.left_handed
    stage = scenario.stage
    roles = stage.roles[stage.model.part_id]
    touched, let_go = scenario.timeline.knots[[2, 3]]
    places = stage.shape(float(touched + let_go) / 2).positions
    hands, thing = (places[roles == ROLES.index(role)] for role in ("hand", "object"))
    away_mm = 1000 * cKDTree(thing).query(hands)[0]
    assert away_mm.min() < 5


def test_a_book_is_lifted_between_both_hands() -> None:
    performance, surface = perform(("book", "lift"))
    moment = performance.at(float(performance._timeline.knots[2] + 0.2))
    T = moment.thing.T_world_object
    assert T[2, 3] > 0.02
    for hand, pose in ((person().right, moment.right), (person().left, moment.left)):
        assert -6 < gaps_mm(hand, pose, T, surface).min() < 2


@pytest.mark.parametrize("pair", [("cup", "grasp"), ("sponge", "grasp"), ("book", "lift")])
def test_nothing_that_is_held_in_the_air_is_ever_quite_still(pair: tuple[str, str]) -> None:
    performance, _ = perform(pair)
    line = performance._timeline
    start_m = performance.at(0.0).thing.T_world_object[2, 3]
    moments = [performance.at(t) for t in np.arange(line.knots[2], line.knots[3], 0.05)]
    poses = [moment.thing.T_world_object for moment in moments]
    lifted = [pose[2, 3] > start_m + 0.01 for pose in poses]
    steps = [np.abs(b - a).max() for a, b in pairwise(poses)]
    assert sum(lifted) >= 3
    assert all(step > 1e-4 for step, up in zip(steps, lifted, strict=False) if up)
    assert np.ptp([moment.idle_rad for moment in moments], axis=0).min() > 1e-4


def test_fingers_follow_a_sponge_that_gives_way() -> None:
    performance, _ = perform(("sponge", "squeeze"))
    line, thing = performance._timeline, performance._thing
    times = np.linspace(line.knots[2], line.knots[3], 80)
    time = max(times, key=lambda each: performance.at(float(each)).thing.squeeze)
    moment = performance.at(float(time))
    assert moment.thing.squeeze > 0.75
    solid = thing.solid()
    soft = solid._replace(vertices=squeezed(solid.vertices, thing, moment.thing.squeeze))
    surface = ContactSurface(soft, np.random.default_rng(1))
    gaps = gaps_mm(person().right, moment.right, moment.thing.T_world_object, surface)
    assert gaps.min() > -8
    assert (gaps < 4).sum() >= 3


PINCHED = [("brush", "grasp"), ("knife", "grasp"), ("smartphone", "grasp"), ("ball", "grasp")]


@pytest.mark.parametrize("pair", PINCHED, ids="/".join)
def test_what_is_held_in_the_air_is_held_from_two_sides(pair: tuple[str, str]) -> None:
    for seed in range(3):
        performance, surface = perform(pair, seed)
        line = performance._timeline
        moment = performance.at(float(line.knots[2] + 0.5 * (line.knots[3] - line.knots[2])))
        hand = person().right
        skin = hand.skin(moment.right.fingers) @ moment.right.rotation.T + moment.right.wrist_m
        skin = move(invert(moment.thing.T_world_object), skin)
        skin = skin[np.abs(surface.distance(skin)) < 0.0025]
        steps = 0.001 * np.eye(3)
        slope = [surface.distance(skin + s) - surface.distance(skin - s) for s in steps]
        away = np.stack(slope, 1) / np.maximum(np.linalg.norm(slope, axis=0), 1e-9)[:, None]
        assert (away @ away.T).min() < -0.5


@pytest.mark.parametrize("name", ["cup", "bottle", "can", "ball"])
def test_a_wrist_follows_what_it_turns(name: str) -> None:
    upper, hand = person(), person().right
    elbow = upper.body.index(f"lowerarm01.{hand.side}")
    worst_deg = []
    for seed in range(8):
        performance, _ = perform((name, "rotate"), seed)
        first, last = performance._timeline.knots[2:4]
        bends = []
        for time in np.linspace(first, last, 7):
            right, left = performance.at(float(time))[1:3]
            forearm = right.wrist_m - upper.pose(right, left).positions[elbow]
            cosine = forearm @ right.rotation[:, 0] / np.linalg.norm(forearm)
            bends.append(np.degrees(np.arccos(cosine)))
        worst_deg.append(max(bends))
    assert max(worst_deg) < 95


def test_hands_rest_beside_the_object() -> None:
    for pair in demonstrations()[::4]:
        performance, surface = perform(pair, 5)
        for time in (0.0, 1.0):
            moment = performance.at(time)
            T = moment.thing.T_world_object
            for hand, home in (
                (person().right, performance._home_right),
                (person().left, performance._home_left),
            ):
                assert gaps_mm(hand, home, T, surface).min() > 9


TOOLS_AT_WORK = [("hammer", "hammer"), ("knife", "cut"), ("brush", "paint")]


@pytest.mark.parametrize("pair", [*demonstrations()[::5], *TOOLS_AT_WORK], ids="/".join)
def test_hands_keep_above_the_table(pair: Demonstration) -> None:
    for seed in range(4 if pair in TOOLS_AT_WORK else 1):
        performance, _ = perform(pair, seed)
        for time in np.linspace(0, 1, 15):
            moment = performance.at(float(time))
            for hand, pose in ((person().right, moment.right), (person().left, moment.left)):
                skin = hand.skin(pose.fingers) @ pose.rotation.T + pose.wrist_m
                # Fingers around a thing that lies there reach under it as soon as they can.
                assert skin[:, 2].min() > -0.013


@pytest.mark.parametrize("pair", demonstrations()[::5], ids="/".join)
def test_hands_move_without_jumps(pair: Demonstration) -> None:
    performance, _ = perform(pair)
    places = [performance.at(float(t)).right.wrist_m for t in np.linspace(0, 1, 101)]
    assert np.linalg.norm(np.diff(places, axis=0), axis=1).max() < 0.07


def test_both_hands_are_where_they_are_asked_to_be() -> None:
    upper = person()
    right = HandPose(np.array([-0.2, 0.1, 0.1]), frame((0.2, -1, 0), (1, 0.2, 0)), RELAXED)
    left = HandPose(np.array([0.3, 0.2, 0.05]), frame((-0.2, -1, 0), (-1, 0.2, 0)), FLAT)
    posed = upper.pose(right, left)
    skin = upper.body.skin(posed)
    for hand, pose in ((upper.right, right), (upper.left, left)):
        wrist = upper.body.index(f"wrist.{hand.side}")
        assert np.allclose(posed.positions[wrist], pose.wrist_m)
        expected = hand.skin(pose.fingers) @ pose.rotation.T + pose.wrist_m
        # Skin near the wrist follows the forearm too.
        near = np.linalg.norm(skin[hand.vertex_ids] - expected, axis=1)
        assert np.median(near) < 0.001


def test_a_body_at_rest_is_its_rest_shape() -> None:
    body = Body((1, 0, 0), (0, 0.5, 0.4))
    rotations = np.tile(np.eye(3), (len(body.data.names), 1, 1))
    posed = type(person().pose(*_rest()))(rotations, body.heads)
    assert np.allclose(body.skin(posed), body.rest, atol=1e-6)


def test_mixed_bodies_differ() -> None:
    shapes = [Body(np.eye(3)[k], (0, 0.5, 0.4)).rest for k in range(len(BODY_SHAPES))]
    for a, b in ((0, 1), (1, 2), (0, 2)):
        assert np.linalg.norm(shapes[a] - shapes[b], axis=1).max() > 0.03


def _rest() -> tuple[HandPose, HandPose]:
    right = HandPose(np.array([-0.2, 0.1, 0.1]), frame((0.2, -1, 0), (1, 0.2, 0)), RELAXED)
    left = HandPose(np.array([0.3, 0.2, 0.05]), frame((-0.2, -1, 0), (-1, 0.2, 0)), RELAXED)
    return right, left
