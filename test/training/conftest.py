# SPDX-License-Identifier: Apache-2.0
"""Data and runs for the tests of training."""

import pytest
import torch
from tiny_clips import write_clips


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
