# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: a network with everything needed to run it and to know where it comes from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from affordance_seg_ros.config import NETWORKS, InputConfig, NetworkConfig
from affordance_seg_ros.errors import CheckpointError, ConfigError
from affordance_seg_ros.model.initialisation import xavier_initialise
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.model.weights_file import (
    WeightsFile,
    read_weights_file,
    write_weights_file,
)
from affordance_seg_ros.whole_file import user_path

FORMAT_VERSION = 1
_WEIGHTS = Path(__file__).parent / "weights"
DEFAULT_WEIGHTS = _WEIGHTS / "default.safetensors"
"""The weights that come with the package, if any do."""

NAMED_WEIGHTS = {"default": DEFAULT_WEIGHTS, "parts": _WEIGHTS / "parts.safetensors"}
"""Weights that come with the package, by name."""

_UNTRAINED = "untrained:"


@dataclass(frozen=True)
class WeightsCard:
    """Where weights come from, and what they are worth.

    Attributes:
        name: Short name, such as ``compact-rendered-1``.
        trained: False for random weights, whose results mean nothing.
        description: One or two sentences, for people.
        license: SPDX expression of the weights.
        metrics: Measured results, by name; anything that JSON can express.
        recipe: How they were trained: data, schedule, seed, commit; likewise.
    """

    name: str
    trained: bool
    description: str
    license: str
    metrics: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "WeightsCard":
        """Build from parsed JSON; unknown entries are left out.

        Raises:
            ConfigError: An entry is missing or of another type.
        """
        kinds = {
            "name": str,
            "trained": bool,
            "description": str,
            "license": str,
            "metrics": dict,
            "recipe": dict,
        }
        for name, kind in kinds.items():
            if not isinstance(values.get(name), kind):
                raise ConfigError(f"{name}={values.get(name)!r}; expected a {kind.__name__}")
        return cls(**{name: values[name] for name in kinds})


@dataclass(frozen=True)
class Checkpoint:
    """A network, its architecture, its input, and its origin.

    Attributes:
        network: The network, in evaluation mode, float32.
        network_config: Its architecture.
        input_config: How frames become its input.
        card: Where its weights come from.
    """

    network: AffordanceNetwork
    network_config: NetworkConfig
    input_config: InputConfig
    card: WeightsCard


def save_checkpoint(
    path: str | Path, checkpoint: Checkpoint, *, dtype: torch.dtype = torch.float32
) -> None:
    """Write a checkpoint to one .safetensors file, all of it or nothing.

    Args:
        path: File to write or replace; its folder exists.
        checkpoint: What to write; the network may be on any device.
        dtype: float32, or float16 or bfloat16 for half the size.

    Raises:
        CheckpointError: Weights are not finite in this dtype, the card is not JSON, or the file
            cannot be written.
    """
    path = Path(path)
    tensors = {
        name: tensor.detach().to("cpu", dtype).contiguous()
        for name, tensor in checkpoint.network.state_dict().items()
    }
    _check_finite(path, tensors)
    document = {
        "format_version": FORMAT_VERSION,
        "network": asdict(checkpoint.network_config),
        "input": asdict(checkpoint.input_config),
        "card": asdict(checkpoint.card),
    }
    write_weights_file(path, WeightsFile(tensors, document))


def load_checkpoint(path: str | Path, device: str | torch.device) -> Checkpoint:
    """Read a checkpoint; nothing in the file is executed.

    Args:
        path: File that `save_checkpoint` wrote.
        device: Device of the network.

    Returns:
        The checkpoint, its network in float32 whatever the file's precision.

    Raises:
        CheckpointError: The file is missing, damaged, of another kind or of a newer format, or its
            configuration or tensors are not those of a network.
    """
    path = Path(path)
    tensors, document = read_weights_file(path)
    version = document.get("format_version")
    if version != FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: format version {version!r}; expected {FORMAT_VERSION}: a newer release of "
            "this package may read it"
        )
    sections = {name: document.get(name) for name in ("network", "input", "card")}
    for name, section in sections.items():
        if not isinstance(section, dict):
            raise CheckpointError(f"{path}: {name}={section!r}; expected a JSON object")
    try:
        network_config: NetworkConfig = NetworkConfig.from_mapping(document["network"])
        input_config: InputConfig = InputConfig.from_mapping(document["input"])
        card = WeightsCard.from_mapping(document["card"])
    except ConfigError as error:
        raise CheckpointError(f"{path}: invalid configuration: {error}") from None
    network = _shapes_only(network_config)
    _check_tensors(path, tensors, network.state_dict())
    network.to_empty(device=device).load_state_dict(tensors)
    return Checkpoint(network.eval(), network_config, input_config, card)


def untrained(name: str, seed: int = 0) -> Checkpoint:
    """Return a network with random weights, always the same for the same seed.

    Args:
        name: A name of `NETWORKS`.
        seed: Seed of the weights.

    Raises:
        CheckpointError: The name is unknown.
    """
    if name not in NETWORKS:
        raise CheckpointError(f"untrained network '{name}'; expected one of {', '.join(NETWORKS)}")
    network_config, input_config = NETWORKS[name]
    network = _shapes_only(network_config).to_empty(device="cpu")
    xavier_initialise(network, torch.Generator().manual_seed(seed))
    card = WeightsCard(
        name=f"untrained-{name}",
        trained=False,
        description=f"Random weights (Xavier, seed {seed}); the results mean nothing.",
        license="Apache-2.0",
    )
    return Checkpoint(network.eval(), network_config, input_config, card)


def load_weights(name: str, device: str | torch.device) -> Checkpoint:
    """Return the checkpoint that a user asks for.

    Args:
        name: Path of a weight file; a name of `NAMED_WEIGHTS`; ``untrained:paper`` or
            ``untrained:compact``; or empty for the package's own weights, which are
            ``untrained:compact`` if it has none. Callers tell the user when ``card.trained`` is
            false.
        device: Device of the network.

    Raises:
        CheckpointError: The file or the name cannot be used.
    """
    if not name:
        name = str(DEFAULT_WEIGHTS) if DEFAULT_WEIGHTS.exists() else f"{_UNTRAINED}compact"
    if not name.startswith(_UNTRAINED):
        path = NAMED_WEIGHTS.get(name) or user_path(name, CheckpointError)
        return load_checkpoint(path, device)
    checkpoint = untrained(name.removeprefix(_UNTRAINED))
    checkpoint.network.to(device)
    return checkpoint


def _shapes_only(config: NetworkConfig) -> AffordanceNetwork:
    """Return a network whose parameters have no memory: PyTorch's take time and random numbers."""
    with torch.device("meta"):
        return AffordanceNetwork(config)


def _check_tensors(
    path: Path, tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> None:
    """Raise unless the tensors are those of the network by name and shape, and finite."""
    for problem, names in (
        ("lacks tensors", expected.keys() - tensors.keys()),
        ("has tensors that the network does not know:", tensors.keys() - expected.keys()),
    ):
        if names:
            shown = sorted(names)[:3]
            more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
            raise CheckpointError(f"{path}: {problem} {', '.join(shown)}{more}")
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise CheckpointError(
                f"{path}: tensor {name} has shape {tuple(tensor.shape)}; expected "
                f"{tuple(expected[name].shape)}"
            )
    _check_finite(path, tensors)


def _check_finite(path: Path, tensors: Mapping[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise CheckpointError(f"{path}: tensor {name} is not finite; expected no NaN or Inf")
