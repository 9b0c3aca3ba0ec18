# SPDX-License-Identifier: Apache-2.0
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from affordance_seg_ros.evaluation.svg import HEIGHT, MOST_POINTS, WIDTH, area, bars, line, thinned

HOSTILE = '<script>&"'


def corners(drawn: str) -> list[tuple[float, float]]:
    path = ElementTree.fromstring(drawn).findall("path")[-1].attrib["d"]
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.e+]+),([\d.e+-]+)", path)]


def test_a_line_spans_the_chart_from_zero_below_to_the_top_above() -> None:
    drawn = corners(line(np.array([0.0, 1.0, 2.0]), 2.0, title="a"))
    assert drawn == [(0, HEIGHT), (WIDTH / 2, HEIGHT / 2), (WIDTH, 0)]


def test_a_gap_is_not_drawn_over() -> None:
    drawn = line(np.array([1.0, 1.0, np.nan, 1.0, 1.0]), 1.0, title="a")
    assert drawn.count("M") == 2
    assert "nan" not in drawn


@pytest.mark.parametrize("values", [[], [np.nan], [0.5], [np.nan, 0.5, np.nan]])
def test_series_of_any_length_are_drawn(values: list[float]) -> None:
    for drawn in (
        area(np.array(values), 1.0, title="a", color="#fff"),
        line(np.array(values), 0.0, title="a"),
    ):
        ElementTree.fromstring(drawn)
        assert "nan" not in drawn


def test_a_long_series_is_drawn_in_few_points_and_keeps_its_mean() -> None:
    values = np.random.default_rng(0).random(10 * MOST_POINTS)
    values[:10] = np.nan
    few = thinned(values)
    assert len(few) == MOST_POINTS
    assert np.isnan(few[0])
    assert few[1:].mean() == pytest.approx(values[10:].mean())


def test_the_highest_bar_is_as_high_as_the_chart() -> None:
    drawn = ElementTree.fromstring(bars(np.array([1, 4, 0]), title="a", names=["x", "y", "z"]))
    heights = [float(bar.attrib["height"]) for bar in drawn.findall("rect")]
    assert heights == [HEIGHT / 4, HEIGHT, 0]


def test_names_are_escaped_and_read_out() -> None:
    for drawn in (
        area(np.ones(3), 1.0, title=HOSTILE, color=HOSTILE),
        line(np.ones(3), 1.0, title=HOSTILE),
        bars(np.ones(1, int), title=HOSTILE, names=[HOSTILE]),
    ):
        picture = ElementTree.fromstring(drawn)
        assert picture.attrib["role"] == "img"
        assert picture.findtext("title") == HOSTILE
