# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import torch

from affordance_seg_ros.model.checkpoint import load_checkpoint, load_weights, untrained
from affordance_seg_ros.model.checkpoint import save_checkpoint as save
from affordance_seg_ros.model.fingerprint import fingerprint


def test_weights_are_told_apart_by_a_single_value() -> None:
    network = untrained("compact").network
    before = fingerprint(network)
    assert before == fingerprint(untrained("compact").network)
    with torch.no_grad():
        network.action_head.layer3.bias[7] += 1e-3
    assert fingerprint(network) != before


def test_the_same_values_under_other_names_are_other_weights() -> None:
    one = torch.nn.ModuleDict({"first": torch.nn.Linear(2, 2)})
    other = torch.nn.ModuleDict({"second": one["first"]})
    assert fingerprint(one) != fingerprint(other)


def test_a_file_written_again_keeps_it(tmp_path: Path) -> None:
    shipped = load_weights("", "cpu")
    save(tmp_path / "again.safetensors", shipped, dtype=torch.float16)
    again = load_checkpoint(tmp_path / "again.safetensors", "cpu")
    assert fingerprint(again.network) == fingerprint(shipped.network)
