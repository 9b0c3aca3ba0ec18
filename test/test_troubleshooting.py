# SPDX-License-Identifier: Apache-2.0
"""Every message that the troubleshooting page quotes is one that the code prints."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/troubleshooting.md"
SOURCES = (*(ROOT / "affordance_seg_ros").rglob("*.py"), *(ROOT / "launch").glob("*.py"))
ANYTHING = "…"


def quoted(text: str) -> list[str]:
    return [block.strip() for block in re.findall(r"^```text\n(.*?)^```", text, re.S | re.M)]


def literals() -> Iterator[str]:
    """Yield the string literals of the code, docstrings left out, cut where a value stands."""
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if is_text and id(node) not in docstrings:
                yield node.value


LITERALS = frozenset(filter(None, literals()))
SHORTEST_END = 3


def is_printed(piece: str, *, first: bool = True) -> bool:
    """Whether a piece of text can come about by writing literals of the code behind each other.

    Only the first may lack its beginning and only the last its end.
    """
    if any(piece in text if first else text.startswith(piece) for text in LITERALS):
        return True
    heads = {text for text in LITERALS if piece.startswith(text)}
    if first:
        heads |= {
            text[-size:]
            for text in LITERALS
            for size in range(SHORTEST_END, len(text))
            if piece.startswith(text[-size:])
        }
    return any(is_printed(piece[len(head) :], first=False) for head in heads)


def missing(message: str) -> list[str]:
    """Return the fixed pieces of a message that the code does not print."""
    return [piece for piece in message.split(ANYTHING) if piece and not is_printed(piece)]


@pytest.mark.parametrize("message", quoted(PAGE.read_text()))
def test_a_quoted_message_is_printed_by_the_code(message):
    assert "\n" not in message
    assert len(message.replace(ANYTHING, "")) > 10
    assert missing(message) == []


def test_there_is_something_to_check():
    assert len(quoted(PAGE.read_text())) > 40


@pytest.mark.parametrize("message", ["frame dropped: depth is upside down", "no publishers in …;"])
def test_an_invented_message_is_found_out(message):
    assert missing(message)


def test_each_preset_is_in_the_tutorial_with_its_driver_s_command():
    from affordance_seg_ros.sources.preset import preset_names, read_preset

    text = (ROOT / "docs/tutorials/first_mask.md").read_text()
    for name in preset_names():
        assert f"`{name}`" in text
        if not name.endswith(("_unaligned", "_jpeg")):
            assert read_preset(name).driver in text
