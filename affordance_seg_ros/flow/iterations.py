# SPDX-License-Identifier: Apache-2.0
"""How many iterations a budget allows."""

from typing import NamedTuple

from affordance_seg_ros.config import FlowConfig


class Iterations(NamedTuple):
    """Iterations of a pair at the finest level, for a cold and for a warm start; at least one."""

    cold: int
    warm: int

    @classmethod
    def of(cls, config: FlowConfig) -> "Iterations":
        """Return the configured iterations times the budget."""
        return cls(
            *(
                max(1, round(config.budget * iterations))
                for iterations in (config.iterations, config.warm_iterations)
            )
        )
