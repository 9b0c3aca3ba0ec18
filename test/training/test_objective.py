# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from affordance_seg_ros.config import COMPACT
from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.labels import IGNORE
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.training.initialise import initial_network
from affordance_seg_ros.training.loss import dice_loss
from affordance_seg_ros.training.objective import (
    MOTION,
    ActionObjective,
    AffordanceObjective,
    freeze,
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


def test_classes_without_weight_teach_nothing(network, batch):
    weights = torch.zeros(CONFIG.labels.class_count)
    weights[3] = 2.0
    weighted = AffordanceObjective(network, StageConfig(), weights)(batch)
    batch.target[batch.target != 3] = IGNORE
    alone = AffordanceObjective(network, StageConfig(), None)(batch)
    torch.testing.assert_close(weighted.segmentation, alone.segmentation)


@pytest.mark.parametrize("over", ["batch", "picture"])
def test_dice_is_added_with_the_stage_s_weight_over_what_it_says(network, batch, over):
    batch.target[0, -1, 1:] = 0  # few parts in one picture, many in the other
    likelihood = AffordanceObjective(network, StageConfig(), None)(batch).segmentation
    stage = StageConfig(dice_weight=0.3, dice_over=over)
    both = AffordanceObjective(network, stage, None)(batch).segmentation
    dice = dice_loss(network(*batch[:2]).logits[:, -1], batch.target[:, -1], over=over)
    torch.testing.assert_close(both, likelihood + 0.3 * dice.detach())


@pytest.mark.parametrize(("action_frames", "counted"), [("last", [2]), ("mean", [0, 1, 2])])
def test_the_action_counts_at_the_frames_that_the_stage_says(
    network, batch, action_frames, counted
):
    masks = AffordanceObjective(network, StageConfig(action_frames=action_frames), None)
    stage = StageConfig(task="actions", action_frames=action_frames)
    stream = ActionObjective(network, CONFIG, stage)
    spoken = {masks: network(*batch[:2]).action_logits, stream: stream.name(batch)}
    for objective, logits in spoken.items():
        losses = [functional.cross_entropy(logits[:, t], batch.action) for t in counted]
        expected = torch.stack(losses).mean().detach()
        torch.testing.assert_close(objective(batch).action, expected)


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


def rolled(batch):
    """Return the batch with the pictures of each clip's next one."""
    names = ("appearance", "flow")
    return batch._replace(**{name: getattr(batch, name).roll(-1, 0) for name in names})


def gradients(network, loss):
    network.zero_grad()
    loss.backward()
    return {name: each.grad for name, each in network.named_parameters()}


def test_a_share_of_a_batch_begins_with_the_memory_of_the_next_clip(network, batch):
    with torch.no_grad():
        left = network(*rolled(batch)[:2]).memory
        after = network(*batch[:2], left).action_logits[0, -1]
        fresh = network(*batch[:2]).action_logits[1, -1]
        half = AffordanceObjective(network, StageConfig(carried_share=0.5), None)(batch)
    expected = functional.cross_entropy(torch.stack((after, fresh)), batch.action)
    torch.testing.assert_close(half.action, expected)
    assert not torch.allclose(after, network(*batch[:2]).action_logits[0, -1])


def test_what_is_carried_over_is_no_part_of_what_learns(network, batch):
    stage = StageConfig(carried_share=1.0, segmentation_weight=0.0, action_weight=1.0)
    learned = gradients(network, AffordanceObjective(network, stage, None)(batch).total)
    with torch.no_grad():
        left = network(*rolled(batch)[:2]).memory
    spoken = network(*batch[:2], left).action_logits[:, -1]
    expected = gradients(network, functional.cross_entropy(spoken, batch.action))
    for name, each in expected.items():
        if each is not None:  # the decoder has no part in the action
            torch.testing.assert_close(learned[name], each)


def test_all_learns_in_half_precision_after_what_is_carried_over(network, batch):
    objective = AffordanceObjective(network, StageConfig(carried_share=1.0), None)
    with torch.autocast("cpu", torch.bfloat16):
        losses = objective(batch)
    learned = gradients(network, losses.total)
    assert [name for name, each in learned.items() if each is None or not each.any()] == []


def test_pictures_begin_with_an_empty_memory(network, batch):
    pictures = batch._replace(
        appearance=batch.appearance[:, :1], flow=batch.flow[:, :1], target=batch.target[:, -1:]
    )
    carried = AffordanceObjective(network, StageConfig(carried_share=1.0), None)
    empty = AffordanceObjective(network, StageConfig(), None)
    assert carried(pictures).total == empty(pictures).total


@pytest.mark.parametrize(("share", "batch_size"), [(0.5, 1), (1.0, 1), (0.1, 4)])
def test_a_share_that_lets_no_clip_follow_another_is_refused(network, share, batch_size):
    stage = StageConfig(carried_share=share, batch_size=batch_size)
    with pytest.raises(ConfigError, match=f"batch_size={batch_size}; expected a share that"):
        AffordanceObjective(network, stage, None)


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


def test_a_memory_of_the_pre_training_alone_remembers_at_first(network):
    torch.manual_seed(3)
    first = ActionObjective(network, CONFIG, StageConfig(task="actions"))
    assert (first.memory.lstm.forget_bias == 1).all()
    assert not first.classifier.bias.any()
    torch.manual_seed(3)
    again = ActionObjective(network, CONFIG, StageConfig(task="actions"))
    assert torch.equal(first.classifier.weight, again.classifier.weight)


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


def test_single_pictures_teach_what_sees_motion_nothing(batch):
    config = replace(CONFIG, motion_memory=True)
    network = initial_network(RunConfig(network=config))
    freeze(network, ("decoder",))
    objective = AffordanceObjective(network, StageConfig(), None)

    def taught(shown: Batch) -> set[str]:
        network.zero_grad(set_to_none=True)
        objective(shown).total.backward()
        named = network.named_parameters()
        return {name.split(".conv")[0] for name, each in named if each.grad is not None}

    pictures = batch._replace(
        appearance=batch.appearance[:, -1:], flow=batch.flow[:, -1:], target=batch.target[:, -1:]
    )
    seen = taught(pictures)
    assert not any(name.startswith(MOTION) for name in seen)
    assert {"streams.appearance", "action_head"} <= {name.split(".layer")[0] for name in seen}
    # Clips teach them as before, and what is frozen stays frozen.
    assert any(name.startswith("motion_memory") for name in taught(batch))
    assert any(name.startswith("streams.flow") for name in taught(batch))
    assert not any(name.startswith("decoder") for name in taught(batch))


def test_a_part_that_is_not_there_is_named(network):
    with pytest.raises(ConfigError, match="frozen='head'; expected one of streams"):
        freeze(network, ("head",))
