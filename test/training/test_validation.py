# SPDX-License-Identifier: Apache-2.0
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from tiny_clips import LABELS
from torch.nn.functional import one_hot

from affordance_seg_ros.config import COMPACT, FlowConfig, InputConfig
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.training.augmentation.augmentation_config import NO_AUGMENTATION
from affordance_seg_ros.training.datasets.clips import scan_clips
from affordance_seg_ros.training.datasets.flow_cache import FlowCache
from affordance_seg_ros.training.datasets.pictures import Pictures
from affordance_seg_ros.training.marking import marked_network, marking
from affordance_seg_ros.training.objective import ActionObjective
from affordance_seg_ros.training.samples import SampleKey, TrainingSamples
from affordance_seg_ros.training.stage_config import StageConfig
from affordance_seg_ros.training.validation import (
    Validation,
    ValidationSet,
    validate,
    validate_actions,
)

INPUT = InputConfig(height=32, width=40, fit="stretch")
NETWORK = replace(COMPACT, width=4, sequence_length=3)
STAGE = StageConfig(task="motion")
COUNT = len(LABELS.actions)


class NamingAtLast(ActionObjective):
    """Names another action than the last frame's at every frame before it."""

    def __init__(self, naming):
        super().__init__(AffordanceNetwork(NETWORK), NETWORK, STAGE)
        self.naming = naming

    def name(self, batch):
        last = self.naming(batch.action)
        named = torch.stack(((last + 1) % COUNT, (last + 2) % COUNT, last), 1)
        return one_hot(named, COUNT).float()


def validation_set(clips, stage):
    samples = TrainingSamples(
        sequences=scan_clips(clips, "val", None, LABELS).sequences,
        stage=stage,
        network=NETWORK,
        input_config=INPUT,
        augmentation=NO_AUGMENTATION,
        pictures=Pictures(INPUT, LABELS.affordances, keep=False),
        caches=[FlowCache("dis", FlowConfig(), INPUT)],
        seed=0,
    )
    return ValidationSet(samples, LABELS, torch.device("cpu"), nullcontext, workers=0)


class Marking(AffordanceNetwork):
    """Makes of the truth at the last frame what it is told to, sample after sample."""

    def __init__(self, samples, mark):
        super().__init__(NETWORK)
        self.samples, self.mark, self.seen = samples, mark, 0

    def forward(self, *shown, **told):
        batch = self.samples[SampleKey(0, self.seen, False)]
        self.seen += 1
        logits = one_hot(self.mark(batch.target[-1]), LABELS.class_count).float()
        actions = one_hot(batch.action, COUNT).float().expand(1, len(batch.target), -1)
        return (
            super()
            .forward(*shown, **told)
            ._replace(logits=logits.permute(2, 0, 1)[None, None], action_logits=actions)
        )


@pytest.mark.parametrize(
    ("mark", "iou"),
    [
        (lambda truth: truth, 1.0),
        (torch.zeros_like, 0.0),
        (lambda truth: torch.where(truth == LABELS.label_id("lift"), truth, 0), 1 / 3),
    ],
    ids=["truth", "nothing", "one affordance"],
)
def test_the_mask_at_the_last_frame_counts(clips, mark, iou):
    data = validation_set(clips, StageConfig(target="demonstrated"))
    network = Marking(data.samples, mark).train()
    seen = validate(network, data)
    assert (seen.iou, seen.f1) == (pytest.approx(iou), pytest.approx(iou))
    assert seen.score == seen.iou
    assert seen.action_accuracy == 1.0
    assert network.training


@pytest.mark.parametrize(
    ("naming", "accuracy"),
    [
        (lambda action: action, 1.0),
        (lambda action: torch.full_like(action, LABELS.actions.index("lift")), 1 / 3),
    ],
)
def test_the_action_named_at_the_last_frame_counts(clips, naming, accuracy):
    objective = NamingAtLast(naming).train()
    seen = validate_actions(objective, validation_set(clips, STAGE))
    assert seen.score == seen.action_accuracy == pytest.approx(accuracy)
    assert objective.training


def test_a_stage_that_learns_no_masks_is_judged_by_its_actions():
    seen = Validation(0.11, 0.2, {}, 0.95, None)
    assert seen.score == 0.11
    assert seen._replace(learns_masks=False).score == 0.95
    assert seen._replace(iou=None).score == 0.95


@pytest.mark.parametrize(("target", "decides"), [("affordances", False), ("demonstrated", True)])
def test_no_action_decides_the_masks_of_every_part(target, decides):
    config = replace(NETWORK, action_context=True, decided_context=True)
    network, stage = AffordanceNetwork(config).eval(), StageConfig(target=target)
    assert marked_network(config, stage).decided_context is decides
    with marking(network, stage):
        assert network.action_context.decided is decides
    assert network.action_context.decided
    with marking(AffordanceNetwork(NETWORK), stage):
        pass  # without a context there is nothing to decide
