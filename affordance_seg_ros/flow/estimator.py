# SPDX-License-Identifier: Apache-2.0
"""The common interface of scene flow, and the estimators behind it by name."""

import functools
import logging
from collections.abc import Callable
from typing import Protocol

import torch

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.errors import DeviceError
from affordance_seg_ros.flow.dis import DisFlow
from affordance_seg_ros.flow.flow_input import FlowInput
from affordance_seg_ros.flow.incremental import PrimalDualFlow
from affordance_seg_ros.frames import SceneFlow

__all__ = [
    "ESTIMATORS",
    "FlowEstimator",
    "FlowInput",
    "build_estimator",
    "estimator_name",
    "flow_in_words",
]

_LOG = logging.getLogger(__name__)


class FlowEstimator(Protocol):
    """Estimates the motion between consecutive frames of one stream."""

    def step(self, frame: FlowInput) -> SceneFlow:
        """Return the motion from the previously given frame to this one.

        Args:
            frame: The newer frame; its tensors may be on any device. They are kept until the next
                step, not copied: don't change them.

        Returns:
            Motion on the older frame's pixel grid, on the estimator's device; for a first frame,
            zeros that are valid nowhere.

        Raises:
            FrameError: The frame's parts differ in size, or its size is not that of the previous
                frame; the estimator is then as it was before the call.
        """

    def set_budget(self, budget: float) -> None:
        """Change the share of the work done from the next pair on; nothing is forgotten or rebuilt.

        Args:
            budget: Share in [0.05, 1] of the configured iterations, as `FlowConfig.budget`.

        Raises:
            ConfigError: The share is out of range.
        """

    def reset(self) -> None:
        """Forget the past: the next frame counts as a first one, of any size."""


def _fused(config: FlowConfig, device: torch.device) -> FlowEstimator:
    try:
        from affordance_seg_ros.flow.fused import FusedPrimalDualFlow
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "triton":
            raise
        raise DeviceError(
            "flow.estimator=primal_dual_fused, but Triton is not installed; expected the package "
            "triton, or dis or primal_dual, which do not need it"
        ) from error
    if device.type == "cuda" and (trouble := _kernel_trouble(device)):
        raise DeviceError(
            f"flow.estimator=primal_dual_fused cannot run on {device}: {trouble}; expected a C "
            "compiler, Python's headers (python3-dev) and a GPU of compute capability 7.0 or "
            "newer, or dis or primal_dual, which need none of these"
        )
    return FusedPrimalDualFlow(config, device)


@functools.cache
def _kernel_trouble(device: torch.device) -> str:
    """Return why Triton's kernels do not run on a CUDA device, or an empty text if they do."""
    try:
        from affordance_seg_ros.flow.kernels.trial import launch_one

        launch_one(device)
    except Exception as error:  # whatever Triton, its compiler or the driver raises means no
        return " ".join(f"{type(error).__name__}: {error}".split())
    return ""


ESTIMATORS: dict[str, Callable[[FlowConfig, torch.device], FlowEstimator]] = {
    "primal_dual": PrimalDualFlow,
    "primal_dual_fused": _fused,
    "dis": DisFlow,
}
"""The estimators by their names in `FlowConfig.estimator`."""


def estimator_name(config: FlowConfig, device: torch.device) -> str:
    """Return the name of the estimator that a configuration selects on a device.

    'auto' selects the fused kernels on a GPU where Triton works, and DIS elsewhere: the plain form
    takes thousands of small steps a frame, each of them a launch.
    """
    if config.estimator != "auto":
        return config.estimator
    if device.type != "cuda":
        return "dis"
    return "dis" if _kernel_trouble(device) else "primal_dual_fused"


def flow_in_words(name: str) -> str:
    """Return an estimator's name for people: ``primal-dual flow``, ``DIS flow``."""
    return f"{name.replace('_', '-').replace('dis', 'DIS')} flow"


def build_estimator(config: FlowConfig, device: torch.device) -> FlowEstimator:
    """Return the estimator that the configuration names.

    Args:
        config: Options; see `estimator_name` for 'auto'.
        device: Where the flow is computed and returned; DIS itself always runs on the CPU.

    Raises:
        DeviceError: The fused kernels are requested where Triton is missing or does not work, or
            on a CPU.
    """
    name = estimator_name(config, device)
    if config.estimator == "auto" and device.type == "cuda" and name == "dis":
        _LOG.warning(
            "flow.estimator=auto on %s uses DIS on the CPU, as Triton's kernels do not run there: "
            "%s",
            device,
            _kernel_trouble(device),
        )
    return ESTIMATORS[name](config, device)
