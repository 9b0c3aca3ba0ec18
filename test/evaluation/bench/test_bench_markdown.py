# SPDX-License-Identifier: Apache-2.0
"""Markdown tables."""

import pytest

from affordance_seg_ros.evaluation.bench.markdown import number, table


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.012345, "0.0123"), (1.5, "1.50"), (12.345, "12.3"), (316571.2, "316571"),
     (-2.0, "-2.00"), (float("inf"), "inf")],
)  # fmt: skip
def test_numbers_have_three_digits_and_no_exponent(value: float, text: str) -> None:
    assert number(value) == text


def test_a_table_has_a_line_for_the_headers_one_below_and_one_for_each_row() -> None:
    lines = table(("a", "b"), [(1, None), ("x", float("nan")), (2.0, True)]).splitlines()
    assert lines[:2] == ["| a | b |", "| --- | --- |"]
    assert lines[2:] == ["| 1 | not measured |", "| x | not measured |", "| 2.00 | True |"]
