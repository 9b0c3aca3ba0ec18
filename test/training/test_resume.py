# SPDX-License-Identifier: Apache-2.0
"""Runs that were stopped go on as if they had not been, or say why they cannot."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_clips import write_clip, write_clips
from tiny_runs import lines, run_of, stop_after, weights

from affordance_seg_ros.errors import (
    CheckpointError,
    ConfigError,
)
from affordance_seg_ros.model.checkpoint import load_checkpoint
from affordance_seg_ros.training.logbook import Logbook
from affordance_seg_ros.training.objective import Losses
from affordance_seg_ros.training.run_config import parse_run
from affordance_seg_ros.training.trainer import train
from affordance_seg_ros.training.training_state import STATE_FILE, load_state, save_state
from affordance_seg_ros.training.validation import Validation
from affordance_seg_ros.training.weights_output import WEIGHTS_FILE


def test_a_killed_run_resumes_to_the_weights_of_one_that_was_not(clips, finished, tmp_path):
    out, config = tmp_path / "killed", tmp_path / "run.yaml"
    config.write_text(run_of(clips).to_yaml())
    command = [sys.executable, "-m", "affordance_seg_ros.cli", "train", "--quiet"]
    command += ["--config", str(config), "--out", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment)
    while process.poll() is None and not (out / STATE_FILE).exists():
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the run ended before it could be killed"
    assert not load_state(out).progress.finished
    subprocess.run([*command, "--resume"], env=environment, check=True)
    assert load_state(out).progress.finished
    expected = weights(finished)
    for name, tensor in weights(out).items():
        assert torch.equal(tensor, expected[name]), name


@pytest.mark.parametrize("steps", [3, 5, 7, 11, 13, 15])
def test_a_run_stopped_between_two_checkpoints_resumes_alike(
    clips, finished, tmp_path, monkeypatch, steps
):
    stop_after(steps, run_of(clips), tmp_path, monkeypatch)
    train(run_of(clips), tmp_path, resume=True, progress=False)
    expected = weights(finished)
    for name, tensor in weights(tmp_path).items():
        assert torch.equal(tensor, expected[name]), name


def test_other_processes_begin_an_epoch_again_and_say_so(
    clips, finished, tmp_path, monkeypatch, capsys
):
    stop_after(3, run_of(clips), tmp_path, monkeypatch)
    state = load_state(tmp_path)
    assert (state.progress.batch, state.progress.processes) == (2, 1)
    save_state(tmp_path, replace(state, progress=replace(state.progress, processes=2)))
    train(run_of(clips), tmp_path, resume=True, progress=False)
    words = "resumed with 1 instead of 2 processes: the epoch begins again"
    assert words in capsys.readouterr().err
    after, whole = (load_state(each).progress for each in (tmp_path, finished))
    assert (after.processes, after.global_step) == (1, whole.global_step + 2)


def test_an_epoch_begins_again_with_other_sequences(tmp_path, monkeypatch, capsys):
    root = write_clips(write_clips(tmp_path / "clips", 9), 3, split="val", first_seed=100)
    run, out = run_of(root), tmp_path / "run"
    stop_after(3, run, out, monkeypatch)
    stopped = load_state(out).progress
    assert stopped.batch == 2
    write_clip(root / "added", "push", 50)
    train(run, out, resume=True, progress=False)
    said = capsys.readouterr().err
    assert "with other sequences than before: the epoch begins again" in said
    assert said.count("begins again") == 1


def test_a_run_goes_on_where_the_weights_that_it_began_with_are_gone(
    clips, finished, tmp_path, monkeypatch
):
    start = shutil.copy(finished / WEIGHTS_FILE, tmp_path)
    run = parse_run(run_of(clips).to_yaml(), [f"initialise.weights={start}"])
    stop_after(3, run, tmp_path / "run", monkeypatch)
    Path(start).unlink()
    card = load_checkpoint(train(run, tmp_path / "run", resume=True, progress=False), "cpu").card
    assert card.recipe["starts_from"]["name"] == "tiny"


def test_a_finished_run_resumes_to_itself(clips, finished):
    before = (finished / STATE_FILE).read_bytes()
    assert train(run_of(clips), finished, resume=True, progress=False).exists()
    assert (finished / STATE_FILE).read_bytes() == before


def test_a_folder_with_a_run_is_not_overwritten(clips, finished):
    with pytest.raises(ConfigError, match="holds a run already; expected --resume"):
        train(run_of(clips), finished, progress=False)


def test_another_run_is_not_resumed_and_told_apart(clips, finished):
    other = parse_run(run_of(clips, epochs=3).to_yaml(), ["seed=4"])
    words = "another run, .*: seed=3 and 4; stages.parts.epochs=2 and 3; .* and 1 more$"
    with pytest.raises(ConfigError, match=words):
        train(other, finished, resume=True, progress=False)


def test_a_run_goes_on_with_other_workers(clips, finished, tmp_path, monkeypatch):
    stop_after(5, run_of(clips), tmp_path, monkeypatch)
    changes = ["data.workers=1", "data.keep_pictures=false", "checkpoint_steps=3"]
    train(parse_run(run_of(clips).to_yaml(), changes), tmp_path, resume=True, progress=False)
    expected = weights(finished)
    for name, tensor in weights(tmp_path).items():
        assert torch.equal(tensor, expected[name]), name


@pytest.mark.parametrize("power_was_cut", [False, True])
def test_a_resumed_log_holds_every_step_once_and_every_validation(
    clips, finished, tmp_path, monkeypatch, power_was_cut
):
    stop_after(7, run_of(clips), tmp_path / "run", monkeypatch)
    began = load_state(tmp_path / "run").progress.global_step
    expected = lines(finished)
    written = [each for each in expected if each["step"] <= began]
    lost = [{"step": began + 1, "total": 0.0}, {"step": began + 9, "validation": {}}]
    text, more = ("".join(json.dumps(each) + "\n" for each in part) for part in (written, lost))
    damaged = '\0\0{"step": 1}\n' if power_was_cut else ""
    (tmp_path / "run/log.jsonl").write_text(f'{text}{damaged}{more}{{"step": 1')
    train(run_of(clips), tmp_path / "run", resume=True, progress=False)
    assert [each["step"] for each in lines(tmp_path / "run")] == [e["step"] for e in expected]


def test_tensorboard_keeps_the_validation_of_the_step_that_a_run_goes_on_from(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    losses = Losses(*torch.tensor([3.0, 2.0, 1.0]))
    seen = Validation(0.5, 0.6, {"cut": 0.5}, 0.7, None)
    for first, steps in ((0, (10, 20, 30)), (20, (30, 40))):
        with Logbook(tmp_path, first, active=True) as logbook:
            for step in steps:
                logbook.step(step, losses, 0.1)
                logbook.validation(step, "clips", seen)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    for name in ("loss/total", "validation/clips/iou"):
        assert [each.step for each in events.Scalars(name)] == [10, 20, 30, 40]


def test_nothing_is_not_resumed(clips, tmp_path):
    with pytest.raises(CheckpointError, match="no run to resume"):
        train(run_of(clips), tmp_path, resume=True, progress=False)


def test_a_damaged_state_is_not_resumed(clips, tmp_path):
    (tmp_path / STATE_FILE).write_bytes(b"cut off")
    with pytest.raises(CheckpointError, match="damaged"):
        train(run_of(clips), tmp_path, resume=True, progress=False)
