# SPDX-License-Identifier: Apache-2.0
"""What a person wears: a shirt with sleeves, trousers, hair; cut from the body's own surface."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import sparse

from affordance_seg_ros.training.synthesis.body import Body, is_face, is_hand
from affordance_seg_ros.training.synthesis.figure import Garment
from affordance_seg_ros.training.synthesis.mesh import (
    IntArray,
    cut,
    incidence,
    relaxed,
    smooth_normals,
)
from affordance_seg_ros.training.synthesis.primitives import sphere
from affordance_seg_ros.training.synthesis.rotations import Array
from affordance_seg_ros.training.synthesis.surface import Surface, cloth_color, rgb, skin_color

_HIDDEN_SKIN_M = 0.025  # skin this far under a hem is left out, so that it cannot poke through
_THIGH_Z_M = -0.15  # well under the table


class Outfit(NamedTuple):
    """How somebody looks.

    Attributes:
        skin: Skin tone.
        shirt: Look of the shirt.
        trousers: Look of the trousers.
        hair: Look of the hair; None for a bald head.
        sleeve: Length of the sleeves as a share of the arm, from shoulder to wrist.
        looseness_m: Distance of the shirt from the skin.
    """

    skin: Surface
    shirt: Surface
    trousers: Surface
    hair: Surface | None
    sleeve: float
    looseness_m: float


def draw_outfit(rng: np.random.Generator) -> Outfit:
    """Draw skin, clothes and hair."""
    cloth = ("weave", "weave", "plain", "check", "stripes")[int(rng.integers(5))]
    hair = rgb(rng.uniform(0.04, 0.1), rng.uniform(0.1, 0.6), rng.uniform(0.06, 0.5))
    return Outfit(
        skin=Surface(skin_color(rng), "skin", rng.uniform(0.2, 0.35), softness=1.0),
        shirt=Surface(cloth_color(rng, brightest=0.8), cloth, 0.03, softness=0.3),
        trousers=Surface(cloth_color(rng, brightest=0.5), "weave", 0.03, softness=0.2),
        hair=Surface(hair, "bristle", 0.25) if rng.random() < 0.85 else None,
        sleeve=float(rng.uniform(0.86, 0.97) if rng.random() < 0.5 else rng.uniform(0.22, 0.62)),
        looseness_m=float(rng.uniform(0.005, 0.010)),
    )


def dress(body: Body, outfit: Outfit) -> tuple[Garment, ...]:
    """Return skin and clothes of a person, each piece cut along a smooth hem."""
    faces, rest = body.data.faces, body.rest
    covered = _covered_m(body, outfit.sleeve)
    under = relaxed(rest, faces, covered > -0.004, 10)
    normals = smooth_normals(under, faces, incidence(faces, len(under)))
    flare = np.clip(1 - covered / 0.06, 0, 1)  # wider towards the hem
    loose = outfit.looseness_m * (1 + 0.5 * flare)
    shell = under + normals * loose[:, None]
    pieces = [_piece("shirt", body, shell, covered, outfit.shirt)]
    pieces += _skin(body, rest, _HIDDEN_SKIN_M - covered, outfit.skin)
    pieces += _legs(body, shell, outfit.trousers)
    scalp = _scalp_m(body)
    if outfit.hair is not None:
        thick = under + normals * (0.006 + 0.006 * np.clip(scalp / 0.05, 0, 1))[:, None]
        pieces.append(_piece("hair", body, thick, scalp, outfit.hair))
    pieces += _eyes(body)
    return tuple(pieces)


def _piece(
    name: str,
    body: Body,
    rest: Array,
    field: Array,
    surface: Surface,
    faces: IntArray | None = None,
) -> Garment:
    part = cut(body.data.faces if faces is None else faces, field)
    weights = sparse.csr_matrix(part.blend @ body.data.weights)
    return Garment(name, part.blend @ rest, weights, part.faces, surface)


def _covered_m(body: Body, sleeve: float) -> Array:
    """Return (V,) how far each vertex is under the shirt [m]; negative outside."""
    rest = body.rest
    covered = np.full(len(rest), 1.0)
    for side in "RL":
        points = [body.head(f"{bone}.{side}") for bone in ("upperarm01", "lowerarm01", "wrist")]
        lengths = [float(np.linalg.norm(b - a)) for a, b in pairwise(points)]
        best, along = np.full(len(rest), np.inf), np.zeros(len(rest))
        start = 0.0
        for (a, b), length in zip(pairwise(points), lengths, strict=True):
            axis = (b - a) / length
            share = (rest - a) @ axis
            inside = np.clip(share, 0, length if b is not points[-1] else 1.0)
            distance = np.linalg.norm(rest - a - inside[:, None] * axis, axis=1)
            along = np.where(distance < best, start + share, along)
            best = np.minimum(best, distance)
            start += length
        of_arm = body.weight_of(
            lambda name, side=side: (
                name.endswith(f".{side}")  # type: ignore[misc]
                and name.startswith(("upperarm", "lowerarm", "wrist", "finger", "metacarpal"))
            )
        )
        hem = sleeve * sum(lengths)
        covered = np.where(of_arm > 0.02, np.minimum(covered, hem - along), covered)
    # The neckline is a tilted plane, lower in front.
    collar = body.head("neck01")
    above = (rest - collar) @ np.array([0.0, 0.45, 0.9]) - 0.008
    near = np.linalg.norm((rest - collar)[:, :2], axis=1) < 0.13
    of_head = body.weight_of(is_face) > 0.05
    return np.where(of_head | near, np.minimum(covered, -above), covered)


def _skin(body: Body, rest: Array, field: Array, surface: Surface) -> list[Garment]:
    """Return the visible skin: both hands, and the rest of it."""
    faces = body.data.faces
    pieces = []
    left_over = np.ones(len(faces), bool)
    for side in "RL":
        of_hand = (body.weight_of(is_hand(side)) > 0.5)[faces].all(1)
        left_over &= ~of_hand
        name = "hand_right" if side == "R" else "hand_left"
        pieces.append(_piece(name, body, rest, field, surface, faces[of_hand]))
    return [*pieces, _piece("skin", body, rest, field, surface, faces[left_over])]


def _legs(body: Body, shell: Array, surface: Surface) -> list[Garment]:
    """Close the hips with thighs that run forward from where the body's mesh ends."""
    pieces = []
    for loop in _border_loops(body.data.faces):
        loop = [*loop[(top := int(np.argmax(shell[loop, 2]))) :], *loop[:top]]
        ring = shell[loop]
        centre = ring.mean(0)
        forward = np.array([0.0, -1.0, -0.06])
        rings, weights = [ring], [body.data.weights[loop]]
        # Upright rings, evenly spaced: the border itself lies askew in the groin.
        steps = np.linalg.norm(np.roll(ring, -1, 0) - ring, axis=1)
        turn = 2 * np.pi * np.r_[0, np.cumsum(steps)[:-1]] / steps.sum()
        inward = np.cross(ring[0] - centre, ring[len(ring) // 4] - centre) @ forward
        turn = np.pi / 2 + turn * (-np.sign(inward))
        for step, width in ((0.07, 1.0), (0.2, 0.95), (0.4, 0.85), (0.42, 0.4), (0.42, 0.01)):
            circle = np.stack([np.cos(turn) * 0.08, 0 * turn, np.sin(turn) * 0.07], 1)
            thigh = np.array([centre[0], centre[1], min(centre[2] - 0.015, _THIGH_Z_M)])
            rings.append(thigh + circle * width + forward * step)
            weights.append(body.data.weights[loop])
        count = len(loop)
        faces = []
        for row in range(len(rings) - 1):
            for k in range(count):
                a, b = row * count + k, row * count + (k + 1) % count
                faces += [(a, b, a + count), (b, b + count, a + count)]
        pieces.append(
            Garment("trousers", np.concatenate(rings), sparse.csr_matrix(sparse.vstack(weights)),
                    np.array(faces, np.int32), surface)
        )  # fmt: skip
    return pieces


def _border_loops(faces: IntArray) -> list[list[int]]:
    """Return the vertices of each hole of a mesh, in order."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    known = {(a, b) for a, b in edges.tolist()}
    following = {a: b for a, b in known if (b, a) not in known}
    loops = []
    while following:
        start = next(iter(following))
        loop = [start]
        while (onward := following.pop(loop[-1], start)) != start:
            loop.append(onward)
        loops.append(loop)
    return loops


def _scalp_m(body: Body) -> Array:
    """Return (V,) how far inside the hairline each vertex is [m]."""
    eyes = (body.head("eye.R") + body.head("eye.L")) / 2
    away = body.rest - eyes
    # Above the forehead, and behind the ears down to the neck.
    top = away @ np.array([0.0, 0.35, 0.94]) - 0.068
    back = np.minimum(away[:, 1] - 0.085, away[:, 2] + 0.05)
    field = np.maximum(top, back)
    return np.where(body.weight_of(is_face) > 0.5, field, -1.0)


def _eyes(body: Body) -> list[Garment]:
    pieces = []
    white = Surface(rgb(0.1, 0.05, 0.85), "plain", 0.7)
    iris = Surface(rgb(0.08, 0.5, 0.2), "plain", 0.8)
    for side in "RL":
        centre = body.head(f"eye.{side}")
        column = body.index("head")
        for radius, surface, ahead in ((0.0125, white, 0.0), (0.006, iris, 0.0075)):
            ball = sphere(radius, 16)
            count = len(ball.vertices)
            weights = sparse.csr_matrix(
                (np.ones(count), (np.arange(count), np.full(count, column))),
                (count, len(body.data.names)),
            )
            rest = ball.vertices + centre + np.array([0, -ahead, 0])
            pieces.append(Garment("eyes", rest, weights, ball.faces, surface))
    return pieces
