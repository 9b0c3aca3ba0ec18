# SPDX-License-Identifier: Apache-2.0
"""Parts of a network by the names that a run gives them."""

from torch import nn

from affordance_seg_ros.errors import ConfigError


def find_part(network: nn.Module, name: str, option: str) -> nn.Module:
    """Return a part of a network.

    Args:
        network: The network.
        name: Dotted name of the part, such as ``streams.flow``.
        option: Option that names it, for the error.

    Raises:
        ConfigError: The network has no such part.
    """
    try:
        return network.get_submodule(name)
    except AttributeError:
        names = ", ".join(child for child, _ in network.named_children())
        raise ConfigError(f"{option}='{name}'; expected one of {names}, or a part of one") from None


def has_part(network: nn.Module, name: str) -> bool:
    """Return whether a network has a part of a dotted name."""
    try:
        network.get_submodule(name)
    except AttributeError:
        return False
    return True
