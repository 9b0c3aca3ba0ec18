# SPDX-License-Identifier: Apache-2.0
"""The step function as ONNX, with the memory as inputs and outputs."""

from collections.abc import Sequence
from dataclasses import asdict
from math import inf, isnan
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from affordance_seg_ros.config import STILL
from affordance_seg_ros.errors import CheckpointError
from affordance_seg_ros.evaluation.report import to_json
from affordance_seg_ros.model.checkpoint import Checkpoint
from affordance_seg_ros.model.network import AffordanceNetwork, StepOutput
from affordance_seg_ros.model.tensor_step import TensorStep
from affordance_seg_ros.whole_file import whole_file

OPSET = 18
METADATA_KEY = "affordance_seg_ros"


def state_names(network: AffordanceNetwork) -> tuple[str, ...]:
    """Return the names of a step's memory inputs."""
    return network.state_type._fields


def output_names(network: AffordanceNetwork) -> tuple[str, ...]:
    """Return the names of a step's outputs."""
    return (*StepOutput._fields, *(f"{name}_out" for name in state_names(network)))


class StepInput(NamedTuple):
    """What one step takes besides its memory: (1, 3 or 4, h, w), and (1, 3, h, w) or None."""

    appearance: Tensor
    flow: Tensor | None


def export_onnx(checkpoint: Checkpoint, path: Path) -> None:
    """Write the step function as ONNX, for the input size that the weights fix.

    Inputs are `appearance`, `flow` (unless the network has none) and the memory by `state_names`,
    zeros for a first frame; outputs `logits`, `action_logits`, `attention` and the memory after the
    frame, named like the inputs plus `_out`. The metadata hold what the weights fix: input, network
    and card.

    Args:
        checkpoint: Weights on the CPU.
        path: File to write; its folder is created if missing.

    Raises:
        CheckpointError: The file cannot be written.
    """
    import onnx

    network = checkpoint.network.eval()
    config = checkpoint.input_config
    inputs = [torch.zeros(1, network.appearance_channels, config.height, config.width)]
    names = ["appearance"]
    if network.flow_channels:
        inputs.append(torch.full((1, network.flow_channels, config.height, config.width), STILL))
        names.append("flow")
    inputs += network.empty_state(1, config.height, config.width)
    names += state_names(network)
    program = torch.onnx.export(
        TensorStep(network).eval(),
        tuple(inputs),
        input_names=names,
        output_names=list(output_names(network)),
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    model = program.model_proto
    about = {
        "network": asdict(checkpoint.network_config),
        "input": asdict(config),
        "card": asdict(checkpoint.card),
    }
    onnx.helper.set_model_props(model, {METADATA_KEY: to_json(about)})
    onnx.checker.check_model(model)
    with whole_file(path, CheckpointError, make_folder=True) as file:
        file.write(model.SerializeToString())


def largest_difference(
    path: Path, checkpoint: Checkpoint, frames: Sequence[StepInput]
) -> dict[str, float]:
    """Run a sequence through onnxruntime and through PyTorch, each with its own memory.

    Logits are compared as the probabilities that they stand for: they have no scale of their own,
    and large ones differ by more than their probabilities do.

    Args:
        path: File that `export_onnx` wrote.
        checkpoint: The weights it was made from, on the CPU.
        frames: Consecutive inputs.

    Returns:
        Largest absolute difference of each output over all frames; of logits, of their softmax.
        Infinite if either has a NaN.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    network = checkpoint.network.eval()
    height, width = frames[0].appearance.shape[-2:]
    state = network.empty_state(1, height, width)
    memory = [tensor.numpy() for tensor in state]
    states, outputs = state_names(network), output_names(network)
    worst = dict.fromkeys(outputs, 0.0)
    for frame in frames:
        feed = {"appearance": frame.appearance.numpy(), **dict(zip(states, memory, strict=True))}
        if frame.flow is not None:
            feed["flow"] = frame.flow.numpy()
        theirs = session.run(list(outputs), feed)
        memory = theirs[-len(states) :]
        with torch.inference_mode():
            output, state = network.step(frame.appearance, frame.flow, state)
        ours = (*output, *state)
        for name, a, b in zip(outputs, ours, map(torch.from_numpy, theirs), strict=True):
            if name in ("logits", "action_logits"):
                a, b = a.softmax(1), b.softmax(1)
            difference = float((a - b).abs().max())
            worst[name] = max(worst[name], inf if isnan(difference) else difference)
    return worst
