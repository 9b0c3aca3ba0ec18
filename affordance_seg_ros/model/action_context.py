# SPDX-License-Identifier: Apache-2.0
"""What the recognised action tells the decoder."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from affordance_seg_ros.labels import LabelSet


class DecoderContext(NamedTuple):
    """What the decoder is told about one frame.

    Attributes:
        features: (B, channels, 1, 1), to be added to the decoder's first features.
        prior: (B, classes, 1, 1) log probability of each mask class, to be added to its logits; 0
            for background and for affordances that no action is named after.
    """

    features: Tensor
    prior: Tensor


_CERTAIN = 10.0
"""Logit of an action that is told, the others' being 0; it leaves them 0.04 % in total."""


def certain_logits(action: Tensor, otherwise: Tensor) -> Tensor:
    """Return (B, A) logits of actions that are known.

    Args:
        action: (B,) int64 action ids; negative where the action is not known.
        otherwise: (B, A) logits for where it is not known.
    """
    ids = torch.arange(otherwise.shape[1], device=otherwise.device)
    certain = _CERTAIN * (action[:, None] == ids).to(otherwise.dtype)
    return torch.where(action[:, None] >= 0, certain, otherwise)


class ActionContext(nn.Module):
    """Tells the decoder the probabilities of the actions.

    The demonstrated affordance is that of the action: a cup that is pushed is not marked for its
    handle. The memory as a whole knows the action, but the mask is decided pixel by pixel; with 3x3
    convolutions in between, a pixel far from the hand would have to guess the action.

    The probability that a pixel affords c and c is shown is then the product of both probabilities,
    a sum of logarithms. The features also let the decoder draw another part for another action.

    Two equally likely actions leave less of each one's part, and a mask of patches of both. A
    decided context tells the likeliest action as if it were certain; the doubt is left to the
    confidence of the mask (`label_map`). In training it still tells the probabilities, so that the
    mask teaches the action too.

    Args:
        channels: Channels of the memory.
        labels: Affordances and actions; they correspond by name.
        decided: Whether to tell the likeliest action alone, except in training.
    """

    def __init__(self, channels: int, labels: LabelSet, *, decided: bool = False) -> None:
        super().__init__()
        self.decided = decided
        self.features = nn.Linear(len(labels.actions), channels, bias=False)
        actions = labels.actions
        self._action_of_class = (
            None,
            *(actions.index(name) if name in actions else None for name in labels.affordances),
        )

    def forward(self, action_logits: Tensor) -> DecoderContext:
        """Return what (B, actions) logits say about the picture."""
        if self.decided and not self.training:
            action_logits = certain_logits(action_logits.argmax(-1), action_logits)
        known = action_logits.log_softmax(-1)
        unknown = torch.zeros_like(known[:, :1])
        prior = [unknown if i is None else known[:, i : i + 1] for i in self._action_of_class]
        features = self.features(known.exp())
        return DecoderContext(features[..., None, None], torch.cat(prior, 1)[..., None, None])
