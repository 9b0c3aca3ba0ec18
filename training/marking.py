# SPDX-License-Identifier: Apache-2.0
"""What the masks of a stage's weights should mark: one action's part, or every part."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from affordance_seg_ros.config import NetworkConfig
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.training.stage_config import StageConfig


def marked_network(config: NetworkConfig, stage: StageConfig) -> NetworkConfig:
    """Return a network's configuration with which a stage's weights are to be used.

    If every part is asked for, no action may decide the mask: it would leave one affordance.
    """
    if stage.target == "demonstrated":
        return config
    return replace(config, decided_context=False)


@contextmanager
def marking(network: AffordanceNetwork, stage: StageConfig) -> Iterator[None]:
    """Let a network mark what a stage asks for; see `marked_network`."""
    context = network.action_context
    decided = context is not None and context.decided
    if context is not None:
        context.decided = decided and marked_network(network.config, stage).decided_context
    try:
        yield
    finally:
        if context is not None:
            context.decided = decided
