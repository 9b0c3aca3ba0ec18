# SPDX-License-Identifier: Apache-2.0
"""The programs of docs/python.md run, and say what happens in the demo's clip."""

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def test_the_programs_of_the_page_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    page = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    programs = re.findall(r"^```python\n(.*?)^```", page, re.S | re.M)
    assert len(programs) == 2
    for program in programs:
        exec(program.replace('"auto"', '"cpu"'), names)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 40
    assert " hammer " in lines[-1]
    pixels = names["frame"].color.shape[:2]
    assert names["pipeline"].step(names["frame"]).mask.shape == pixels
