# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch

from affordance_seg_ros.labels import IGNORE
from affordance_seg_ros.training.loss import (
    action_loss,
    class_weights,
    dice_loss,
    segmentation_loss,
)
from affordance_seg_ros.training.sample import NO_ACTION


@pytest.fixture
def random():
    return torch.Generator().manual_seed(0)


def masks(logits, target, *, weights=None, dice=0.0):
    return segmentation_loss(logits, target, class_weights=weights, dice_weight=dice)


def test_is_the_mean_negative_log_likelihood_of_the_pixels(random):
    logits = torch.randn(2, 3, 4, 5, generator=random)
    target = torch.randint(0, 3, (2, 4, 5), generator=random)
    likelihood = logits.softmax(1)
    by_hand = [
        -math.log(likelihood[n, target[n, y, x], y, x])
        for n in range(2)
        for y in range(4)
        for x in range(5)
    ]
    assert masks(logits, target).item() == pytest.approx(sum(by_hand) / len(by_hand), rel=1e-5)


@pytest.mark.parametrize("dice", [0.0, 1.0])
def test_ignored_pixels_have_no_part_in_it(random, dice):
    logits = torch.randn(1, 3, 4, 5, generator=random, requires_grad=True)
    target = torch.randint(0, 3, (1, 4, 5), generator=random)
    target[:, :2] = IGNORE
    loss = masks(logits, target, dice=dice, weights=torch.tensor([1.0, 2.0, 3.0]))
    loss.backward()
    assert not logits.grad[:, :, :2].any()
    assert logits.grad[:, :, 2:].any()
    changed = logits.detach().clone()
    changed[:, :, :2] += 7
    again = masks(changed, target, dice=dice, weights=torch.tensor([1.0, 2.0, 3.0]))
    assert again.item() == pytest.approx(loss.item(), rel=1e-6)


def test_is_zero_where_no_pixel_counts():
    target = torch.full((1, 4, 5), IGNORE)
    assert masks(torch.randn(1, 3, 4, 5), target, dice=1.0).item() == 0


def test_equal_weights_are_no_weights(random):
    logits = torch.randn(2, 3, 4, 5, generator=random)
    target = torch.randint(0, 3, (2, 4, 5), generator=random)
    weighted = masks(logits, target, weights=torch.full((3,), 2.5))
    assert weighted.item() == pytest.approx(masks(logits, target).item(), rel=1e-6)


def test_a_weight_counts_as_that_many_pixels(random):
    logits = torch.randn(1, 2, 1, 2, generator=random)
    target = torch.tensor([[[0, 1]]])
    twice = masks(logits[..., [0, 1, 1, 1]], target[..., [0, 1, 1, 1]])
    weighted = masks(logits, target, weights=torch.tensor([1.0, 3.0]))
    assert weighted.item() == pytest.approx(twice.item(), rel=1e-6)


def test_dice_of_the_truth_is_zero_and_of_the_opposite_one():
    target = torch.zeros(1, 8, 8, dtype=torch.long)
    target[:, 2:6, 2:6] = 1
    sure = 40 * torch.nn.functional.one_hot(target, 2).movedim(-1, 1).float()
    assert dice_loss(sure, target).item() == pytest.approx(0, abs=1e-6)
    assert dice_loss(-sure, target).item() == pytest.approx(1, abs=0.03)


def test_dice_over_each_picture_counts_small_parts_as_much_as_large_ones():
    target = torch.zeros(2, 16, 16, dtype=torch.long)
    target[0, :12, :12] = 1  # found
    target[1, 0, 0] = 1  # missed
    mask = target.clone()
    mask[1] = 0
    sure = 40 * torch.nn.functional.one_hot(mask, 2).movedim(-1, 1).float()
    assert dice_loss(sure, target, over="batch").item() < 0.01
    missed = 1 - 1 / (1 + 1)  # one pixel of truth, one of smoothing
    assert dice_loss(sure, target, over="picture").item() == pytest.approx(missed / 2, abs=1e-6)


def test_dice_of_background_alone_is_zero():
    assert dice_loss(torch.randn(1, 3, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long)).item() == 0


def test_action_loss_looks_at_the_last_frame_alone(random):
    logits = torch.randn(2, 5, 4, generator=random)
    action = torch.tensor([1, 3])
    expected = torch.nn.functional.cross_entropy(logits[:, -1], action)
    torch.testing.assert_close(action_loss(logits, action, frames="last"), expected)
    logits[:, :-1] += torch.randn(2, 4, 4, generator=random)
    torch.testing.assert_close(action_loss(logits, action, frames="last"), expected)


def test_mean_action_loss_is_the_mean_of_those_of_the_frames(random):
    logits = torch.randn(2, 5, 4, generator=random)
    action = torch.tensor([1, 3])
    each = [action_loss(logits[:, : t + 1], action, frames="last") for t in range(5)]
    expected = torch.stack(each).mean()
    torch.testing.assert_close(action_loss(logits, action, frames="mean"), expected)


def test_sequences_without_an_action_do_not_count(random):
    logits = torch.randn(2, 5, 4, generator=random)
    some = action_loss(logits, torch.tensor([1, NO_ACTION]), frames="last")
    torch.testing.assert_close(some, action_loss(logits[:1], torch.tensor([1]), frames="last"))
    none = torch.full((2,), NO_ACTION)
    assert action_loss(logits, none, frames="mean").item() == 0


@pytest.mark.parametrize(("balance", "ratio"), [("sqrt", 3.0), ("inverse", 9.0)])
def test_rare_classes_weigh_more(balance, ratio):
    weights = class_weights(torch.tensor([900, 100, 0]), balance)
    assert (weights[1] / weights[0]).item() == pytest.approx(ratio, rel=1e-5)
    assert weights[2] == weights[1]  # never seen: counted as rare, not as nothing


@pytest.mark.parametrize("balance", ["sqrt", "inverse"])
def test_the_mean_weight_of_a_pixel_is_one(balance):
    pixels = torch.tensor([950.0, 30, 20])
    weights = class_weights(pixels, balance)
    assert ((weights * pixels).sum() / pixels.sum()).item() == pytest.approx(1, rel=1e-5)


def test_no_balance_is_no_weights():
    assert class_weights(torch.tensor([1, 2]), "none") is None
