# SPDX-License-Identifier: Apache-2.0
"""The benchmarks of flow against time, and of everything on a GPU."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import flow_tradeoff
import gpu_check
import numpy as np
import pytest
import torch

ROOT = Path(__file__).parents[2]


@pytest.fixture
def sequence(tmp_path):
    """Three frames of 64x48 in front of a wall from a camera that stands still."""
    folder = tmp_path / "wall"
    (folder / "color").mkdir(parents=True)
    (folder / "depth").mkdir()
    random = np.random.default_rng(0)
    picture = cv2.GaussianBlur(random.integers(0, 256, (48, 64, 3)).astype(np.uint8), (5, 5), 0)
    pose = "\n".join(" ".join(map(str, row)) for row in np.eye(4))
    for k in range(3):
        cv2.imwrite(str(folder / f"color/{k}.png"), picture)
        cv2.imwrite(str(folder / f"depth/{k}.png"), np.full((48, 64), 1000, np.uint16))
    (folder / "trajectory.log").write_text("\n".join(f"{k} {k} {k}\n{pose}" for k in range(3)))
    matrix = [60, 0, 0, 0, 60, 0, 32, 24, 1]
    camera = {"width": 64, "height": 48, "intrinsic_matrix": matrix}
    (folder / "camera.json").write_text(json.dumps(camera))
    return folder


def test_the_tradeoff_has_a_point_for_each_budget_and_draws_them(sequence, tmp_path):
    out = tmp_path / "out"
    words = ["--sequence", str(sequence), "--out", str(out), "--halvings", "0", "--repeats", "1"]
    assert flow_tradeoff.main(words) == 0
    points = json.loads((out / "tradeoff.json").read_text())["points"]
    assert {(point["estimator"], point["budget"]) for point in points} == {
        (name, budget) for name, budgets in flow_tradeoff.BUDGETS.items() for budget in budgets
    }
    assert all(point["epe2d_px"] < 0.05 and point["ms"] > 0 for point in points)
    assert (out / "table.md").read_text().count("\n") == 2 + len(points)
    picture = cv2.imread(str(out / "tradeoff.png"))
    for color in flow_tradeoff._COLORS.values():
        assert (picture == color).all(-1).sum() > 100


def test_the_tradeoff_refuses_what_it_cannot_measure(tmp_path, capsys):
    assert flow_tradeoff.main(["--sequence", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "flow_tradeoff: " in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_the_check_of_everything_says_that_it_needs_a_gpu(tmp_path, capsys):
    assert gpu_check.main(["--out", str(tmp_path / "out")]) == 2
    assert "sees no CUDA device; expected a GPU" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_check_goes_on_after_a_failure_and_says_so_in_both_reports(tmp_path, monkeypatch):
    found = {"pairs": [], "size": [4, 3], "times": {}}
    pair = {"pair": [0, 1], "same_start": True, "warm": False}
    found["pairs"] = [{**pair, "mean_px": 1e-4, "p999_px": 2e-3, "mean_mm": 3e-5}]
    found["times"]["fused"] = dict.fromkeys(("device_p50_ms", "device_p99_ms", "host_p50_ms"), 1.25)
    (tmp_path / "found.json").write_text(json.dumps({"device": "cuda", "wall": found}))
    copy = "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[2])"
    flow_json = tmp_path / "out/flow.json"
    faked = [
        gpu_check.Step("tests", [sys.executable, "-c", "print('2 failed'); raise SystemExit(1)"]),
        gpu_check.Step(
            "flow",
            [sys.executable, "-c", copy, str(tmp_path / "found.json"), str(flow_json)],
            flow_json,
        ),
    ]
    monkeypatch.setattr(gpu_check, "steps", lambda *_: faked)
    monkeypatch.setattr(gpu_check, "machine", lambda: {"gpu": "none"})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert gpu_check.main(["--out", str(tmp_path / "out")]) == 1
    report = json.loads((tmp_path / "out/gpu_check.json").read_text())
    assert [step["exit_code"] for step in report["steps"].values()] == [1, 0]
    text = (tmp_path / "out/gpu_check.md").read_text()
    assert "| tests | 1 |" in text
    assert "| 0-1 | yes, cold | 0.0001 | 0.002 | 3e-05 |" in text
    assert "| fused | 1.250 | 1.250 | 1.250 |" in text
    assert "2 failed" in (tmp_path / "out/tests.log").read_text()


def test_the_check_runs_the_build_the_gpu_tests_and_every_benchmark(tmp_path):
    commands = {step.name: step.command for step in gpu_check.steps(tmp_path, tmp_path, 7)}
    assert list(commands) == ["build", "tests", "flow", "backends", "tables", "sweep"]
    assert commands["tests"][1:5] == ["-m", "pytest", "-m", "gpu"]
    assert "--sequence" not in commands["flow"]  # it is not there
    for name in ("backends", "tables", "sweep"):
        assert commands[name][commands[name].index("--device") + 1] == "cuda"
    assert commands["tables"][-1] == str(tmp_path / "bench")


def test_interpreted_kernels_are_compared_without_times(sequence, tmp_path, monkeypatch):
    pytest.importorskip("triton")
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    out = tmp_path / "out.json"
    command = [sys.executable, str(ROOT / "benchmarks/fused_flow.py"), "--sequence", str(sequence)]
    command += ["--device", "cpu", "--halvings", "1", "--frames", "2", "--budget", "0.05"]
    done = subprocess.run(
        [*command, "--json", str(out)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())["wall"]
    assert report["pairs"][0]["same_start"]
    assert report["pairs"][0]["mean_px"] < 1e-3
    assert "times" not in report
