# SPDX-License-Identifier: Apache-2.0
"""A tiny run on tiny clips, and what it leaves."""

import json

import pytest

from affordance_seg_ros.training.run_config import parse_run
from affordance_seg_ros.training.trainer import train
from affordance_seg_ros.training.training_state import load_state

RUN = """
name: tiny
seed: 3
checkpoint_steps: 2
threads: 1
network: {{width: 4, norm: group, attention_norm: sigmoid, sequence_length: 3}}
input: {{height: 32, width: 40, fit: stretch}}
data:
  train: [{{kind: clips, root: {root}, split: train}}]
  validation: [{{kind: clips, root: {root}, split: val}}]
  pretraining: [{{kind: clips, root: {root}, split: train}}]
  workers: 0
stages:
  - {{name: parts, frames: 1, target: affordances, epochs: {epochs}, batch_size: 3,
      learning_rate: 0.01, dice_weight: 1.0, class_balance: sqrt, action_weight: 0.0}}
  - {{name: motion, task: motion, epochs: {epochs}, batch_size: 3, learning_rate: 0.01,
      average_steps: 2}}
  - {{name: clips, supervision: every, static_share: 0.3, epochs: {epochs}, batch_size: 2,
      accumulate: 2, learning_rate: 0.003, schedule: cosine, warmup_share: 0.1,
      gradient_norm: 1.0, action_frames: mean, balance: actions, average_steps: 4}}
"""


def run_of(clips, epochs=2):
    return parse_run(RUN.format(root=clips, epochs=epochs))


def lines(out):
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def weights(out):
    return load_state(out).objective


def stop_after(steps, run, out, monkeypatch):
    from affordance_seg_ros.training import trainer

    taken = 0

    def count_and_stop(*_):
        nonlocal taken
        taken += 1
        if taken == steps:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(trainer.Logbook, "step", count_and_stop)
        with pytest.raises(KeyboardInterrupt):
            train(run, out, progress=False)
