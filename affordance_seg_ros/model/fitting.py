# SPDX-License-Identifier: Apache-2.0
"""The weights of a different network, as far as they fit."""

from collections.abc import Mapping

import torch
from torch import Tensor

from affordance_seg_ros.errors import CheckpointError
from affordance_seg_ros.model.network import AffordanceNetwork


@torch.no_grad()
def load_matching_weights(network: AffordanceNetwork, tensors: Mapping[str, Tensor]) -> None:
    """Copy another network's weights as far as they fit; the rest stays as it is.

    A tensor fits one of the same name and shape. Where they differ only in the number of input
    channels, the first ones that both have are copied: the colour of RGB-D, and the appearance of
    the fusion.

    Args:
        network: Changed in place.
        tensors: The other's weights by name.

    Raises:
        CheckpointError: Nothing fits.
    """
    copied = 0
    for name, ours in network.state_dict().items():
        theirs = tensors.get(name)
        if theirs is None or _without_inputs(theirs) != _without_inputs(ours):
            continue
        if ours.ndim > 1:
            inputs = min(theirs.shape[1], ours.shape[1])
            ours[:, :inputs] = theirs[:, :inputs]
        else:
            ours.copy_(theirs)
        copied += 1
    if not copied:
        raise CheckpointError(
            f"weights with the tensors {', '.join(list(tensors)[:3])}, ...; expected some of "
            f"{', '.join(list(network.state_dict())[:3])}, ... in shapes that fit"
        )


def _without_inputs(tensor: Tensor) -> tuple[int, ...]:
    """Return the shape of a weight without its second axis, the input channels."""
    return (*tensor.shape[:1], *tensor.shape[2:])
