# SPDX-License-Identifier: Apache-2.0
"""Comparison of a viewer's configuration with the names that the viewer reads."""

from collections.abc import Iterator
from typing import Any

NUMBER = (int, float)


def unread(found: Any, known: Any, place: str = "") -> Iterator[str]:
    """Yield the places in a configuration that the viewer ignores.

    Args:
        found: The configuration, or a part of it.
        known: What the viewer reads: a dict of names, a list of what each item has, a set of the
            accepted values, or a type.
        place: Where `found` is.
    """
    if isinstance(known, dict) and isinstance(found, dict):
        for name, value in found.items():
            if name in known:
                yield from unread(value, known[name], f"{place}/{name}")
            else:
                yield f"{place}/{name}"
    elif isinstance(known, list) and isinstance(found, list):
        for value in found:
            yield from unread(value, known[0], place)
    elif isinstance(known, set):
        if found not in known:
            yield f"{place}: {found}"
    elif (
        isinstance(known, dict | list)
        or not isinstance(found, known)
        or (isinstance(found, bool) and known is not bool)
    ):
        yield f"{place}: {found}"


def looks_where_the_camera_looks(
    away: tuple[float, float, float], distance_m: float, focus_z_m: float
) -> bool:
    """Tell whether an orbiting view of an optical frame has its eye behind the lens and its top up.

    Args:
        away: Unit vector from the focus to the eye; the screen's up is the frame's z.
        distance_m: Distance from the focus to the eye.
        focus_z_m: z of the focus, which lies on the optical axis.
    """
    behind = focus_z_m + distance_m * away[2] < 0 < focus_z_m
    # z without its part along the line of sight; y of an optical frame points down.
    x, y, z = -away[2] * away[0], -away[2] * away[1], 1 - away[2] ** 2
    return behind and y < 0 and abs(y) > max(abs(x), z)
