# SPDX-License-Identifier: Apache-2.0
"""The one interface of scene flow, and the estimators behind it by name."""

from collections.abc import Callable
from typing import Protocol

import torch

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.flow.dis import DisFlow
from affordance_seg_ros.flow.flow_input import FlowInput
from affordance_seg_ros.flow.incremental import PrimalDualFlow
from affordance_seg_ros.frames import SceneFlow

__all__ = ["ESTIMATORS", "FlowEstimator", "FlowInput", "build_estimator"]


class FlowEstimator(Protocol):
    """Estimates the motion between consecutive frames of one stream."""

    def step(self, frame: FlowInput) -> SceneFlow:
        """Return the motion from the previously given frame to this one.

        Args:
            frame: The newer frame; its tensors may be on any device. They are kept until the next
                step, not copied: don't change them.

        Returns:
            Motion on the older frame's pixel grid, on the estimator's device; for a first frame,
            zeros that are nowhere valid.

        Raises:
            FrameError: The frame's parts differ in size, or its size is not that of the previous
                frame; the estimator then is as it was before the call.
        """

    def set_budget(self, budget: float) -> None:
        """Spend another share of the work from the next pair on; nothing is forgotten or rebuilt.

        Args:
            budget: Share in (0, 1] of the configured iterations, as `FlowConfig.budget`.

        Raises:
            ConfigError: The share is out of range.
        """

    def reset(self) -> None:
        """Forget the past: the next frame is a first one, of any size."""


ESTIMATORS: dict[str, Callable[[FlowConfig, torch.device], FlowEstimator]] = {
    "primal_dual": PrimalDualFlow,
    "dis": DisFlow,
}
"""The estimators by their names in `FlowConfig.estimator`."""


def build_estimator(config: FlowConfig, device: torch.device) -> FlowEstimator:
    """Return the estimator that the configuration names.

    Args:
        config: Options; 'auto' is primal-dual on a GPU and DIS elsewhere.
        device: Where the flow is computed and returned; DIS itself always runs on the CPU.
    """
    name = config.estimator
    if name == "auto":
        name = "primal_dual" if device.type == "cuda" else "dis"
    return ESTIMATORS[name](config, device)
