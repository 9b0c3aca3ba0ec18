# SPDX-License-Identifier: Apache-2.0
"""Sweeps go on where they were interrupted."""

import sys
from pathlib import Path
from typing import Any

import pytest
import sweep

WRITE = (
    "import json, pathlib, sys\n"
    "log = pathlib.Path(sys.argv[1])\n"
    "log.write_text((log.read_text() if log.exists() else '') + 'x')\n"
    "pathlib.Path(sys.argv[-1]).write_text(json.dumps({'value': sys.argv[2]}))\n"
)


@pytest.fixture
def point(tmp_path: Path) -> Any:
    def make(value: str) -> Any:
        return sweep.Point("point", (sys.executable, "-c", WRITE, str(tmp_path / "log"), value))

    return make


def test_a_point_that_is_there_is_not_measured_again(point: Any, tmp_path: Path) -> None:
    for _ in range(2):
        assert sweep.measure(point("a"), tmp_path, again=False) == {"value": "a"}
    assert (tmp_path / "log").read_text() == "x"


def test_another_command_or_the_wish_to_measures_it_again(point: Any, tmp_path: Path) -> None:
    sweep.measure(point("a"), tmp_path, again=False)
    assert sweep.measure(point("b"), tmp_path, again=False) == {"value": "b"}
    sweep.measure(point("b"), tmp_path, again=True)
    assert (tmp_path / "log").read_text() == "xxx"


def test_a_point_that_fails_leaves_no_file(tmp_path: Path) -> None:
    failing = sweep.Point("point", (sys.executable, "-c", "raise SystemExit(3)"))
    with pytest.raises(sweep.subprocess.CalledProcessError):
        sweep.measure(failing, tmp_path, again=False)
    assert not (tmp_path / "point.json").exists()


def test_points_have_names_of_their_own() -> None:
    arguments = sweep.argparse.Namespace(
        device="cpu", frames=5, network="compact", seconds=1.0, minutes=60.0
    )
    names = [p.name for kind in sweep.TABLES for p in sweep.points(kind, arguments, [])]
    assert len(set(names)) == len(names)
    assert {"size-1920x1080", "width-paper", "cameras-4", "stream-60min"} <= set(names)


def test_unknown_flags_go_to_the_benchmark() -> None:
    arguments = sweep.argparse.Namespace(device="cpu", frames=5, network="compact")
    for point in sweep.points("size", arguments, ["--flow-estimator", "dis"]):
        assert "--flow-estimator" in point.command
