# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from tiny_runs import run_of

from affordance_seg_ros.training.augmentation.augmentation_config import (
    NO_AUGMENTATION,
    AugmentationConfig,
)
from affordance_seg_ros.training.initialise import initial_network
from affordance_seg_ros.training.run_config import parse_run
from affordance_seg_ros.training.run_data import stage_data
from affordance_seg_ros.training.run_setup import as_measured, build_fabric
from affordance_seg_ros.training.stage_run import begin_stage


@pytest.fixture
def run(clips):
    stage = "{name: clips, supervision: every, end_jitter: 2, window: 0.8}"
    return parse_run(run_of(clips).to_yaml(), [f"stages=[{stage}]", "augmentation={fast: 0.3}"])


@pytest.fixture
def running(run):
    (data,) = stage_data(run)
    return begin_stage(run, 0, data, initial_network(run), build_fabric("32-true"), None)


def test_what_is_learned_from_is_changed_as_the_run_says(run, running):
    learned = running.samples(run, train=True)
    assert learned.sequences == running.data.train
    assert learned.stage == run.stages[0]
    assert learned.augmentation == AugmentationConfig(fast=0.3)


def test_what_is_measured_on_is_as_it_was_recorded(run, running):
    measured = running.samples(run, train=False)
    assert measured.sequences == running.data.validation
    assert measured.stage == as_measured(run.stages[0]) != run.stages[0]
    assert measured.augmentation == NO_AUGMENTATION


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_cpu_learns_with_the_channels_last(running):
    kernels = [each for each in running.objective.parameters() if each.ndim == 4]
    assert kernels
    assert all(each.is_contiguous(memory_format=torch.channels_last) for each in kernels)
