# SPDX-License-Identifier: Apache-2.0
import numpy as np

from affordance_seg_ros.training.synthesis.contact import ContactSurface
from affordance_seg_ros.training.synthesis.distance_field import DistanceField
from affordance_seg_ros.training.synthesis.mesh import merge
from affordance_seg_ros.training.synthesis.primitives import cylinder, rounded_box, sphere

RNG = np.random.default_rng(0)
POINTS = RNG.uniform(-0.06, 0.06, (3000, 3))


def test_distance_of_a_ball_is_its_radius_less() -> None:
    field = DistanceField(sphere(0.04, 60))
    expected = np.linalg.norm(POINTS, axis=1) - 0.04
    assert np.abs(field(POINTS) - expected).max() < 0.003


def test_what_lies_in_two_solids_is_inside_as_well() -> None:
    apart = [sphere(0.03, 40).moved(None, (x, 0, 0)) for x in (-0.012, 0.012)]
    inside = DistanceField(merge(apart))(POINTS) < 0
    centres = [np.linalg.norm(POINTS - (x, 0, 0), axis=1) - 0.03 for x in (-0.012, 0.012)]
    expected = np.minimum(*centres)
    clear = np.abs(expected) > 0.003
    assert (inside == (expected < 0))[clear].all()


def test_inner_walls_where_parts_meet_do_not_count_as_outside() -> None:
    # A plate on a plate: the faces between them look at each other.
    lower = rounded_box((0.06, 0.06, 0.01), 0.0005).moved(None, (0, 0, 0.005))
    upper = rounded_box((0.05, 0.05, 0.001), 0.0002).moved(None, (0, 0, 0.0105))
    surface = ContactSurface(merge([lower, upper]), np.random.default_rng(0))
    above = np.array([[0, 0, 0.016], [0.01, 0.01, 0.013]])
    assert np.allclose(surface.distance(above), [0.005, 0.002], atol=0.0008)
    assert surface.distance(np.array([[0, 0, 0.005]]))[0] < -0.002


def test_close_by_the_surface_is_finer_than_the_grid() -> None:
    surface = ContactSurface(cylinder(0.03, 0.1, 1e-4, 90), np.random.default_rng(0))
    turn = np.linspace(0, 2 * np.pi, 200)
    for gap in (-0.001, 0.001, 0.003):
        ring = np.stack([np.cos(turn), np.sin(turn), 0 * turn], 1) * (0.03 + gap)
        assert np.abs(surface.distance(ring) - gap).max() < 0.0004
