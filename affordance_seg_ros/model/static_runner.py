# SPDX-License-Identifier: Apache-2.0
"""The network over buffers that never move, so that a frame can be recorded once and replayed."""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from affordance_seg_ros.errors import FrameError
from affordance_seg_ros.model.network import AffordanceNetwork, StepOutput
from affordance_seg_ros.model.runner import Step, name_of

Work: TypeAlias = Callable[[], None]
Capture: TypeAlias = Callable[[Work], Work]
"""Runs work a few times, and returns something that does the same to the same memory, faster."""


class StaticRunner:
    """A step with static inputs, memory and outputs.

    All a frame does is copy its inputs in and run the work, which reads and writes the same memory
    in every frame. A CUDA graph requires this, and no memory is allocated outside the work.

    Args:
        network: The network, in the dtype that it is to run in, channels last in memory.
        step: Its step, or one that computes the same.
        height: Height of the pictures [px].
        width: Width of the pictures [px].
        capture: How the work is recorded: `capture_directly`, or as a graph of the device.
        description: See `NetworkRunner`.
    """

    def __init__(
        self,
        network: AffordanceNetwork,
        step: Step,
        height: int,
        width: int,
        *,
        capture: Capture,
        description: str,
    ) -> None:
        like = network.fusion.conv.weight
        self._step = step
        self._description = f"{description}, {name_of(like.dtype)}"
        self._appearance = _picture(network.appearance_channels, height, width, like)
        self._flow = (
            _picture(network.flow_channels, height, width, like) if network.flow_channels else None
        )
        empty = network.empty_state(1, height, width)
        self._memory = network.state_type(*map(_channels_last, empty))
        h, w = self._memory.hidden1.shape[-2:]
        classes, actions = network.config.labels.class_count, len(network.config.actions)
        self._output = StepOutput(
            *(
                torch.zeros(shape, device=like.device)
                for shape in ((1, classes, height, width), (1, actions), (1, 1, h, w))
            )
        )
        with torch.inference_mode():
            self._replay = capture(self._work)
        self.reset()  # the capture has run on empty pictures

    @property
    def description(self) -> str:
        """What runs the network; see `NetworkRunner`."""
        return self._description

    @torch.inference_mode()
    def step(self, appearance: Tensor, flow: Tensor | None) -> StepOutput:
        """Take the next frame; see `NetworkRunner`."""
        _fill(self._appearance, appearance, "appearance")
        if self._flow is not None and flow is not None:
            _fill(self._flow, flow, "flow")
        elif self._flow is not None or flow is not None:
            came, accepted = ("no flow", "flow") if flow is None else ("flow", "None")
            raise FrameError(f"{came} for a network that takes another input; expected {accepted}")
        self._replay()
        return self._output

    def reset(self) -> None:
        """Empty the memory; see `NetworkRunner`."""
        for each in self._memory:
            each.zero_()

    def _work(self) -> None:
        """Run one frame from the input buffers to the output buffers and the memory."""
        output, memory = self._step(self._appearance, self._flow, self._memory)
        for target, source in zip((*self._output, *self._memory), (*output, *memory), strict=True):
            target.copy_(source)


def capture_directly(work: Work) -> Work:
    """Run the work once and return it unchanged: for devices without graphs."""
    work()
    return work


def _picture(channels: int, height: int, width: int, like: Tensor) -> Tensor:
    """Return an empty (1, channels, height, width) picture in the dtype of the weights."""
    empty = torch.zeros(1, channels, height, width, dtype=like.dtype, device=like.device)
    return _channels_last(empty)


def _channels_last(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last)


def _fill(buffer: Tensor, picture: Tensor, name: str) -> None:
    """Copy a picture into its buffer; the sizes must be equal, or the copy would broadcast it."""
    if picture.shape != buffer.shape:
        raise FrameError(
            f"{name} of shape {tuple(picture.shape)}; expected {tuple(buffer.shape)}, the size "
            "that the network was prepared for"
        )
    buffer.copy_(picture, non_blocking=True)
