# SPDX-License-Identifier: Apache-2.0
"""Runs end to end: they learn, they can be killed, and they say where their weights come from."""

import os
import shutil
import subprocess
import sys
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from tiny_clips import write_clips
from tiny_runs import RUN, lines, run_of, stop_after, weights

from affordance_seg_ros.errors import (
    ConfigError,
    SourceError,
    TrainingError,
)
from affordance_seg_ros.model.checkpoint import load_checkpoint, save_checkpoint
from affordance_seg_ros.model.fingerprint import fingerprint
from affordance_seg_ros.training.initialise import initial_network
from affordance_seg_ros.training.objective import AffordanceObjective
from affordance_seg_ros.training.run_config import parse_run
from affordance_seg_ros.training.run_setup import RUN_FILE
from affordance_seg_ros.training.trainer import Trainer, train
from affordance_seg_ros.training.training_state import load_state
from affordance_seg_ros.training.validation import Validation
from affordance_seg_ros.training.weights_output import LAST_WEIGHTS_FILE, WEIGHTS_FILE


def test_the_loss_falls_well_below_its_start(clips, tmp_path):
    run = parse_run(RUN.format(root=clips, epochs=30).replace("  - {name: clips", "  - {name: c"))
    run = parse_run(run.to_yaml(), ["stages.c.epochs=1"])
    train(run, tmp_path / "run", progress=False)
    dense = [each["total"] for each in lines(tmp_path / "run") if each.get("step", 0) <= 90
             and "total" in each]  # fmt: skip
    assert dense[-1] < 0.5 * dense[0]


def test_the_weights_hold_the_whole_run(clips, finished):
    checkpoint = load_checkpoint(finished / WEIGHTS_FILE, "cpu")
    assert checkpoint.card.trained
    assert checkpoint.card.recipe["run"]["seed"] == 3
    assert checkpoint.card.recipe["stage"] == "clips"
    assert checkpoint.network_config == run_of(clips).network
    assert "iou" in checkpoint.card.metrics["validation_at_network_size"]
    assert parse_run((finished / RUN_FILE).read_text()) == run_of(clips)


def test_weights_that_went_on_say_from_which_even_once_that_file_is_another(
    clips, finished, tmp_path, monkeypatch
):
    began = load_checkpoint(finished / WEIGHTS_FILE, "cpu")
    file = shutil.copy(finished / WEIGHTS_FILE, tmp_path)
    stage = "[{name: only, frames: 1, batch_size: 3, epochs: 2}]"
    run = parse_run(run_of(clips).to_yaml(), [f"initialise.weights={file}", f"stages={stage}"])
    stop_after(3, run, tmp_path / "run", monkeypatch)
    save_checkpoint(file, replace(began, card=replace(began.card, name="another")))
    card = load_checkpoint(train(run, tmp_path / "run", resume=True, progress=False), "cpu").card
    assert card.recipe["starts_from"] == {
        "name": "tiny",
        "fingerprint": fingerprint(began.network),
        "recipe": began.card.recipe,
    }
    assert began.card.recipe["starts_from"] == {}


def test_the_last_weights_are_kept_beside_the_best(finished):
    last = load_checkpoint(finished / LAST_WEIGHTS_FILE, "cpu").network.state_dict()
    for name, tensor in weights(finished).items():
        assert torch.equal(last[name.removeprefix("network.")], tensor.half().float()), name


def test_the_best_weights_are_kept_whenever_they_were(clips, tmp_path, monkeypatch):
    scores, looked_at = [0.5, 0.9, 0.3], []

    def scored(self, running):
        looked_at.append(deepcopy(running.average.objective.network.state_dict()))
        return Validation(scores[len(looked_at) - 1], 0.0, {}, 0.0, None)

    monkeypatch.setattr(Trainer, "_validated", scored)
    stage = "[{name: only, frames: 1, batch_size: 3, epochs: 3}]"
    run = parse_run(run_of(clips).to_yaml(), [f"stages={stage}"])
    train(run, tmp_path, progress=False)
    for file, epoch in ((WEIGHTS_FILE, 1), (LAST_WEIGHTS_FILE, 2)):
        kept = load_checkpoint(tmp_path / file, "cpu")
        assert kept.card.metrics["validation_at_network_size"]["iou"] == scores[epoch]
        for name, tensor in kept.network.state_dict().items():
            assert torch.equal(tensor, looked_at[epoch][name].half().float()), name


def test_a_stage_is_validated_as_often_as_it_says_and_at_its_end(clips, tmp_path):
    stage = "[{name: only, frames: 1, batch_size: 3, epochs: 5, validate_every: 2}]"
    train(parse_run(run_of(clips).to_yaml(), [f"stages={stage}"]), tmp_path, progress=False)
    looked_at = [each["step"] for each in lines(tmp_path) if "validation" in each]
    assert looked_at == [6, 12, 15]  # nine clips in batches of three


