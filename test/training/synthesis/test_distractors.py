# SPDX-License-Identifier: Apache-2.0
"""What lies on the table beside the object that is used."""

from itertools import combinations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from affordance_seg_ros.training.synthesis.distractors import draw_distractors
from affordance_seg_ros.training.synthesis.object_shapes import SHAPES
from affordance_seg_ros.training.synthesis.packages import package
from affordance_seg_ros.training.synthesis.scene_parts import Piece, Role
from affordance_seg_ros.training.synthesis.variation import Variation

BUSY_M = (np.array([0.0, 0.0, 0.0]), np.array([-0.1, 0.05, 0.0]))


def others(scenes: str, seed: int) -> list[Piece]:
    return draw_distractors(Variation(np.random.default_rng(seed), "train", scenes), "cup", BUSY_M)


def packages(pieces: list[Piece]) -> list[Piece]:
    return [piece for piece in pieces if piece.name in ("carton", "tin")]


def test_packages_stand_in_wide_scenes_alone_and_afford_nothing() -> None:
    drawn = [packages(others("wide", seed)) for seed in range(24)]
    assert {piece.name for pieces in drawn for piece in pieces} == {"carton", "tin"}
    assert any(not pieces for pieces in drawn)
    for pieces in drawn:
        assert all((p.role, p.affordance) == (Role.SURROUNDINGS, "") for p in pieces)
    assert not any(packages(others("table", seed)) for seed in range(24))


@pytest.mark.parametrize("scenes", ["table", "wide"])
def test_nothing_stands_where_things_happen(scenes: str) -> None:
    for seed in range(24):
        for piece in others(scenes, seed):
            on_table = piece.mesh.vertices[:, :2]
            nearest = min(np.linalg.norm(on_table - busy[:2], axis=1).min() for busy in BUSY_M)
            assert nearest > 0.12
            assert piece.mesh.vertices[:, 2].min() > -1e-6


def test_every_object_lies_there_now_and_then_also_beside_one_of_its_kind() -> None:
    for used in SHAPES:
        seen: set[str] = set()
        for seed in range(400):
            vary = Variation(np.random.default_rng(seed), "train")
            seen |= {piece.name.split()[1] for piece in draw_distractors(vary, used, BUSY_M)}
            if seen == set(SHAPES):
                break
        assert seen == set(SHAPES)


def test_others_do_not_stand_in_each_other() -> None:
    for seed in range(60):
        things: dict[str, list[np.ndarray]] = {}
        for piece in others("table", seed):
            kind = piece.name.split()[1]
            things.setdefault(kind, []).append(piece.mesh.vertices[:, :2])
        trees = [cKDTree(np.concatenate(each)) for each in things.values()]
        for one, other in combinations(trees, 2):
            assert one.query(other.data)[0].min() > 0.01


def test_a_package_stands_on_the_table_and_is_as_large_as_one() -> None:
    for seed in range(40):
        parts = package(Variation(np.random.default_rng(seed), "train", "wide"))
        solid = np.concatenate([part.mesh.vertices for part in parts])
        extent = np.ptp(solid, axis=0)
        assert solid[:, 2].min() == pytest.approx(0.0, abs=1e-6)
        assert 0.012 < extent.min() < extent.max() < 0.261
