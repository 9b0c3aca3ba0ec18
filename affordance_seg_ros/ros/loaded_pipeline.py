# SPDX-License-Identifier: Apache-2.0
"""What the node asks of a pipeline with its weights, and how the real one is built."""

from typing import Protocol

from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.ros.effort import StreamingPipeline


class _Card(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def trained(self) -> bool: ...
    @property
    def description(self) -> str: ...
    @property
    def license(self) -> str: ...


class LoadedPipeline(StreamingPipeline, Protocol):
    """A pipeline with its weights, as the node sees it."""

    @property
    def labels(self) -> LabelSet:
        """Labels and actions of the weights."""

    @property
    def card(self) -> _Card:
        """Name and origin of the weights."""

    @property
    def network(self) -> str:
        """What runs the network, in words."""

    @property
    def flow_estimator(self) -> str:
        """Name of the flow estimator."""

    def warm_up(self) -> None:
        """Do everything that is slow only the first time."""

    def close(self) -> None:
        """Release what it holds on its device; it cannot be used afterwards."""


def build_real(weights: str, device: str, config: PipelineConfig) -> LoadedPipeline:
    """Build the real pipeline; loads torch, which takes seconds."""
    from affordance_seg_ros.pipeline.streaming import build_pipeline

    return build_pipeline(weights, device, config)
