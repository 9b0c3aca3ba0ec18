# SPDX-License-Identifier: Apache-2.0
import os
import signal

import pytest
import torch

from affordance_seg_ros.errors import TrainingError
from affordance_seg_ros.training.loading import loaded, sample_loader


class Interrupted(torch.utils.data.Dataset):
    """Gets Ctrl-C, as all processes of a terminal do, while it prepares a sample."""

    def __getitem__(self, index):
        os.kill(os.getpid(), signal.SIGINT)
        return torch.tensor(index)


class Dying(torch.utils.data.Dataset):
    def __getitem__(self, index):
        os._exit(1)


def test_a_process_of_a_loader_leaves_interrupts_to_the_trainer():
    batches = [[3], [5]]
    found = [int(each) for each in loaded(sample_loader(Interrupted(), batches, workers=1))]
    assert found == [3, 5]


def test_a_process_that_dies_is_one_line():
    with pytest.raises(
        TrainingError, match=r"^a process that prepares samples died .*data\.workers"
    ):
        list(loaded(sample_loader(Dying(), [[0]], workers=1)))


def test_other_errors_of_a_loader_stay_what_they_are():
    def broken():
        raise RuntimeError("shapes differ")
        yield

    with pytest.raises(RuntimeError, match="shapes differ"):
        list(loaded(broken()))
