# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path

import pytest

from affordance_seg_ros.cli import main
from affordance_seg_ros.evaluation.bench import machine


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--device", "tpu"], "expected auto, cpu, cuda"),
        (["--width", "huge"], "expected one of paper, compact"),
        (["--size", "300y"], "expected WIDTHxHEIGHT"),
        (["--picture", "9"], "32 to 8192"),
        (["--encoding", "yuv"], "rgb8"),
        (["--frames", "0"], "frames=0"),
        (["--baseline", "lazy"], "eager"),
        (["--baseline-frames", "-1"], "baseline_frames=-1"),
        (["--baseline-frames", "5"], "baseline_frames=5 without a baseline"),
        (["--threads", "-1"], "--threads"),
        (["--weights", "/nowhere/weights"], "/nowhere/weights"),
        (["--flow-estimator", "magic"], "dis"),
        (["--min-confidence", "7"], "0 to 1"),
    ],
)
def test_bad_flags_are_one_clear_line_and_exit_code_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--width", "compact", "--device", "cpu", *words]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("affordance-seg bench: ")
    assert message in lines[0]


def test_a_tiny_run_prints_its_tables_and_writes_its_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_TRYING_S", 0.0)
    monkeypatch.setattr(machine, "_COPY_BYTES", {"cpu": 2**20})
    monkeypatch.setattr(machine, "_MATRIX_SIDE", {"cpu": 64})
    file = tmp_path / "bench.json"
    words = ["--device", "cpu", "--width", "compact", "--size", "32", "--picture", "64x48"]
    words += ["--frames", "3", "--flow-iterations", "2", "--json", str(file)]
    assert main(["bench", *words]) == 0
    document = json.loads(file.read_text())
    assert document["frames"] == 3
    assert document["baseline_ratio"] is None
    assert document["settings"]["pipeline"]["flow"]["iterations"] == 2
    captured = capsys.readouterr()
    assert "| total |" in captured.out
    assert "frame" in captured.err  # the progress bar
