# SPDX-License-Identifier: Apache-2.0
from collections import Counter
from types import SimpleNamespace

import pytest

from affordance_seg_ros.training.epoch_order import epoch_batches

USES = [("lift", "book")] * 17 + [("lift", "can")] * 3 + [("cut", "knife")] * 4
SEQUENCES = [SimpleNamespace(action=action, object_name=name) for action, name in USES]


def indices(batches):
    return [key.index for batch in batches for key in batch]


def order(**options):
    return epoch_batches(SEQUENCES, **{"seed": 1, "epoch": 0, "batch_size": 4, **options})


def test_every_sequence_is_shown_once():
    assert sorted(indices(order())) == list(range(24))


def test_the_same_seed_is_the_same_order():
    assert order() == order()
    assert order() != order(seed=2)
    assert order() != order(epoch=1)


def test_processes_share_an_epoch():
    shares = [order(rank=rank, world=3, batch_size=2) for rank in range(3)]
    assert sorted(index for share in shares for index in indices(share)) == list(range(24))
    assert len({len(share) for share in shares}) == 1


def test_what_is_left_over_waits():
    assert [len(batch) for batch in order(batch_size=5)] == [5] * 4


def test_a_batch_larger_than_the_set_is_the_set():
    assert [len(batch) for batch in order(batch_size=100)] == [24]


@pytest.mark.parametrize(
    ("balance", "shown"),
    [
        ("actions", {"lift": 12, "cut": 12}),
        ("uses", {("lift", "book"): 8, ("lift", "can"): 8, ("cut", "knife"): 8}),
    ],
)
def test_what_is_balanced_comes_equally_often(balance, shown):
    drawn = [USES[index] for index in indices(order(balance=balance))]
    assert Counter(drawn if balance == "uses" else (action for action, _ in drawn)) == shown


def test_a_sequence_that_is_shown_again_is_another_sample():
    keys = [key for batch in order(balance="uses") for key in batch]
    assert len(set(keys)) == len(keys) > len({key.index for key in keys})
    assert all(key.turn == 0 for batch in order() for key in batch)


def test_a_share_of_the_batches_is_static():
    batches = epoch_batches(SEQUENCES[:1] * 400, seed=0, epoch=0, batch_size=2, static_share=0.25)
    static = [batch[0].static for batch in batches]
    assert all(key.static == batch[0].static for batch in batches for key in batch)
    assert 30 <= sum(static) <= 70


def test_no_share_is_no_static_batch():
    assert not any(key.static for batch in order() for key in batch)
