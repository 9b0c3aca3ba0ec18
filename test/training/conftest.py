# SPDX-License-Identifier: Apache-2.0
"""Data and runs for the tests of training."""

import pytest
import torch
from published_layouts import write_iit, write_sor3d, write_umd, write_utkinect
from tiny_clips import LABELS, write_clip, write_clips
from tiny_runs import run_of

from affordance_seg_ros.cli import main
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
    """A separate clip, which a test may change as it likes."""
    write_clip(tmp_path / "clip", "push", 3, frames=4)
    (found,) = scan_clips(tmp_path, "", None, LABELS).sequences
    return found


@pytest.fixture(scope="session")
def weights(clips, tmp_path_factory):
    """The weights that `affordance-seg train` writes after one step; its result is next to them."""
    out = tmp_path_factory.mktemp("command") / "run"
    settings = [
        "threads=1", "network.width=4", "initialise={}", "input.height=32", "input.width=40",
        "data.workers=0",
        f"data.train=[{{root: {clips}, split: train}}]",
        f"data.validation=[{{root: {clips}, split: val}}]",
        "stages=[{name: clips, frames: 1, epochs: 1, batch_size: 3}]",
    ]  # fmt: skip
    words = ["--config", "quick", "--out", str(out), "--json", str(out / "result.json")]
    assert main(["train", *words, "--quiet", "--set", *settings]) == 0
    return out / "weights.safetensors"


@pytest.fixture
def sor3d(tmp_path):
    return write_sor3d(tmp_path)


@pytest.fixture
def umd(tmp_path):
    return write_umd(tmp_path)


@pytest.fixture
def iit(tmp_path):
    return write_iit(tmp_path)


@pytest.fixture
def utkinect(tmp_path):
    return write_utkinect(tmp_path)
