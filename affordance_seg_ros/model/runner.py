# SPDX-License-Identifier: Apache-2.0
"""Running the network frame by frame: the interface, and PyTorch's eager mode behind it."""

from collections.abc import Callable
from copy import deepcopy
from typing import Protocol, TypeAlias

import torch
from torch import Tensor

from affordance_seg_ros.model.network import AffordanceNetwork, StepOutput
from affordance_seg_ros.model.network_state import Memory

Step: TypeAlias = Callable[[Tensor, Tensor | None, Memory | None], tuple[StepOutput, Memory]]
"""`AffordanceNetwork.step`, or something that computes the same."""


class NetworkRunner(Protocol):
    """Runs the network on the frames of one stream, and carries its memory between them."""

    @property
    def description(self) -> str:
        """What runs the network and in which dtype, for people: ``eager PyTorch, float32``."""

    def step(self, appearance: Tensor, flow: Tensor | None) -> StepOutput:
        """Take the next frame.

        Args:
            appearance: (1, 3 or 4, H, W) float32 normalised colour, and depth.
            flow: (1, 3, H, W) float32 coloured flow from the previous frame; None without a flow
                stream.

        Returns:
            The output for this frame in float32. The next step may overwrite its tensors.

        Raises:
            FrameError: The inputs have other sizes than the network's.
        """

    def reset(self) -> None:
        """Empty the memory: the next frame is a first one."""


class EagerRunner:
    """PyTorch, one operation after the other; the reference, in float32 and its default format.

    Args:
        network: The network; copied if it has to be changed.
        dtype: Type of the numbers that it computes with.
        memory_format: Order of the values of pictures and weights in memory.
    """

    def __init__(
        self,
        network: AffordanceNetwork,
        *,
        dtype: torch.dtype = torch.float32,
        memory_format: torch.memory_format = torch.contiguous_format,
    ) -> None:
        self._network = converted(network, dtype, memory_format)
        self._dtype = dtype
        self._format = memory_format
        order = ", channels last" if memory_format == torch.channels_last else ""
        self._description = f"eager PyTorch, {name_of(dtype)}{order}"
        self._state: Memory | None = None

    @property
    def description(self) -> str:
        """What runs the network; see `NetworkRunner`."""
        return self._description

    @torch.inference_mode()
    def step(self, appearance: Tensor, flow: Tensor | None) -> StepOutput:
        """Take the next frame; see `NetworkRunner`."""
        output, self._state = self._network.step(
            self._taken(appearance), None if flow is None else self._taken(flow), self._state
        )
        return StepOutput(*(each.float() for each in output))

    def reset(self) -> None:
        """Empty the memory; see `NetworkRunner`."""
        self._state = None

    def _taken(self, picture: Tensor) -> Tensor:
        return picture.to(self._dtype, memory_format=self._format)


def converted(
    network: AffordanceNetwork, dtype: torch.dtype, memory_format: torch.memory_format
) -> AffordanceNetwork:
    """Return the network in another dtype or memory format: itself, or a changed copy."""
    if dtype == torch.float32 and memory_format == torch.contiguous_format:
        return network
    copied = deepcopy(network).to(dtype)
    copied.to(memory_format=memory_format)  # type: ignore[call-overload]  # missing from its stubs
    return copied


def name_of(dtype: torch.dtype) -> str:
    """Return a dtype's name without its module: ``float32``."""
    return str(dtype).removeprefix("torch.")
