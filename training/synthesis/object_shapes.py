# SPDX-License-Identifier: Apache-2.0
"""Every object's shape, by the name it has in the catalogue."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from affordance_seg_ros.training.synthesis import shapes_flat, shapes_tools, shapes_vessels
from affordance_seg_ros.training.synthesis.objects import HandledObject
from affordance_seg_ros.training.synthesis.variation import Variation

SHAPES: Mapping[str, Callable[[Variation], HandledObject]] = MappingProxyType(
    {
        "hammer": shapes_tools.hammer,
        "knife": shapes_tools.knife,
        "cup": shapes_vessels.cup,
        "pitcher": shapes_vessels.pitcher,
        "bottle": shapes_vessels.bottle,
        "can": shapes_vessels.can,
        "brush": shapes_tools.brush,
        "sponge": shapes_flat.sponge,
        "ball": shapes_flat.ball,
        "book": shapes_flat.book,
        "smartphone": shapes_flat.smartphone,
    }
)
