# SPDX-License-Identifier: Apache-2.0
"""Shapes of charts as inline SVG: stretched to the width of the page, so the text stays outside."""

from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.floating[Any]]

WIDTH, HEIGHT = 1000, 100
"""Extent of a chart's own coordinates; its size is set by the page."""

_STROKE = 2

MOST_POINTS = 500
"""Longer series are drawn as the means of this many equal parts."""


def thinned(values: Values, most: int = MOST_POINTS) -> Values:
    """Return a series (F,) as at most `most` means of equal parts, NaN where a part is all NaN."""
    if len(values) <= most:
        return values.astype(np.float64)
    edges = np.linspace(0, len(values), most + 1).astype(int)
    known = ~np.isnan(values)
    sums = np.add.reduceat(np.where(known, values, 0).astype(np.float64), edges[:-1])
    counts = np.add.reduceat(known.astype(np.int64), edges[:-1])
    return np.divide(sums, counts, out=np.full(most, np.nan), where=counts > 0)


def area(values: Values, top: float, *, title: str, color: str) -> str:
    """Draw a series as a filled area.

    Args:
        values: (F,), NaN for a gap.
        top: Value of the upper edge; 0 is the lower one.
        title: Text for those who cannot see the chart.
        color: CSS colour.
    """
    pieces = _pieces(values, top)
    filled = " ".join(
        f"M{p[0][0]:.4g},{HEIGHT} L{_path(p)} L{p[-1][0]:.4g},{HEIGHT}Z" for p in pieces
    )
    edge = " ".join(f"M{_path(piece)}" for piece in pieces)
    shapes = f'<path fill="{escape(color)}" d="{filled}"/><path class="edge" d="{edge}"/>'
    return _svg(shapes if pieces else "", title)


def line(values: Values, top: float, *, title: str) -> str:
    """Draw a series as a line; arguments as for `area`."""
    path = " ".join(f"M{_path(piece)}" for piece in _pieces(values, top))
    return _svg(f'<path class="line" d="{path}"/>' if path else "", title)


def bars(counts: npt.NDArray[np.integer[Any]], *, title: str, names: list[str]) -> str:
    """Draw counts (B,) as bars side by side, each with its name as a tooltip."""
    top = max(int(counts.max(initial=0)), 1)
    step = WIDTH / max(len(counts), 1)
    shapes = []
    for index, (count, name) in enumerate(zip(counts, names, strict=True)):
        height = HEIGHT * int(count) / top
        shapes.append(
            f'<rect class="bar" x="{index * step:.4g}" width="{0.92 * step:.4g}" '
            f'y="{HEIGHT - height:.4g}" height="{height:.4g}"><title>{escape(name)}</title></rect>'
        )
    return _svg("".join(shapes), title)


def _pieces(values: Values, top: float) -> list[list[tuple[float, float]]]:
    """Return the corners (x, y) of a series, split at its gaps; a lone point is a short stroke."""
    values = thinned(values)
    scaled = HEIGHT * (1 - np.clip(values / top if top > 0 else 0 * values, 0, 1))
    pieces: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(np.linspace(0, WIDTH, len(values)), scaled, strict=True):
        if np.isnan(y):
            pieces.append([])
        else:
            pieces[-1].append((x, y))
    stroke = WIDTH if len(values) == 1 else _STROKE
    return [
        piece if len(piece) > 1 else [piece[0], (piece[0][0] + stroke, piece[0][1])]
        for piece in pieces
        if piece
    ]


def _path(piece: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:.4g},{y:.3g}" for x, y in piece)


def _svg(shapes: str, title: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img">'
        f"<title>{escape(title)}</title>{shapes}</svg>"
    )
