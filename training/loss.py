# SPDX-License-Identifier: Apache-2.0
"""What training minimises: the losses of mask and action."""

from torch import Tensor
from torch.nn import functional

from affordance_seg_ros.labels import IGNORE
from affordance_seg_ros.training.sample import NO_ACTION

_DICE_SMOOTHING_PX = 1.0


def segmentation_loss(
    logits: Tensor,
    target: Tensor,
    *,
    class_weights: Tensor | None,
    dice_weight: float,
    dice_over: str = "batch",
) -> Tensor:
    """Return the negative log likelihood per pixel, and optionally the Dice loss.

    Without weights, the likelihood is the paper's: the mean over all pixels that count. With
    weights w_c, the mean is weighted: Σ w_t · nll / Σ w_t.

    Args:
        logits: (N, C, H, W).
        target: (N, H, W) int64 label ids; pixels of 255 do not count.
        class_weights: (C,) weights of the classes; None for the paper's 1.
        dice_weight: Weight of `dice_loss`, which is added.
        dice_over: As in `dice_loss`.

    Returns:
        () loss; 0 where no pixel counts.

    Source: Thermos et al., ICASSP 2020, section 2.4.
    """
    # In half precision a sum over pixels overflows.
    logits = logits.float()
    nll = functional.cross_entropy(logits, target, ignore_index=IGNORE, reduction="none")
    counted = target != IGNORE
    weights = counted.float()
    if class_weights is not None:
        weights = class_weights[target.where(counted, 0)] * counted
    loss = (weights * nll).sum() / weights.sum().clamp(min=1e-12)
    if dice_weight:
        loss = loss + dice_weight * dice_loss(logits, target, over=dice_over)
    return loss


def dice_loss(logits: Tensor, target: Tensor, *, over: str = "batch") -> Tensor:
    """Return one minus the soft Dice score, averaged over the affordances in the target.

    Background is not a class here: where it is 95 % of the pixels, the likelihood alone is small
    for a mask without any affordance, and this loss is not.

    Args:
        logits: (N, C, H, W).
        target: (N, H, W) int64 label ids; pixels of 255 do not count.
        over: 'batch' pools a class's pixels over all pictures; 'picture' scores each of them, so
            that a handle of 50 pixels counts as much as a bottle of 1000 with the same affordance.

    Returns:
        () loss in [0, 1]; 0 where the target shows no affordance.

    Source: Milletari et al., V-Net, 3DV 2016, with a smoothing of one pixel.
    """
    counted = target != IGNORE
    probabilities = logits.float().softmax(1) * counted[:, None]
    truth = functional.one_hot(target.where(counted, 0), logits.shape[1]).movedim(-1, 1)
    truth = truth * counted[:, None]  # (N, C, H, W)
    pooled = (0, 2, 3) if over == "batch" else (2, 3)
    overlap = (probabilities * truth).sum(pooled)[..., 1:]  # (C - 1,) or (N, C - 1)
    size = truth.sum(pooled)[..., 1:]
    total = probabilities.sum(pooled)[..., 1:] + size
    dice = (2 * overlap + _DICE_SMOOTHING_PX) / (total + _DICE_SMOOTHING_PX)
    shown = size > 0
    return ((1 - dice) * shown).sum() / shown.sum().clamp(min=1)


def action_loss(action_logits: Tensor, action: Tensor, *, frames: str) -> Tensor:
    """Return the cross entropy of the action after the last frame, or its mean over all frames.

    Args:
        action_logits: (B, T, A) logits after every frame.
        action: (B,) int64 action ids; sequences of `NO_ACTION` do not count.
        frames: 'last' or 'mean'.

    Returns:
        () loss; 0 where no sequence counts.
    """
    shown = action_logits[:, -1:] if frames == "last" else action_logits
    logits = shown.float().flatten(0, 1)
    truth = action[:, None].expand(-1, shown.shape[1]).flatten()
    summed = functional.cross_entropy(logits, truth, ignore_index=NO_ACTION, reduction="sum")
    return summed / (truth != NO_ACTION).sum().clamp(min=1)


def class_weights(pixels: Tensor, balance: str) -> Tensor | None:
    """Return the weight of each class from its number of pixels.

    Args:
        pixels: (C,) number of pixels of each class in the training set, background first.
        balance: 'none', 'sqrt' (1 / sqrt(share)) or 'inverse' (1 / share).

    Returns:
        (C,) weights whose mean over all pixels is 1, so that the learning rate keeps its meaning;
        a class without pixels gets that of the rarest one, as a few may have been missed where only
        some were counted. None for 'none'.
    """
    if balance == "none":
        return None
    share = pixels.double() / pixels.sum()
    power = 0.5 if balance == "sqrt" else 1.0
    weights = share.clamp(min=float(share[share > 0].min())) ** -power
    return (weights / (share * weights).sum().clamp(min=1e-12)).float()
