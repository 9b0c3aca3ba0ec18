# SPDX-License-Identifier: Apache-2.0
"""Puts measured tables into docs/benchmarks.md, between their markers.

`all_tables.py` and `sweep.py` write their tables as NAME.md to their folders; a table without a
file there stays unchanged on the page.
"""

import argparse
import re
import sys
from pathlib import Path

_PAGE = Path(__file__).resolve().parent.parent / "docs/benchmarks.md"
_MARKED = re.compile(r"(<!-- table (\S+) -->\n).*?(\n<!-- end -->)", re.DOTALL)


def filled(page: str, folders: list[Path]) -> str:
    """Return the page with the tables that the folders hold.

    Args:
        page: The page.
        folders: Where to look for tables; the first folder that has a table counts.
    """

    def replace(match: re.Match[str]) -> str:
        files = (folder / f"{match[2]}.md" for folder in folders)
        found = next((file for file in files if file.exists()), None)
        return match[0] if found is None else match[1] + found.read_text().strip() + match[3]

    return _MARKED.sub(replace, page)


def main() -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    folders = [Path("out/bench"), Path("out/sweep")]
    parser.add_argument("folders", type=Path, nargs="*", default=folders)
    arguments = parser.parse_args()
    _PAGE.write_text(filled(_PAGE.read_text(), arguments.folders))
    return 0


if __name__ == "__main__":
    sys.exit(main())
