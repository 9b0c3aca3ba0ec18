# SPDX-License-Identifier: Apache-2.0
"""The attention autoencoder: an RGB-D clip in, the last frame's affordances and the action out."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from affordance_seg_ros.config import STILL, NetworkConfig
from affordance_seg_ros.errors import FrameError
from affordance_seg_ros.model.action_context import ActionContext, DecoderContext, certain_logits
from affordance_seg_ros.model.action_head import ActionHead
from affordance_seg_ros.model.attention import SoftAttention, UniformAttention
from affordance_seg_ros.model.conv_lstm import ConvLSTM, ConvLSTMState
from affordance_seg_ros.model.convolution import NORMS, ConvReLU
from affordance_seg_ros.model.decoder import Decoder
from affordance_seg_ros.model.encoder import EncoderStream, StreamFeatures
from affordance_seg_ros.model.network_state import Memory, MotionState, NetworkState
from affordance_seg_ros.model.pooled_memory import PooledMemory
from affordance_seg_ros.model.residual import ResidualBlock

APPEARANCE_CHANNELS = {"rgb": 3, "rgbd": 4}
DEPTH = 3
"""Channel of depth in the appearance, after the colours: 0 where there is no depth."""

FLOW_CHANNELS = {"none": 0, "2d": 3, "3d": 3}
"""Channels of the coloured flow. 2D flow is coloured like 3D flow without motion in depth."""


Fork: TypeAlias = Callable[[Sequence[Callable[[], StreamFeatures]]], list[StreamFeatures]]
"""Runs jobs that do not depend on each other, and returns their results in order."""


def in_turn(jobs: Sequence[Callable[[], StreamFeatures]]) -> list[StreamFeatures]:
    """Run one job after the other."""
    return [job() for job in jobs]


class StepOutput(NamedTuple):
    """What the network says about one frame.

    Attributes:
        logits: (B, C, H, W) of background and affordances.
        action_logits: (B, A) of the actions.
        attention: (B, 1, H/8, W/8) soft attention in [0, 1]; ones in a network without it.
    """

    logits: Tensor
    action_logits: Tensor
    attention: Tensor


class SequenceOutput(NamedTuple):
    """What the network says about sequences.

    Attributes:
        logits: (B, N, C, H, W) of the last N frames: of one, or of all.
        action_logits: (B, T, A) after every frame.
        attention: (B, N, 1, H/8, W/8) of the last N frames.
        memory: Memory after the last frame.
    """

    logits: Tensor
    action_logits: Tensor
    attention: Tensor
    memory: Memory


class AffordanceNetwork(nn.Module):
    """Two-stream encoder, convLSTM memory and attentive decoder.

    The parameters are PyTorch's defaults: call `xavier_initialise` or load a checkpoint.

    Args:
        config: The architecture.

    Source: Thermos et al., A Deep Learning Approach to Object Affordance Segmentation, ICASSP 2020.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        w, norm = config.width, config.norm
        self.appearance_channels = APPEARANCE_CHANNELS[config.appearance]
        self.flow_channels = FLOW_CHANNELS[config.flow]
        self.depth_mask = config.depth_mask and config.appearance == "rgbd"
        channels = {"appearance": self.appearance_channels + self.depth_mask}
        if self.flow_channels:
            channels["flow"] = self.flow_channels
        self.streams = nn.ModuleDict(
            {name: EncoderStream(n, width=w, norm=norm) for name, n in channels.items()}
        )
        self.skip_streams = len(channels) if config.skips == "both" else 1
        self.fusion = ConvReLU(8 * w * len(channels), 8 * w, kernel_size=1)
        self.residual = ResidualBlock(8 * w, norm=norm)
        # A pre-activation block does not normalise its sum: positive, and larger with every step.
        self.features_norm = NORMS[norm](8 * w)
        self.memory1 = ConvLSTM(8 * w, norm=norm)
        self.memory2 = ConvLSTM(8 * w, norm=norm)
        self.attention = (
            SoftAttention(8 * w, norm=config.attention_norm)
            if config.attention
            else UniformAttention()
        )
        self.decoder = Decoder(
            width=w,
            skip_streams=self.skip_streams,
            classes=config.labels.class_count,
            norm=norm,
        )
        moved = config.motion_memory and "flow" in channels
        self.motion_memory = PooledMemory(8 * w) if moved else None
        self.state_type: type[Memory] = MotionState if moved else NetworkState
        self.action_head = ActionHead(8 * w, len(config.actions), motion=moved)
        self.action_context = (
            ActionContext(8 * w, config.labels, decided=config.decided_context)
            if config.action_context
            else None
        )

    def forward(
        self,
        appearance: Tensor,
        flow: Tensor | None,
        state: Memory | None = None,
        *,
        every_frame: bool = False,
        told_action: Tensor | None = None,
    ) -> SequenceOutput:
        """Run over whole sequences; for training.

        Args:
            appearance: (B, T, 3 or 4, H, W) normalised colour, and depth; H and W at least 32.
            flow: (B, T, 3, H, W) coloured flow from the previous frame; None without a flow stream.
            state: Memory before the first frame; None for an empty one.
            every_frame: Whether to decode every frame instead of the last one.
            told_action: (B,) int64 ids of the action that the decoder is told instead of the one
                that the network recognises, negative for the latter; None for that everywhere.

        Returns:
            The output of `step` after every frame or the last one, up to rounding, and the action
            of every frame.

        Raises:
            FrameError: The inputs have other dimensions or channels than the network's.
        """
        pictures = self._checked(appearance, flow, "BT")
        batch, frames = appearance.shape[:2]
        encoded = self._encode([each.flatten(0, 1) for each in pictures], in_turn)
        features = _split(self._fuse(encoded), batch, frames)  # (B, T, 8w, h, w)
        before1, before2, before_motion = _layers(state)
        layer1, after1 = self.memory1(features, before1)
        memory, after2 = self.memory2(layer1, before2)  # (B, T, 8w, h, w)
        states = [*after1, *after2]
        decoded = frames if every_frame else 1

        def shown(x: Tensor) -> Tensor:
            """Return the (B N, ...) decoded frames of (B, T, ...)."""
            return x[:, -decoded:].flatten(0, 1)

        attention = self.attention(shown(features), shown(memory))
        skips = [
            tuple(shown(_split(skip, batch, frames)) for skip in stream.skips)
            for stream in encoded[: self.skip_streams]
        ]
        motion = None
        if self.motion_memory is not None:
            deep = _split(encoded[1].deep, batch, frames)
            motion, after_motion = self.motion_memory(deep, before_motion)
            states.extend(after_motion)
        actions = self.action_head(memory, motion)  # (B, T, A)
        believed = shown(actions)
        if told_action is not None:
            believed = certain_logits(told_action.repeat_interleave(decoded), believed)
        logits = self.decoder(shown(memory), skips, attention, self._context(believed))
        return SequenceOutput(
            _split(logits, batch, decoded),
            actions,
            _split(attention, batch, decoded),
            self.state_type(*states),
        )

    def step(
        self,
        appearance: Tensor,
        flow: Tensor | None,
        state: Memory | None,
        *,
        fork: Fork = in_turn,
    ) -> tuple[StepOutput, Memory]:
        """Take one frame; for the robot.

        Args:
            appearance: (B, 3 or 4, H, W) normalised colour, and depth; H and W at least 32.
            flow: (B, 3, H, W) coloured flow from the previous frame; None without a flow stream.
            state: Memory after the previous frame; None on a first frame, equivalent to zeros.
            fork: Runs the encoder streams, which do not depend on each other.

        Returns:
            The output for this frame, and the memory after it.

        Raises:
            FrameError: The inputs have other dimensions or channels than the network's.
        """
        encoded = self._encode(self._checked(appearance, flow, "B"), fork)
        features = self._fuse(encoded)  # (B, 8w, h, w)
        before1, before2, before_motion = _layers(state)
        layer1 = self.memory1.step(features, before1)
        layer2 = self.memory2.step(layer1.hidden, before2)
        memory = layer2.hidden
        attention = self.attention(features, memory)
        skips = [stream.skips for stream in encoded[: self.skip_streams]]
        states = [*layer1, *layer2]
        motion = None
        if self.motion_memory is not None:
            moved = self.motion_memory.step(encoded[1].deep, before_motion)
            motion = moved.hidden
            states.extend(moved)
        action = self.action_head(memory, motion)
        logits = self.decoder(memory, skips, attention, self._context(action))
        return StepOutput(logits, action, attention), self.state_type(*states)

    def encode(self, stream: str, pictures: Tensor) -> StreamFeatures:
        """Run one stream, 'appearance' or 'flow', on its (N, channels, H, W) pictures."""
        if stream == "flow" and self.config.center_flow:
            pictures = pictures - STILL
        if stream == "appearance" and self.depth_mask:
            pictures = torch.cat((pictures, (pictures[:, DEPTH:] > 0).to(pictures.dtype)), 1)
        features: StreamFeatures = self.streams[stream](pictures)
        return features

    def empty_state(self, batch: int, height: int, width: int) -> Memory:
        """Return the memory before a first frame: zeros, on the network's device, in its dtype.

        Args:
            batch: B, number of pictures per step.
            height: Height of the pictures [px].
            width: Width of the pictures [px].
        """
        like = self.fusion.conv.weight
        shape = (batch, 8 * self.config.width, height // 8, width // 8)
        shapes = [shape] * len(NetworkState._fields)
        if self.motion_memory is not None:
            shapes += [(*shape[:2], 1, 1)] * 2
        return self.state_type(*(like.new_zeros(each) for each in shapes))

    def _encode(self, pictures: Sequence[Tensor], fork: Fork) -> list[StreamFeatures]:
        """Run each stream on its (N, channels, H, W) pictures."""
        named = zip(self.streams, pictures, strict=True)
        return fork([partial(self.encode, name, each) for name, each in named])

    def _context(self, action_logits: Tensor) -> DecoderContext | None:
        """Return what (B, A) logits tell the decoder."""
        return None if self.action_context is None else self.action_context(action_logits)

    def _fuse(self, encoded: Sequence[StreamFeatures]) -> Tensor:
        """Return the (N, 8w, h, w) features of all streams together."""
        x = self.fusion(torch.cat([stream.deep for stream in encoded], 1))
        features: Tensor = self.features_norm(self.residual(x))
        return features

    def _checked(self, appearance: Tensor, flow: Tensor | None, leading: str) -> list[Tensor]:
        """Return the streams' inputs, or raise; `leading` names the dimensions before channels."""
        if (flow is None) != (self.flow_channels == 0):
            came, accepted = ("no flow", "flow") if flow is None else ("flow", "None")
            raise FrameError(
                f"{came} for a network with flow='{self.config.flow}'; expected {accepted}"
            )
        inputs = [("appearance", self.appearance_channels, appearance)]
        if flow is not None:
            inputs.append(("flow", self.flow_channels, flow))
        for name, channels, given in inputs:
            rank = len(leading) + 3
            if given.ndim != rank or given.shape[-3] != channels:
                expected = ", ".join((*leading, str(channels), "H", "W"))
                raise FrameError(f"{name} of shape {tuple(given.shape)}; expected ({expected})")
        return [given for _, _, given in inputs]


def _layers(
    state: Memory | None,
) -> tuple[ConvLSTMState | None, ConvLSTMState | None, ConvLSTMState | None]:
    """Return the memories of both layers and of motion, where there are any."""
    if state is None:
        return None, None, None
    motion = None
    if isinstance(state, MotionState):
        motion = ConvLSTMState(state.motion_hidden, state.motion_cell)
    layer1 = ConvLSTMState(state.hidden1, state.cell1)
    return layer1, ConvLSTMState(state.hidden2, state.cell2), motion


def _split(x: Tensor, batch: int, frames: int) -> Tensor:
    """Return (B T, ...) as (B, T, ...)."""
    return x.view(batch, frames, *x.shape[1:])
