# SPDX-License-Identifier: Apache-2.0
"""Steps of a run: of which samples, at which rate, with which gradient."""

import json
from collections import Counter
from typing import NamedTuple

import pytest
import torch
from tiny_clips import LABELS, write_clip, write_clips
from tiny_runs import run_of
from torch.optim.optimizer import register_optimizer_step_pre_hook

from affordance_seg_ros.training.objective import AffordanceObjective
from affordance_seg_ros.training.run_config import parse_run
from affordance_seg_ros.training.schedule import learning_rate
from affordance_seg_ros.training.trainer import train


class Step(NamedTuple):
    rate: float
    gradient_norm: float


@pytest.fixture
def steps():
    """The steps that were taken."""
    taken = []

    def note(optimizer, *_):
        (group,) = optimizer.param_groups
        norms = [each.grad.norm() for each in group["params"] if each.grad is not None]
        taken.append(Step(group["lr"], torch.stack(norms).norm().item()))

    hook = register_optimizer_step_pre_hook(note)
    yield taken
    hook.remove()


@pytest.fixture
def shown(monkeypatch):
    """The batches that were learned from."""
    batches = []
    learned = AffordanceObjective.forward

    def forward(self, batch):
        batches.append(batch)
        return learned(self, batch)

    monkeypatch.setattr(AffordanceObjective, "forward", forward)
    return batches


def train_stage(clips, out, **options):
    stage = {"name": "only", "frames": 1, "epochs": 1, "batch_size": 3, "validate_every": 9}
    stages = json.dumps([stage | options])
    train(parse_run(run_of(clips).to_yaml(), [f"stages={stages}"]), out, progress=False)


def test_every_step_is_taken_at_the_rate_of_the_schedule(clips, tmp_path, steps):
    rates = {"schedule": "cosine", "warmup_share": 0.25}
    train_stage(
        clips, tmp_path, epochs=2, batch_size=1, accumulate=2, learning_rate=0.01, **rates
    )  # nine clips: four steps an epoch
    planned = [learning_rate(step, 8, largest=0.01, **rates) for step in range(8)]
    assert [step.rate for step in steps] == planned


def test_gradients_are_shortened_where_the_stage_has_a_norm_for_them(clips, tmp_path, steps):
    train_stage(clips, tmp_path / "whole")
    train_stage(clips, tmp_path / "shortened", gradient_norm=0.01)
    whole, shortened = steps[:3], steps[3:]
    assert all(step.gradient_norm > 0.1 for step in whole)
    assert [step.gradient_norm for step in shortened] == pytest.approx([0.01] * 3, rel=1e-3)


def test_accumulated_batches_teach_what_one_of_all_their_clips_does(clips, tmp_path, steps):
    for batches in (1, 3):
        train_stage(
            clips,
            tmp_path / str(batches),
            batch_size=3 // batches,
            accumulate=batches,
            segmentation_weight=0.0,  # its mean is over pixels, of which clips differ in number
        )
    at_once, added_up = ([step.gradient_norm for step in half] for half in (steps[:3], steps[3:]))
    assert added_up == pytest.approx(at_once, rel=1e-3)


def test_a_stage_shows_its_share_of_single_frames(clips, tmp_path, shown):
    train_stage(clips, tmp_path, frames=0, batch_size=1, static_share=0.5)
    assert {batch.appearance.shape[1] for batch in shown} == {1, 3}


@pytest.mark.parametrize(("balance", "counts"), [("none", (5, 1)), ("actions", (3, 3))])
def test_a_stage_shows_equally_often_what_it_balances(tmp_path, shown, balance, counts):
    root = write_clips(tmp_path / "clips", 1, split="val")
    for number, action in enumerate(["lift"] * 5 + ["push"]):
        write_clip(root / str(number), action, number)
    train_stage(root, tmp_path / "run", balance=balance)
    seen = Counter(LABELS.actions[action] for batch in shown for action in batch.action)
    assert (seen["lift"], seen["push"]) == counts
