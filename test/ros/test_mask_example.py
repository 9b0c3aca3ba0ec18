# SPDX-License-Identifier: Apache-2.0
"""The example of docs/tutorials/first_mask.md reads the live node's masks."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples/read_mask.py"


def test_the_script_names_what_the_mask_marks(camera, start):
    start(rate_hz=0, weights="trained")
    example = start(command=(sys.executable, str(EXAMPLE)))
    camera.wait_for_subscriber()
    camera.publish_until(lambda: "grasp: " in example.output, "a mask in words")
    assert " px around (" in example.output


def test_the_tutorial_quotes_the_script_as_it_is():
    source = EXAMPLE.read_text()
    text = (ROOT / "docs/tutorials/first_mask.md").read_text()
    (block,) = text.split("```python\n")[1:]
    assert block.partition("```")[0] in source
