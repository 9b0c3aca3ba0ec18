# SPDX-License-Identifier: Apache-2.0
"""Data and runs for the tests of training."""

import pytest
import torch
from tiny_clips import LABELS, write_clip, write_clips
from tiny_runs import run_of

from affordance_seg_ros.training.datasets.clips import scan_clips
from affordance_seg_ros.training.trainer import train


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """A folder of nine training clips and three validation clips."""
    root = tmp_path_factory.mktemp("clips")
    write_clips(root, 9)
    return write_clips(root, 3, split="val", first_seed=100)


@pytest.fixture(scope="module")
def finished(clips, tmp_path_factory):
    """The folder of a whole tiny run."""
    out = tmp_path_factory.mktemp("finished")
    torch.set_num_threads(1)
    train(run_of(clips), out, progress=False)
    return out


@pytest.fixture
def sequence(tmp_path):
    """A clip of its own, to be changed as one likes."""
    write_clip(tmp_path / "clip", "push", 3, frames=4)
    (found,) = scan_clips(tmp_path, "", None, LABELS).sequences
    return found
