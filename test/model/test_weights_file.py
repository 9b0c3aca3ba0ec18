# SPDX-License-Identifier: Apache-2.0
import os
import pickle
from dataclasses import replace

import pytest
import safetensors.torch
import torch

from affordance_seg_ros.errors import CheckpointError
from affordance_seg_ros.model.checkpoint import load_checkpoint, save_checkpoint


def test_saving_replaces_the_file_at_once_and_leaves_nothing_else(checkpoint, saved):
    with saved.open("rb") as still_open:
        save_checkpoint(saved, replace(checkpoint, card=replace(checkpoint.card, name="tiny-2")))
        old = still_open.read()
    assert b"tiny-1" in old
    assert load_checkpoint(saved, "cpu").card.name == "tiny-2"
    assert list(saved.parent.iterdir()) == [saved]


def test_a_failed_save_keeps_the_old_file(checkpoint, saved, monkeypatch):
    def no_space(_):
        raise OSError(28, "No space left on device")

    before = saved.read_bytes()
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(CheckpointError, match="cannot be written: No space left on device"):
        save_checkpoint(saved, checkpoint)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_refuses_to_save_into_a_folder_that_is_not_there(checkpoint, tmp_path):
    with pytest.raises(CheckpointError, match="cannot be written: No such file or directory"):
        save_checkpoint(tmp_path / "nowhere" / "tiny.safetensors", checkpoint)


class Explosive:
    """Fails the test if anything unpickles it."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was executed",)


def test_refuses_pickles_without_executing_them(tmp_path):
    path = tmp_path / "weights.pt"
    for protocol in (2, 3, 4, 5):
        path.write_bytes(pickle.dumps(Explosive(), protocol))
        with pytest.raises(CheckpointError, match=r"a PyTorch pickle.*expected a \.safetensors"):
            load_checkpoint(path, "cpu")
    torch.save(Explosive(), path)
    with pytest.raises(CheckpointError, match="a PyTorch pickle"):
        load_checkpoint(path, "cpu")


def test_refuses_a_missing_file(tmp_path):
    with pytest.raises(CheckpointError, match=r"none\.safetensors: no such file; expected"):
        load_checkpoint(tmp_path / "none.safetensors", "cpu")


def test_refuses_a_folder(tmp_path):
    with pytest.raises(CheckpointError, match="is a folder"):
        load_checkpoint(tmp_path, "cpu")


def test_refuses_a_path_through_a_file(saved):
    with pytest.raises(CheckpointError, match="cannot be read: Not a directory"):
        load_checkpoint(saved / "weights", "cpu")


@pytest.mark.parametrize("content", [b"", b"short", b"<!DOCTYPE html><html></html>", bytes(1000)])
def test_refuses_other_formats(tmp_path, content):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"{len(content)} bytes of another format"):
        load_checkpoint(path, "cpu")


@pytest.mark.parametrize("share", [0.001, 0.01, 0.5, 0.9999])
def test_refuses_files_that_are_cut_off(saved, share):
    data = saved.read_bytes()
    saved.write_bytes(data[: int(share * len(data))])
    with pytest.raises(CheckpointError, match="damaged or cut off"):
        load_checkpoint(saved, "cpu")


def test_refuses_a_damaged_header(saved):
    data = saved.read_bytes()
    saved.write_bytes(data.replace(b'"shape"', b'"shapf"', 1))
    with pytest.raises(CheckpointError, match="damaged or cut off"):
        load_checkpoint(saved, "cpu")


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_refuses_safetensors_of_others(tmp_path, metadata):
    path = tmp_path / "other.safetensors"
    safetensors.torch.save_file({"weight": torch.zeros(3)}, path, metadata)
    found = ", ".join(metadata) if metadata else "nothing"
    with pytest.raises(CheckpointError, match=f"not a weight file .* its metadata holds {found}"):
        load_checkpoint(path, "cpu")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "damaged description"),
        ('{"format_version": NaN}', "damaged description: NaN is not JSON"),
        ("[" * 100_000, "damaged description"),
        ("[1]", r"description \[1\]; expected a JSON object"),
    ],
)
def test_refuses_a_damaged_description(tmp_path, text, message):
    path = tmp_path / "weights.safetensors"
    metadata = {"affordance_seg_ros": text}
    path.write_bytes(safetensors.torch.save({"weight": torch.zeros(3)}, metadata))
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(path, "cpu")


def test_refuses_tensors_that_are_not_floating_point(tmp_path):
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file({"weight": torch.zeros(3, dtype=torch.int64)}, path)
    with pytest.raises(CheckpointError, match="tensor weight is I64; expected one of F16, BF16"):
        load_checkpoint(path, "cpu")
