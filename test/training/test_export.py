# SPDX-License-Identifier: Apache-2.0
"""The exported step function says what the network says."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from affordance_seg_ros.cli import main
from affordance_seg_ros.config import COMPACT, InputConfig, NetworkConfig
from affordance_seg_ros.model.checkpoint import Checkpoint, WeightsCard, untrained
from affordance_seg_ros.model.initialisation import xavier_initialise
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.training.export import StepInput, export_onnx, largest_difference

DEMO_CLIP = Path(__file__).parents[2] / "data/demo_clip"


@pytest.fixture(scope="module", params=[False, True])
def exported(request, tmp_path_factory):
    """Weights, the file they were exported to, and whether they have all that a network may."""
    checkpoint = untrained("compact")
    if request.param:
        config = replace(
            COMPACT, center_flow=True, action_context=True, decided_context=True,
            depth_mask=True, motion_memory=True,
        )  # fmt: skip
        network = AffordanceNetwork(config)
        xavier_initialise(network, torch.Generator().manual_seed(0))
        size = replace(checkpoint.input_config, height=64, width=80)
        card = replace(checkpoint.card, metrics={"iou": 0.5}, recipe={"seed": 3})
        checkpoint = Checkpoint(network.eval(), config, size, card)
    path = tmp_path_factory.mktemp("exported") / "step.onnx"
    export_onnx(checkpoint, path)
    return checkpoint, path, request.param


def test_onnx_does_what_pytorch_does(exported):
    checkpoint, path, more = exported
    config = checkpoint.input_config
    random = torch.Generator().manual_seed(0)
    size = (config.height, config.width)
    frames = [
        StepInput(
            torch.randn(1, 4, *size, generator=random), torch.rand(1, 3, *size, generator=random)
        )
        for _ in range(3)
    ]
    differences = largest_difference(path, checkpoint, frames)
    assert max(differences.values()) < 1e-3
    assert set(differences) >= {"logits", "action_logits", "attention", "hidden1_out"}
    assert ("motion_cell_out" in differences) == more


def test_onnx_says_what_the_weights_fix(exported):
    checkpoint, path, _ = exported
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    about = json.loads(session.get_modelmeta().custom_metadata_map["affordance_seg_ros"])
    assert InputConfig.from_mapping(about["input"]) == checkpoint.input_config
    assert NetworkConfig.from_mapping(about["network"]) == checkpoint.network_config
    assert WeightsCard.from_mapping(about["card"]) == checkpoint.card


def test_numbers_that_are_none_differ_infinitely(tmp_path, monkeypatch):
    class Broken:
        def __init__(self, *_, **__):
            pass

        def run(self, names, feed):
            return [np.full_like(each.numpy(), np.nan) for each in (*output, *state)]

    checkpoint = untrained("compact")
    size = (1, 4, checkpoint.input_config.height, checkpoint.input_config.width)
    frame = StepInput(torch.zeros(size), torch.zeros(1, 3, *size[2:]))
    with torch.inference_mode():
        state = checkpoint.network.empty_state(1, *size[2:])
        output, state = checkpoint.network.eval().step(*frame, state)
    monkeypatch.setattr("onnxruntime.InferenceSession", Broken)
    differences = largest_difference(tmp_path / "step.onnx", checkpoint, [frame])
    assert set(differences.values()) == {np.inf}


@pytest.mark.parametrize(("difference", "code"), [(2e-3, 1), (5e-4, 0), (np.inf, 1)])
def test_the_command_fails_where_the_outputs_differ(
    difference, code, tmp_path, monkeypatch, capsys
):
    differences = {"logits": difference, "attention": 0.0}
    module = "affordance_seg_ros.training.export"
    monkeypatch.setattr(f"{module}.export_onnx", lambda *_: None)
    monkeypatch.setattr(f"{module}.largest_difference", lambda *_: differences)
    words = ["--weights", "untrained:compact", "--check", str(DEMO_CLIP), "--frames", "1"]
    assert main(["export", "--out", str(tmp_path / "step.onnx"), *words]) == code
    assert ("differs from PyTorch by more than 0.001" in capsys.readouterr().err) == bool(code)
