# SPDX-License-Identifier: Apache-2.0
"""The benchmark of the node: camera, node and probe over DDS."""

import json
from pathlib import Path

import node_latency
import pytest


def test_measures_a_node_from_camera_to_mask(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "node.json"
    words = ["--size", "160x120", "--seconds", "1.5", "--rate", "20", "--json", str(file)]
    assert node_latency.main(["--device", "cpu", *words]) == 0
    assert "| 160x120 | 1 |" in capsys.readouterr().out
    (node,) = json.loads(file.read_text())["points"][0]["nodes"]
    assert node["published"] == 30
    assert 0 < node["masks"] <= node["taken"] + 1
    assert node["camera_to_mask_ms"]["p50"] > node["overhead_ms"]["p50"] > 0
    assert node["cpu_cores"] > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--size", "tiny"], "expected WIDTHxHEIGHT"),
        (["--seconds", "0"], "expected a positive number"),
        (["--parameter", "rate_hz=5"], "expected NAME:=VALUE"),
        (["--weights", "/nowhere/weights"], "/nowhere/weights"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert node_latency.main(words) == 2
    err = capsys.readouterr().err
    (line,) = (each for each in err.splitlines() if each.startswith("node_latency: "))
    assert message in line
