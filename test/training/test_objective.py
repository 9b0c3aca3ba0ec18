# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest
import torch

from affordance_seg_ros.config import COMPACT
from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.labels import IGNORE
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.training.initialise import initial_network
from affordance_seg_ros.training.objective import (
    ActionObjective,
    AffordanceObjective,
    freeze,
    freeze_for,
)
from affordance_seg_ros.training.run_config import RunConfig
from affordance_seg_ros.training.sample import NO_ACTION, Batch
from affordance_seg_ros.training.stage_config import StageConfig

CONFIG = replace(COMPACT, width=4)


@pytest.fixture
def network():
    return initial_network(RunConfig(network=CONFIG))


@pytest.fixture
def batch():
    random = torch.Generator().manual_seed(0)
    target = torch.full((2, 3, 32, 40), IGNORE)
    target[:, -1] = torch.randint(0, 10, (2, 32, 40), generator=random)
    return Batch(
        appearance=torch.randn(2, 3, 4, 32, 40, generator=random),
        flow=torch.rand(2, 3, 3, 32, 40, generator=random),
        target=target,
        action=torch.tensor([2, 7]),
        told_action=torch.tensor([NO_ACTION, NO_ACTION]),
    )


def test_the_total_is_the_weighted_sum(network, batch):
    stage = StageConfig(segmentation_weight=0.2, action_weight=0.8)
    losses = AffordanceObjective(network, stage, None)(batch)
    expected = 0.2 * losses.segmentation + 0.8 * losses.action
    torch.testing.assert_close(losses.total.detach(), expected)


def test_a_loss_at_every_frame_of_which_one_is_labelled_is_that_at_the_last(network, batch):
    last = AffordanceObjective(network, StageConfig(supervision="last"), None)(batch)
    every = AffordanceObjective(network, StageConfig(supervision="every"), None)(batch)
    for a, b in zip(last, every, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_a_label_at_another_frame_adds_to_a_loss_at_every_frame(network, batch):
    objective = AffordanceObjective(network, StageConfig(supervision="every"), None)
    before = objective(batch).segmentation
    batch.target[:, 0] = 3
    assert objective(batch).segmentation != before


def test_the_decoder_is_told_the_action_and_the_action_head_is_not(batch):
    network = initial_network(RunConfig(network=replace(CONFIG, action_context=True)))
    objective = AffordanceObjective(network, StageConfig(), None)
    heard, told = objective(batch), objective(batch._replace(told_action=batch.action))
    assert torch.equal(heard.action, told.action)
    assert not torch.equal(heard.segmentation, told.segmentation)


def test_a_batch_without_labels_still_has_a_gradient_by_the_action(network, batch):
    objective = AffordanceObjective(network, StageConfig(supervision="every"), None)
    batch.target[:] = IGNORE
    losses = objective(batch)
    losses.total.backward()
    assert losses.segmentation == 0
    assert network.action_head.layer3.weight.grad.any()


@pytest.mark.parametrize(("task", "stream"), [("actions", "appearance"), ("motion", "flow")])
def test_pretraining_moves_one_stream_and_nothing_else(network, batch, task, stream):
    objective = ActionObjective(network, CONFIG, StageConfig(task=task))
    objective(batch).total.backward()
    moved = {name.split(".")[1] for name, p in network.named_parameters() if p.grad is not None}
    assert moved == {stream}


def test_the_memory_of_motion_learns_with_the_flow_stream(batch):
    network = initial_network(RunConfig(network=replace(CONFIG, motion_memory=True)))
    ActionObjective(network, CONFIG, StageConfig(task="motion"))(batch).total.backward()
    moved = {name.split(".")[0] for name, p in network.named_parameters() if p.grad is not None}
    assert moved == {"streams", "motion_memory"}


def test_motion_is_not_learned_without_flow():
    config = replace(CONFIG, flow="none")
    with pytest.raises(ConfigError, match=r"stage 'clips' with task 'motion' .* flow='none'"):
        ActionObjective(AffordanceNetwork(config), config, StageConfig(task="motion"))


def test_frozen_parts_do_not_learn_and_the_next_stage_frees_them(network):
    freeze(network, ("streams.appearance", "decoder"))
    assert not network.decoder.classifier.weight.requires_grad
    assert network.streams["flow"].conv1_1.conv.weight.requires_grad
    freeze(network, ("",))
    assert network.decoder.classifier.weight.requires_grad


def test_single_pictures_teach_the_flow_stream_nothing():
    def frozen(stage, config=CONFIG):
        network = AffordanceNetwork(config)
        freeze_for(stage, network)
        still = [name for name, p in network.named_parameters() if not p.requires_grad]
        return {name.split(".")[0] for name in still}

    pictures = StageConfig(frames=1, frozen=("decoder",))
    assert frozen(pictures) == {"decoder", "streams"}
    assert frozen(replace(pictures, frames=0)) == {"decoder"}
    assert frozen(pictures, replace(CONFIG, flow="none")) == {"decoder"}


def test_a_part_that_is_not_there_is_named(network):
    with pytest.raises(ConfigError, match="frozen='head'; expected one of streams"):
        freeze(network, ("head",))
