# SPDX-License-Identifier: Apache-2.0
"""Weights before the first stage: Xavier, ImageNet's VGG16, or those of an earlier run."""

from pathlib import Path

import torch
from torch import Tensor

from affordance_seg_ros.config import NetworkConfig
from affordance_seg_ros.errors import CheckpointError, ConfigError
from affordance_seg_ros.model.checkpoint import Checkpoint, load_weights
from affordance_seg_ros.model.depth_input import with_depth_input
from affordance_seg_ros.model.encoder import VGG16_LAYERS
from affordance_seg_ros.model.fitting import load_matching_weights
from affordance_seg_ros.model.initialisation import xavier_initialise
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.training.network_parts import find_part
from affordance_seg_ros.training.run_config import RunConfig

_VGG16_WIDTH = 64
_OF_AFFORDANCES = ("decoder.classifier.",)
_OF_ACTIONS = ("action_head.layer3.", "action_context.features.")
"""Layers with a row or a column for each label."""
_MAY_DIFFER = (("sequence_length", "decided_context"), ("height", "width"))
"""Options of network and input that may differ in the weights to start from."""


def initial_network(run: RunConfig) -> AffordanceNetwork:
    """Build a network with the weights that training starts from.

    Weights trained with another depth range, or without a depth mask, are adapted so that they see
    the same depths in the run's.

    Args:
        run: Gives the network, input, files to start from, and the seed of random weights.

    Raises:
        CheckpointError: A file is missing, damaged or of another network.
        ConfigError: VGG16's weights are wanted for a network of another width, or the weights lack
            a part that is to be left out.
    """
    network, initialise = AffordanceNetwork(run.network), run.initialise
    xavier_initialise(network, torch.Generator().manual_seed(run.seed))
    if initialise.vgg16:
        load_vgg16(network, Path(initialise.vgg16))
    if initialise.weights:
        started = load_weights(initialise.weights, "cpu")
        started = with_depth_input(started, run.network, run.input)
        others = _label_layers_that_differ(started.network_config, run.network)
        if initialise.fitting:
            if started.network_config.width != run.network.width:
                # With another width only last layers fit, whose inputs mean something else.
                raise CheckpointError(
                    f"{initialise.weights} have width={started.network_config.width}; expected "
                    f"{run.network.width}"
                )
            parts = [part for part in initialise.leave_out if part]
            for part in parts:
                find_part(started.network, part, "initialise.leave_out")
            left_out = (*others, *(f"{part}." for part in parts))
            taken = started.network.state_dict().items()
            load_matching_weights(network, {k: v for k, v in taken if not k.startswith(left_out)})
            return network
        if different := _differences(started, run):
            raise CheckpointError(
                f"{initialise.weights} were trained with {', '.join(different)}; expected weights "
                "with the same network and input, or initialise.fitting=true"
            )
        network.load_state_dict(started.network.state_dict())
    return network


def _differences(started: Checkpoint, run: RunConfig) -> list[str]:
    """Return how weights differ from a run in network or input, whether or not shapes differ."""
    pairs = ((started.network_config, run.network), (started.input_config, run.input))
    return [
        f"{name}={value} where the run has {getattr(ours, name)}"
        for (theirs, ours), free in zip(pairs, _MAY_DIFFER, strict=True)
        for name, value in vars(theirs).items()
        if name not in free and value != getattr(ours, name)
    ]


def _label_layers_that_differ(one: NetworkConfig, other: NetworkConfig) -> tuple[str, ...]:
    """Return the layers whose rows or columns stand for different labels in the two networks."""
    affordances = () if one.affordances == other.affordances else _OF_AFFORDANCES
    return affordances if one.actions == other.actions else (*affordances, *_OF_ACTIONS)


def load_vgg16(network: AffordanceNetwork, path: Path) -> None:
    """Copy ImageNet's VGG16 into both streams.

    The depth channel gets the mean over the colours, the channel of a depth mask zeros.

    Args:
        network: Network of width 64; changed in place.
        path: torchvision's file, such as vgg16-397923af.pth.

    Raises:
        ConfigError: The network has another width.
        CheckpointError: The file is missing, or is not VGG16's.

    Source: Thermos et al., ICASSP 2020, section 3.1.
    """
    if network.config.width != _VGG16_WIDTH:
        raise ConfigError(f"vgg16 with width={network.config.width}; expected {_VGG16_WIDTH}")
    tensors = _read_vgg16(path)
    with torch.no_grad():
        for stream in network.streams.values():
            for ours, theirs in VGG16_LAYERS.items():
                convolution = getattr(stream, ours).conv
                weight = tensors[f"{theirs}.weight"]
                channels = convolution.weight.shape[1]
                if ours == "conv1_1" and channels > weight.shape[1]:
                    mean = weight.mean(1, keepdim=True)
                    with_depth = torch.cat((weight, mean, torch.zeros_like(mean)), 1)
                    weight = with_depth[:, :channels]
                if weight.shape != convolution.weight.shape:
                    raise CheckpointError(
                        f"{path}: {theirs} is {tuple(weight.shape)}; expected "
                        f"{tuple(convolution.weight.shape)}"
                    )
                convolution.weight.copy_(weight)
                convolution.bias.copy_(tensors[f"{theirs}.bias"])


def _read_vgg16(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise CheckpointError(
            f"{path}: no such file; expected torchvision's VGG16 weights, which "
            "`torchvision.models.vgg16(weights='IMAGENET1K_V1')` downloads as vgg16-397923af.pth"
        )
    try:
        # Only tensors are loaded: nothing in the file is executed.
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch has no common base for errors of damaged files
        raise CheckpointError(f"{path}: damaged: {error}") from None
    wanted = [f"{layer}.{part}" for layer in VGG16_LAYERS.values() for part in ("weight", "bias")]
    missing = [name for name in wanted if name not in tensors]
    if missing:
        raise CheckpointError(f"{path}: lacks {missing[0]}; expected torchvision's VGG16")
    return {name: tensors[name] for name in wanted}
