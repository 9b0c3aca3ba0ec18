# SPDX-License-Identifier: Apache-2.0
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from affordance_seg_ros.cli import main
from affordance_seg_ros.evaluation.bench import machine
from affordance_seg_ros.model.checkpoint import save_checkpoint, untrained


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--device", "tpu"], "expected auto, cpu, cuda"),
        (["--network", "huge"], "expected one of paper, compact"),
        (["--size", "300y"], "expected WIDTHxHEIGHT"),
        (["--picture", "9"], "32 to 8192"),
        (["--encoding", "yuv"], "rgb8"),
        (["--frames", "0"], "frames=0"),
        (["--baseline", "lazy"], "eager"),
        (["--baseline-frames", "-1"], "baseline_frames=-1"),
        (["--baseline-frames", "5"], "baseline_frames=5 without a baseline"),
        (["--threads", "-1"], "--threads"),
        (["--threads", "1000000"], "expected 0 to 1024"),
        (["--seed", "-1"], "seed=-1; expected 0 to"),
        (["--weights", "/nowhere/weights"], "/nowhere/weights"),
        (["--flow-estimator", "magic"], "dis"),
        (["--min-confidence", "7"], "0 to 1"),
    ],
)
def test_bad_flags_are_one_clear_line_and_exit_code_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--network", "compact", "--device", "cpu", *words]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("affordance-seg bench: ")
    assert message in lines[0]


@pytest.fixture
def small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_TRYING_S", 0.0)
    monkeypatch.setattr(machine, "_COPY_BYTES", {"cpu": 2**20})
    monkeypatch.setattr(machine, "_MATRIX_SIDE", {"cpu": 64})


TINY = (
    *("--device", "cpu", "--size", "32", "--picture", "64x48", "--frames", "3"),
    *("--flow-iterations", "2"),
)


@pytest.mark.usefixtures("small_machine")
def test_a_tiny_run_prints_its_tables_and_writes_its_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bench.json"
    words = ["--network", "compact", "--json", str(file)]
    assert main(["bench", *TINY, *words]) == 0
    document = json.loads(file.read_text())
    assert document["frames"] == 3
    assert document["baseline_ratio"] is None
    assert document["settings"]["pipeline"]["flow"]["iterations"] == 2
    captured = capsys.readouterr()
    assert "| total |" in captured.out
    assert "frame" in captured.err  # the progress bar


@pytest.mark.usefixtures("small_machine")
def test_weights_pictures_scene_and_threads_are_those_of_the_flags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", threads.append)
    checkpoint = untrained("compact")
    named = replace(checkpoint, card=replace(checkpoint.card, name="mine"))
    save_checkpoint(tmp_path / "mine.safetensors", named)
    file = tmp_path / "bench.json"
    words = ["--weights", str(tmp_path / "mine.safetensors"), "--encoding", "rgb8", "--seed", "7"]
    words += ["--threads", "3", "--json", str(file), "--quiet"]
    assert main(["bench", *TINY, "--network-backend", "eager", *words]) == 0
    document = json.loads(file.read_text())
    said = [document["settings"][name] for name in ("network", "encoding", "seed")]
    assert said == ["mine", "rgb8", 7]
    assert threads[0] == 3
