# SPDX-License-Identifier: Apache-2.0
"""The mean of the weights over the last steps: what one step gains and the next loses evens out."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from affordance_seg_ros.training.objective import Objective


class WeightAverage:
    """The weights that a stage is measured with and keeps.

    They are the mean over all steps so far until there are `steps` of them; from then on each new
    one counts for a share of 1 / `steps`, and older ones fade.

    Args:
        objective: What learns, on its device.
        steps: Number of steps; 0 for the weights as they are after the last step.

    Source: Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging, SIAM J.
    Control and Optimization 30(4), 1992.
    """

    def __init__(self, objective: Objective, steps: int) -> None:
        self._objective = objective
        self._averaged: AveragedModel | None = None
        if steps:

            def take_in(means: Sequence[Tensor], new: Sequence[Tensor], number: Tensor) -> None:
                share = (1 / (number + 1)).clamp(min=1 / steps)
                for mean, each in zip(means, new, strict=True):
                    mean.lerp_(each, share)

            self._averaged = AveragedModel(objective, multi_avg_fn=take_in)

    @property
    def objective(self) -> Objective:
        """The objective with the mean weights."""
        if self._averaged is None:
            return self._objective
        averaged: Objective = self._averaged.module
        return averaged

    def update(self) -> None:
        """Take in the weights after a step."""
        if self._averaged is not None:
            self._averaged.update_parameters(self._objective)

    def take_over(self) -> None:
        """Give the objective the mean weights, at the end of a stage."""
        if self._averaged is not None:
            self._objective.load_state_dict(self._averaged.module.state_dict())

    def state_dict(self) -> dict[str, Any]:
        """Return the state for a snapshot; empty without a mean."""
        return {} if self._averaged is None else self._averaged.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a snapshot; an empty one is that of a stage not yet begun."""
        if self._averaged is not None and state:
            self._averaged.load_state_dict(state)
