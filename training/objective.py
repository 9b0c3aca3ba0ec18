# SPDX-License-Identifier: Apache-2.0
"""What a training step computes: the loss of a batch, under one stage's rules."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from affordance_seg_ros.config import NetworkConfig
from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.model.initialisation import xavier_initialise
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.model.network_state import Memory
from affordance_seg_ros.model.pooled_memory import PooledMemory
from affordance_seg_ros.training.loss import action_loss, segmentation_loss
from affordance_seg_ros.training.network_parts import find_part, has_part
from affordance_seg_ros.training.sample import Batch
from affordance_seg_ros.training.stage_config import StageConfig


class Losses(NamedTuple):
    """() losses: the one that is minimised, and its two parts before weighting."""

    total: Tensor
    segmentation: Tensor
    action: Tensor


class AffordanceObjective(nn.Module):
    """Loss of masks and actions.

    Args:
        network: Network that learns.
        stage: Supervision and weights.
        weights: (C,) weights of the classes; None for equal ones.

    Raises:
        ConfigError: Clips are to begin with the memory of others, but none in a batch can.
    """

    def __init__(
        self, network: AffordanceNetwork, stage: StageConfig, weights: Tensor | None
    ) -> None:
        super().__init__()
        self.stage = stage
        if stage.carried_share and not self._carried_count(stage.batch_size):
            raise ConfigError(
                f"stage '{stage.name}': carried_share={stage.carried_share:g} with batch_size="
                f"{stage.batch_size}; expected a share that amounts to a clip, in a batch of at "
                "least 2: the memory comes from another clip of the batch"
            )
        self.network = network
        self.register_buffer("class_weights", weights, persistent=False)

    def forward(self, batch: Batch) -> Losses:
        """Return the losses of a batch."""
        flow = batch.flow if batch.flow.shape[2] else None
        every = self.stage.supervision == "every"
        still = batch.appearance.shape[1] == 1
        with _at_rest(self.network, MOTION if still else ()):
            output = self.network(
                batch.appearance,
                flow,
                self._carried(batch.appearance, flow),
                every_frame=every,
                told_action=batch.told_action,
            )
        masks = self._mask_loss(output.logits, batch.target if every else batch.target[:, -1:])
        spoken = action_loss(output.action_logits, batch.action, frames=self.stage.action_frames)
        total = self.stage.segmentation_weight * masks + self.stage.action_weight * spoken
        return Losses(total, masks.detach(), spoken.detach())

    def _carried(self, appearance: Tensor, flow: Tensor | None) -> Memory | None:
        """Return the memory that a batch begins with; None for an empty one.

        For the stage's share of clips, it is what the next clip of the batch left, without a
        gradient. The others begin empty, and so do pictures.
        """
        batch, frames = appearance.shape[:2]
        count = self._carried_count(batch)
        if frames == 1 or not count:
            return None
        following = torch.arange(1, count + 1, device=appearance.device) % batch
        shown = [each if each is None else each[following] for each in (appearance, flow)]
        with torch.no_grad():
            left = self.network(*shown).memory
        # Older PyTorch would reuse the weights that autocast rounded here, without a gradient.
        torch.clear_autocast_cache()
        empty = self.network.empty_state(batch - count, *appearance.shape[-2:])
        pairs = zip(left, empty, strict=True)
        return self.network.state_type(*(torch.cat((some, none)) for some, none in pairs))

    def _carried_count(self, batch: int) -> int:
        """Return how many clips of a batch begin with the memory of another one in it."""
        return round(self.stage.carried_share * batch) if batch > 1 else 0

    def _mask_loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of (B, N, C, H, W) logits, pooled over the batch and its frames."""
        return segmentation_loss(
            logits.flatten(0, 1),
            target.flatten(0, 1),
            class_weights=self.class_weights,
            dice_weight=self.stage.dice_weight,
            dice_over=self.stage.dice_over,
        )


class ActionObjective(nn.Module):
    """Loss of one stream with a memory that names the action.

    For the appearance stream it is the paper's pre-training. From it, the flow stream learns what
    motion says before the rest of the network has learned to do without it, and so does the
    network's motion memory if it has one.

    Args:
        network: Network whose stream learns.
        config: Its configuration, with the actions of the pre-training's data.
        stage: Its task names the stream.

    Raises:
        ConfigError: The network has no such stream.

    Source: Thermos et al., ICASSP 2020, section 3.1.
    """

    def __init__(self, network: AffordanceNetwork, config: NetworkConfig, stage: StageConfig):
        super().__init__()
        self.network = network
        self.stage = stage
        self.stream = "flow" if stage.task == "motion" else "appearance"
        if self.stream not in network.streams:
            raise ConfigError(
                f"stage '{stage.name}' with task '{stage.task}' for a network with "
                f"flow='{config.flow}'; expected a network with flow"
            )
        channels = 8 * config.width
        own = self.stream == "flow" and network.motion_memory is not None
        self.memory = None if own else PooledMemory(channels)
        self.classifier = nn.Linear(channels, len(config.actions))
        random = torch.Generator().manual_seed(torch.initial_seed() % 2**63)
        for part in filter(None, (self.memory, self.classifier)):
            xavier_initialise(part, random)

    def forward(self, batch: Batch) -> Losses:
        """Return the losses of a batch; there is no mask."""
        loss = action_loss(self.name(batch), batch.action, frames=self.stage.action_frames)
        return Losses(loss, torch.zeros_like(loss), loss.detach())

    def name(self, batch: Batch) -> Tensor:
        """Return the (B, T, A) logits of the actions, after every frame."""
        batch_size, frames = batch.appearance.shape[:2]
        pictures = batch.flow if self.stream == "flow" else batch.appearance
        deep = self.network.encode(self.stream, pictures.flatten(0, 1)).deep
        memory = self.network.motion_memory if self.memory is None else self.memory
        assert memory is not None
        remembered, _ = memory(deep.view(batch_size, frames, *deep.shape[1:]))  # (B, T, 8w, 1, 1)
        logits: Tensor = self.classifier(remembered.flatten(2))
        return logits


Objective: TypeAlias = AffordanceObjective | ActionObjective
"""What a stage minimises, around the network that learns."""


MOTION = ("streams.flow", "motion_memory")
"""Parts of a network that see motion alone. A single picture holds none, and from motion that is
always 0 they would learn to be a constant, and stay one when motion comes."""


@contextmanager
def _at_rest(network: AffordanceNetwork, parts: tuple[str, ...]) -> Iterator[None]:
    """Exclude parts of a network, as far as it has them, from the gradient of an output."""
    found = (network.get_submodule(part) for part in parts if has_part(network, part))
    learning = [each for part in found for each in part.parameters() if each.requires_grad]
    for each in learning:
        each.requires_grad_(False)
    try:
        yield
    finally:
        for each in learning:
            each.requires_grad_(True)


def freeze(network: AffordanceNetwork, parts: tuple[str, ...]) -> None:
    """Let all of a network learn except the named parts.

    Raises:
        ConfigError: The network has no such part.
    """
    network.requires_grad_(True)
    for part in filter(None, parts):
        find_part(network, part, "frozen").requires_grad_(False)
