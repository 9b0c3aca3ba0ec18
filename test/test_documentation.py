# SPDX-License-Identifier: Apache-2.0
"""Links of the documentation lead somewhere, and every page is found from the README."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").rglob("*.md"))


def links(text: str) -> list[str]:
    """Return what a page links to; addresses on the web, code and programs left out."""
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.S | re.M)
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", prose) if "://" not in link]


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    without_programs = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    headings = re.findall(r"^#+ (.*)$", without_programs, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: Path, text: str) -> list[str]:
    """Return the links of a page that lead nowhere."""
    found = []
    for link in links(text):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            found.append(link)
    return found


@pytest.mark.parametrize("page", [README, *PAGES], ids=lambda page: page.stem)
def test_links_lead_to_a_file_and_a_heading(page):
    assert broken(page, page.read_text()) == []


@pytest.mark.parametrize("link", ["nowhere.md", "LICENSE#no-such-heading", "#no-such-heading"])
def test_a_broken_link_is_found_out(link):
    assert broken(README, f"[text]({link})") == [link]


def test_the_readme_links_to_every_page():
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in links(README.read_text())}
    assert [page.name for page in PAGES if page.resolve() not in linked] == []