def test_predictions_are_drawn_for_tensorboard(finished):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(finished / "tensorboard"))
    events.Reload()
    assert {"predictions/parts", "predictions/clips"} <= set(events.Tags()["images"])
    assert "loss/total" in events.Tags()["scalars"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("stages.clips.frozen=[streams.flaw]", "streams.flaw"),
        ("stages.clips.carried_share=0.1", "carried_share=0.1 with batch_size=2"),
        ("network.flow=none", "expected a network with flow"),
    ],
)
def test_a_stage_that_cannot_begin_is_found_before_the_first_step(clips, tmp_path, change, words):
    run = parse_run(run_of(clips).to_yaml(), [change])
    with pytest.raises(ConfigError, match=words):
        train(run, tmp_path, progress=False)
    assert not (tmp_path / "log.jsonl").exists()


@pytest.mark.parametrize("gradient_norm", [0.0, 1.0])
def test_weights_that_are_not_finite_end_the_run_and_replace_no_state(
    clips, tmp_path, monkeypatch, gradient_norm
):
    learned = AffordanceObjective.forward
    steps = 0

    def forward(self, batch):
        nonlocal steps
        steps += self.training
        losses = learned(self, batch)
        return losses._replace(total=losses.total * (float("nan") if steps == 3 else 1.0))

    monkeypatch.setattr(AffordanceObjective, "forward", forward)
    run = parse_run(run_of(clips).to_yaml(), [f"stages.parts.gradient_norm={gradient_norm}"])
    with pytest.raises(TrainingError, match="'parts': weights are not finite after step 3"):
        train(run, tmp_path, progress=False)
    assert load_state(tmp_path).progress.global_step == 2
    assert all(tensor.isfinite().all() for tensor in weights(tmp_path).values())


def test_a_full_gpu_is_named_with_its_stage_and_what_helps(clips, tmp_path, monkeypatch):
    def forward(self, batch):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nHints")

    monkeypatch.setattr(AffordanceObjective, "forward", forward)
    with pytest.raises(TrainingError, match=r"'parts': .*2 GiB\.\); expected a smaller"):
        train(run_of(clips), tmp_path, progress=False)


def test_a_log_that_cannot_be_written_is_named(clips, tmp_path):
    (tmp_path / "tensorboard").write_text("no folder")
    with pytest.raises(TrainingError, match=r"tensorboard cannot be written: .*expected free"):
        train(run_of(clips), tmp_path, progress=False)


def test_data_of_a_late_stage_are_looked_for_before_the_first_step(clips, tmp_path):
    changes = ["stages=[{name: first, task: actions}, {name: late}]", "data.train=[{root: /none}]"]
    run = parse_run(run_of(clips).to_yaml(), changes)
    with pytest.raises(SourceError, match="data set /none"):
        train(run, tmp_path / "run", progress=False)
    assert not (tmp_path / "run/log.jsonl").exists()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_picture_is_one_line_in_whatever_process(tmp_path, workers):
    root = write_clips(write_clips(tmp_path / "clips", 3), 1, split="val")
    damaged = root / "train_001/color/00003.jpg"
    damaged.write_bytes(b"damaged")
    stage = "{name: parts, frames: 1, target: affordances, epochs: 1, batch_size: 3}"
    run = parse_run(run_of(root).to_yaml(), [f"stages=[{stage}]", f"data.workers={workers}"])
    with pytest.raises(SourceError) as raised:
        train(run, tmp_path / "run", progress=False)
    assert str(raised.value).startswith(str(damaged))
    assert "\n" not in str(raised.value)


def test_no_data_says_where_they_were_looked_for(clips, tmp_path):
    run = parse_run(run_of(clips).to_yaml(), [f"data.train=[{{root: {clips}, split: test}}]"])
    with pytest.raises(SourceError, match=r"no sequence in .*split 'test'"):
        train(run, tmp_path / "run", progress=False)


def test_a_stage_ends_when_nothing_is_gained(clips, tmp_path):
    stage = (
        "{name: parts, frames: 1, epochs: 50, batch_size: 9, learning_rate: 1.0e-8, patience: 2}"
    )
    run = parse_run(run_of(clips).to_yaml(), [f"stages=[{stage}]"])
    train(run, tmp_path / "run", progress=False)
    assert load_state(tmp_path / "run").progress.global_step == 3


