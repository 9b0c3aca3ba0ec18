# SPDX-License-Identifier: Apache-2.0
"""The learning rate, as a pure function of the step."""

import math

_LAST_SHARE = 0.01
"""Where the cosine ends, as a share of the largest rate."""


def learning_rate(
    step: int, total_steps: int, *, largest: float, schedule: str, warmup_share: float
) -> float:
    """Return the learning rate of a step.

    Args:
        step: Step of the stage, from 0.
        total_steps: Number of steps of the stage.
        largest: Rate after the warm-up.
        schedule: 'constant', or 'cosine' that falls to a hundredth.
        warmup_share: Share of the steps in which the rate rises linearly from near 0.
    """
    warmup = round(warmup_share * total_steps)
    if step < warmup:
        return largest * (step + 1) / warmup
    if schedule == "constant":
        return largest
    progress = (step - warmup) / max(1, total_steps - warmup)
    share = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return largest * (_LAST_SHARE + (1 - _LAST_SHARE) * share)


def scaled_epochs(epochs: int, scale: float) -> int:
    """Return a stage's number of epochs at the run's `epoch_scale`; at least one."""
    return max(1, round(epochs * scale))
