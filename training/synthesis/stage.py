# SPDX-License-Identifier: Apache-2.0
"""Everything in front of the camera as one mesh: what renderers draw, and what parts mean."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.training.synthesis.arm import UpperBody
from affordance_seg_ros.training.synthesis.catalogue import Demonstration, catalogue
from affordance_seg_ros.training.synthesis.figure import Figure
from affordance_seg_ros.training.synthesis.mesh import Mesh, creased
from affordance_seg_ros.training.synthesis.objects import HandledObject
from affordance_seg_ros.training.synthesis.performance import Performance
from affordance_seg_ros.training.synthesis.rendering import Model, Shape
from affordance_seg_ros.training.synthesis.rotations import Array, about_z, move
from affordance_seg_ros.training.synthesis.scene_parts import Piece, Role
from affordance_seg_ros.training.synthesis.softness import squeezed, squeezed_normals
from affordance_seg_ros.training.synthesis.surface import as_rows
from affordance_seg_ros.training.synthesis.textures import LAYERS, paint_textures

_HANDS = ("hand_right", "hand_left")
_HAND_ABOVE_M = 0.13


class Stage:
    """The parts of a scene, their meaning, and where they are over time.

    Args:
        thing: The object that is used.
        performance: What is done with it.
        person: Who does it.
        figure: The same person, dressed.
        pieces: Everything that does not move.
        demonstration: Object and action, for the labels.
        rng: Source of randomness for textures.
        mirrored: Whether everything is mirrored, which makes the person left-handed.
        labels: Label ids.

    Attributes:
        model: What does not change, for a renderer.
        part_names: Name of each part, in the order of ids from 1.
        demonstrated: (256,) label id of each part id, only for parts that the action labels.
        affordances: (256,) label id of each part id, according to what the part affords.
        roles: (256,) role of each part id, an index of `ROLES`.
        brightness: (256,) reflectance of each part id in [0, 1].
        shine: (256,) how much each part id mirrors, in [0, 1].
    """

    def __init__(
        self,
        thing: HandledObject,
        performance: Performance,
        person: UpperBody,
        figure: Figure,
        pieces: Sequence[Piece],
        demonstration: Demonstration,
        rng: np.random.Generator,
        *,
        mirrored: bool,
        labels: LabelSet,
    ) -> None:
        self._thing, self._performance, self._person, self._figure = (
            thing, performance, person, figure,
        )  # fmt: skip
        self._mirror = np.array([-1.0, 1, 1]) if mirrored else np.ones(3)
        entry = catalogue()[thing.name]
        use = entry.actions[demonstration.action]
        self.part_names: list[str] = []
        self._roles: list[Role] = []
        self.demonstrated, self.affordances = (np.zeros(256, np.uint8) for _ in range(2))
        meshes: list[Mesh] = []
        looks: list[npt.NDArray[np.float32]] = []
        ids: list[npt.NDArray[np.uint8]] = []

        def add(mesh: Mesh, look: npt.NDArray[np.float32], name: str, role: Role) -> int:
            part_id = len(self.part_names) + 1
            self.part_names.append(name)
            self._roles.append(role)
            meshes.append(mesh)
            looks.append(look)
            ids.append(np.full(len(mesh.vertices), part_id, np.uint8))
            return part_id

        # What is nearest to the camera comes first: what it hides is not shaded.
        self._rigid: list[tuple[str, Mesh, Array]] = []
        for part in thing.parts:
            mesh, normals = creased(part.mesh)
            self._rigid.append((part.name, mesh, normals))
            look = as_rows(part.surface, LAYERS[part.surface.texture], len(mesh.vertices))
            part_id = add(mesh, look, part.name, Role.OBJECT)
            self.affordances[part_id] = labels.label_id(entry.affordances[part.name])
            if part.name in use.parts:
                self.demonstrated[part_id] = labels.label_id(demonstration.action)
        self._add_figure(figure, add)
        self._still: list[tuple[Array, Array]] = []
        for piece in pieces:
            mesh, normals = creased(piece.mesh)
            self._still.append((mesh.vertices * self._mirror, normals * self._mirror))
            look = as_rows(piece.surface, LAYERS[piece.surface.texture], len(mesh.vertices))
            part_id = add(mesh, look, piece.name, piece.role)
            if piece.affordance:
                self.affordances[part_id] = labels.label_id(piece.affordance)
        offsets = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
        self.model = Model(
            faces=np.concatenate(
                [m.faces + o for m, o in zip(meshes, offsets, strict=True)]
            ).astype(np.int32),
            uv=np.concatenate([mesh.uv for mesh in meshes]),
            look=np.concatenate(looks),
            part_id=np.concatenate(ids),
            textures=paint_textures(rng, {int(look[0, 3]) for look in looks}),
        )

        self.roles = np.zeros(256, np.uint8)
        self.roles[1 : len(self._roles) + 1] = [role.role_id for role in self._roles]
        self.brightness, self.shine = (np.zeros(256, np.float32) for _ in range(2))
        for part_id, look in enumerate(looks, 1):
            self.brightness[part_id] = min(look[0, :3].mean() ** 0.5, 1.0)
            self.shine[part_id] = look[0, 4] * (0.25 + 0.75 * look[0, 5])

    def shape(self, time: float) -> Shape:
        """Return where every vertex is at a time in [0, 1]."""
        moment = self._performance.at(time)
        state = moment.thing
        T = state.T_world_object
        positions, normals = [], []
        for name, mesh, rest_normals in self._rigid:
            vertices = squeezed(mesh.vertices, self._thing, state.squeeze)
            turned = squeezed_normals(mesh.vertices, rest_normals, self._thing, state.squeeze)
            if name in self._thing.turning and state.turn_rad:
                R = about_z(state.turn_rad)
                vertices, turned = vertices @ R.T, turned @ R.T
            positions.append((vertices @ T[:3, :3].T + T[:3, 3]) * self._mirror)
            normals.append((turned @ T[:3, :3].T) * self._mirror)
        skeleton = self._person.pose(moment.right, moment.left, moment.idle_rad)
        vertices, skin_normals = self._figure.posed(skeleton)
        positions.append(vertices * self._mirror)
        normals.append(skin_normals * self._mirror)
        positions += [still for still, _ in self._still]
        normals += [still for _, still in self._still]
        return Shape(np.concatenate(positions), np.concatenate(normals))

    def object_pose(self, time: float) -> Array:
        """Return the (4, 4) pose of the object, not mirrored."""
        return self._performance.at(time).thing.T_world_object

    def object_vertices(self, time: float) -> Array:
        """Return the object's (V, 3) vertices at a time in [0, 1], as if it were hard."""
        return move(self.object_pose(time), self._thing.solid().vertices) * self._mirror

    def scene_centre(self) -> Array:
        """Return the (3,) middle of where the object ends, of a hand above it, and of its work.

        It does not depend on the action: seen from a camera that follows what is done, the place of
        the object in the last picture would reveal the action.
        """
        T, thing = self.object_pose(1.0), self._thing
        solid = thing.solid().vertices
        end = move(T, (solid.min(0) + solid.max(0)) / 2)
        places = [end, end + np.array([0, 0, _HAND_ABOVE_M])]
        if thing.tool_m.any():
            grip = thing.grips["handle"].point_m
            reach_m = float(np.linalg.norm(thing.tool_m - grip))
            places.append(move(T, grip) + np.array([0.06, -0.05 - reach_m, 0.0]))
        centre: Array = np.mean([np.min(places, 0), np.max(places, 0)], 0) * self._mirror
        return centre

    def object_extent_m(self) -> float:
        """Return how large the object looks: the geometric mean of its two larger extents."""
        extents = np.sort(np.ptp(self._thing.solid().vertices, axis=0))
        return float(np.sqrt(extents[1] * extents[2]))

    def _add_figure(self, figure: Figure, add: object) -> None:
        """Add the person, piece by piece."""
        assert callable(add)
        start = 0
        for index, piece in enumerate(figure.pieces):
            count = int((figure.owners == index).sum())
            faces = piece.faces
            mesh = Mesh(figure.rest[start : start + count], faces, figure.uv[start : start + count])
            role = Role.HAND if piece.name in _HANDS else Role.PERSON
            look = as_rows(piece.surface, LAYERS[piece.surface.texture], count)
            add(mesh, look, piece.name, role)
            start += count