def test_a_stage_measures_keeps_and_ends_with_the_mean_of_its_steps(clips, tmp_path, monkeypatch):
    from affordance_seg_ros.training import trainer

    measured, ends = [], {}
    validate = trainer.validate

    def note_and_validate(network, data):
        measured.append(deepcopy(network.state_dict()))
        return validate(network, data)

    monkeypatch.setattr(trainer, "validate", note_and_validate)
    for steps in (0, 1, 100):
        run = parse_run(run_of(clips).to_yaml(), ["stages=[{name: only, learning_rate: 0.01}]"])
        run = parse_run(
            run.to_yaml(), ["stages.only.epochs=1", f"stages.only.average_steps={steps}"]
        )
        out = tmp_path / str(steps)
        kept = load_checkpoint(train(run, out, progress=False), "cpu").network.state_dict()
        ends[steps] = weights(out)
        for name, tensor in kept.items():
            end = ends[steps][f"network.{name}"]
            assert torch.equal(tensor, end.half().float()), name
            assert torch.equal(measured[-1][name], end), name
    name = "network.fusion.conv.weight"
    assert torch.equal(ends[0][name], ends[1][name])
    assert not torch.equal(ends[0][name], ends[100][name])


@pytest.mark.parametrize(("frames", "learns"), [(1, False), (2, True)])
def test_the_flow_stream_learns_from_clips_and_not_from_pictures(clips, tmp_path, frames, learns):
    run = parse_run(
        run_of(clips).to_yaml(), [f"stages=[{{name: only, frames: {frames}, epochs: 1}}]"]
    )
    train(run, tmp_path / "run", progress=False)
    name = "streams.flow.conv1_1.conv.weight"
    before = initial_network(run).state_dict()[name]
    assert torch.equal(weights(tmp_path / "run")[f"network.{name}"], before) != learns


@pytest.mark.parametrize(("task", "stream"), [("actions", "appearance"), ("motion", "flow")])
def test_a_stream_is_pretrained_on_actions(clips, tmp_path, task, stream):
    stages = (
        f"[{{name: first, task: {task}, epochs: 1}}, {{name: clips, epochs: 1, frozen: [decoder]}}]"
    )
    run = parse_run(run_of(clips).to_yaml(), [f"stages={stages}"])
    train(run, tmp_path / "run", progress=False)
    assert load_state(tmp_path / "run").progress.finished
    began = initial_network(run).state_dict()
    found = load_checkpoint(tmp_path / "run" / "weights-first.safetensors", "cpu").network
    moved = {
        name.split(".conv")[0]
        for name, after in found.state_dict().items()
        if not torch.equal(after, began[name].half().float())  # as it is saved
    }
    assert moved == {f"streams.{stream}"}
    seen = next(each for each in lines(tmp_path / "run") if each.get("stage") == "first")
    assert 0 <= seen["validation"]["action_accuracy"] <= 1
    assert seen["validation"]["iou"] is None


@pytest.mark.parametrize(("scale", "size"), [(1.0, (32, 40)), (2.0, (64, 80))])
def test_weights_are_for_the_size_that_they_learned_last(clips, tmp_path, scale, size):
    stage = f"{{name: only, epochs: 1, input_scale: {scale}}}"
    train(parse_run(run_of(clips).to_yaml(), [f"stages=[{stage}]"]), tmp_path, progress=False)
    found = load_checkpoint(tmp_path / WEIGHTS_FILE, "cpu").input_config
    assert (found.height, found.width) == size


def test_more_processes_than_sequences_are_refused(clips, tmp_path, monkeypatch):
    monkeypatch.setattr("affordance_seg_ros.training.trainer.epoch_batches", lambda *_, **__: [])
    with pytest.raises(ConfigError, match="for 1 processes; expected at least one each"):
        train(run_of(clips), tmp_path, progress=False)


def test_two_processes_train_together(clips, tmp_path):
    config = tmp_path / "run.yaml"
    config.write_text(run_of(clips, epochs=1).to_yaml())
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    launch += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    command = [*launch, "-m", "affordance_seg_ros.cli", "train", "--quiet"]
    command += ["--config", str(config), "--out", str(tmp_path / "run")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert load_state(tmp_path / "run").progress.finished
    # On two machines the second one has no such folder, and the first one alone speaks.
    (tmp_path / "apart.py").write_text(
        "import os, sys\n"
        "from affordance_seg_ros.cli import main\n"
        "*words, out = sys.argv[1:]\n"
        "out += '' if os.environ['RANK'] == '0' else '_elsewhere'\n"
        "sys.exit(main([*words, '--resume', '--out', out]))\n"
    )
    command = [*launch, str(tmp_path / "apart.py"), "train", "--quiet", "--config", str(config)]
    command.append(str(tmp_path / "run"))
    found = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert found.stdout.count("Trained by the run") == 1
    assert not (tmp_path / "run_elsewhere").exists()
