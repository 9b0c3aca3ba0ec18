# SPDX-License-Identifier: Apache-2.0
"""Tables put into the page."""

from pathlib import Path

import write_page

ROOT = Path(__file__).parents[2]
PAGE = "before\n" + "".join(f"<!-- table {n} -->\nold {n}\n<!-- end -->\n" for n in "ab")


def test_a_table_that_was_measured_replaces_the_old_one_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("| new \\1 |\n")
    page = write_page.filled(PAGE, [tmp_path / "missing", tmp_path])
    assert page == PAGE.replace("old a", "| new \\1 |")
    assert write_page.filled(page, [tmp_path]) == page


def test_the_page_has_a_place_for_every_table() -> None:
    text = (ROOT / "docs/benchmarks.md").read_text()
    names = [match[2] for match in write_page._MARKED.finditer(text)]
    both = ("about", "compact", "paper", "node", "accuracy", "cameras")
    expected = [*both, *(f"{name}_gpu" for name in both)]
    expected += ["targets", "jetson", "size", "width", "stream"]
    assert sorted(names) == sorted(expected)
