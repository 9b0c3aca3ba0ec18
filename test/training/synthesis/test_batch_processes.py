# SPDX-License-Identifier: Apache-2.0
"""Runs that are interrupted or killed, and others that come into their folder."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.sources.clip import is_complete_clip
from affordance_seg_ros.training.synthesis.batch import make_batch
from affordance_seg_ros.training.synthesis.batch_folder import Batch, hold
from affordance_seg_ros.training.synthesis.settings import SynthesisConfig

CONFIG = SynthesisConfig(seed=1, width=64, height=64, frames=4, objects=("can",))
LIMIT_S = 200


def shown(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob(".*") if path.name != ".lock")


def begin(out: Path) -> "subprocess.Popen[str]":
    """Start a run of two workers, and return it once a clip is made."""
    # Tests that run in the background inherit that SIGINT is ignored, and would pass it on.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "affordance_seg_ros.cli"]
    command += ["synth", "--out", str(out), "--clips", "200", "--size", "64x64"]
    command += ["--frames", "4", "--workers", "2"]
    process = subprocess.Popen(
        command, start_new_session=True, stderr=subprocess.PIPE, text=True
    )  # a terminal interrupts all processes
    while process.poll() is None and not any(out.glob("[0-9]*/clip.json")):
        time.sleep(0.02)
    return process


def children(process_id: int) -> list[int]:
    tasks = Path(f"/proc/{process_id}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def is_running(process_id: int) -> bool:
    try:
        status = Path(f"/proc/{process_id}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"  # nobody may be there to take note of it


def test_ctrl_c_ends_workers_after_the_clip_that_they_are_at(tmp_path: Path) -> None:
    process = begin(tmp_path)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert all(map(is_complete_clip, shown(tmp_path)))
    assert 0 < len(shown(tmp_path)) < 100
    assert hidden(tmp_path) == []


def test_workers_do_not_outlive_a_run_that_is_killed(tmp_path: Path) -> None:
    process = begin(tmp_path)
    workers = children(process.pid)
    assert len(workers) >= 2
    try:
        process.kill()
        process.wait()
        end = time.monotonic() + LIMIT_S
        while any(map(is_running, workers)) and time.monotonic() < end:
            time.sleep(0.02)
        assert not any(map(is_running, workers))
    finally:
        for worker in filter(is_running, workers):
            os.kill(worker, signal.SIGKILL)
        process.communicate()
    assert all(map(is_complete_clip, shown(tmp_path)))


@pytest.mark.parametrize("storage", ["clip", "mcap"])
def test_what_a_killed_run_left_is_removed(tmp_path: Path, storage: str) -> None:
    batch = Batch(CONFIG, 1, tmp_path, storage=storage)
    make_batch(batch, progress=False)
    (made,) = shown(tmp_path)
    for suffix in ("partial", "1a2b3c4d.partial", "clip", "clip.1a2b3c4d.partial"):
        (tmp_path / f".{made.name}.{suffix}/color").mkdir(parents=True)
    shutil.rmtree(made)
    assert make_batch(batch, progress=False).made == 1
    assert shown(tmp_path) == [made]
    assert hidden(tmp_path) == []


def test_one_run_at_a_time_writes_into_a_folder(tmp_path: Path) -> None:
    batch = Batch(CONFIG, 1, tmp_path)
    make_batch(batch, progress=False)
    being_made = tmp_path / ".000001_can_push.1a2b3c4d.partial"
    being_made.mkdir()
    run, worker = hold(tmp_path), hold(tmp_path, by_worker=True)
    with run, pytest.raises(SourceError, match="another run writes there; expected one at a time"):
        make_batch(batch, progress=False)
    # The run has been killed; for a moment its worker is still there.
    with worker, pytest.raises(SourceError, match="another run writes there"):
        make_batch(batch, progress=False)
    assert being_made.exists()
    assert make_batch(batch, progress=False).found == 1
    assert not being_made.exists()
