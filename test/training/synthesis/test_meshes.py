# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from affordance_seg_ros.training.synthesis.mesh import Mesh, creased, cut, face_normals, merge
from affordance_seg_ros.training.synthesis.primitives import (
    cylinder,
    lathe,
    plate,
    rounded_box,
    sphere,
    tube,
)
from affordance_seg_ros.training.synthesis.rotations import about_x

SQUARE = np.array([(0, 0), (0.1, 0), (0.1, 0.1), (0, 0.1)])
SOLIDS = {
    "lathe": (lathe([(0, 0), (0.05, 0), (0.05, 0.1), (0, 0.1)], 200), np.pi * 0.05**2 * 0.1),
    "cylinder": (cylinder(0.05, 0.1, 1e-5, 200), np.pi * 0.05**2 * 0.1),
    "sphere": (sphere(0.05, 120), 4 / 3 * np.pi * 0.05**3),
    "tube": (tube([(0, 0, 0), (0, 0, 0.05), (0, 0, 0.1)], 0.02, segments=120), np.pi * 4e-5),
    "rounded_box": (rounded_box((0.1, 0.2, 0.3), 1e-4), 0.006),
    "plate": (plate(SQUARE, 0.02), 0.0002),
    "plate of a clockwise outline": (plate(SQUARE[::-1], 0.02), 0.0002),
}


def volume(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def area(vertices: np.ndarray, faces: np.ndarray) -> float:
    return float(np.linalg.norm(face_normals(vertices, faces), axis=1).sum() / 2)


@pytest.mark.parametrize("name", SOLIDS)
def test_solids_enclose_their_volume_with_faces_turned_outwards(name: str) -> None:
    mesh, expected = SOLIDS[name]
    assert volume(mesh) == pytest.approx(expected, rel=0.01)


def test_moving_and_merging_keep_the_volume() -> None:
    mesh = rounded_box((0.1, 0.1, 0.1))
    both = merge([mesh, mesh.moved(about_x(0.7), (1, 2, 3), 2)])
    assert volume(both) == pytest.approx(volume(mesh) * 9)


def test_a_crease_is_kept_sharp_and_a_curve_smooth() -> None:
    _, box_normals = creased(rounded_box((0.1, 0.1, 0.1), 0.02, 4))
    ball, ball_normals = creased(sphere(0.05, 64))
    outwards = ball.vertices / np.linalg.norm(ball.vertices, axis=1, keepdims=True)
    assert (ball_normals * outwards).sum(1).min() > 0.995
    assert np.allclose(np.linalg.norm(box_normals, axis=1), 1)
    cube, normals = creased(rounded_box((0.1, 0.1, 0.1), 1e-9, 1))
    big = np.linalg.norm(face_normals(cube.vertices, cube.faces), axis=1) > 1e-6
    for face in cube.faces[big]:
        assert np.abs(normals[face]).max(1) == pytest.approx(1)


def test_a_cut_and_its_complement_are_the_whole() -> None:
    mesh = sphere(0.05, 48)
    field = mesh.vertices @ np.array([0.3, 0.5, 0.8]) - 0.011
    parts = [cut(mesh.faces, sign * field) for sign in (1, -1)]
    areas = [area(part.blend @ mesh.vertices, part.faces) for part in parts]
    assert sum(areas) == pytest.approx(area(mesh.vertices, mesh.faces))


def test_the_hem_of_a_cut_lies_on_the_zero_line() -> None:
    mesh = sphere(0.05, 48)
    field = mesh.vertices[:, 2] - 0.013
    part = cut(mesh.faces, field)
    values = part.blend @ field
    assert values.min() > -1e-12
    assert (np.abs(values) < 1e-12).sum() > 40
