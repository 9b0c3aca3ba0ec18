# SPDX-License-Identifier: Apache-2.0
"""Which sequences an epoch shows, in which order: known from the seed alone."""

from collections.abc import Sequence

import numpy as np

from affordance_seg_ros.training.samples import SampleKey


def epoch_batches(
    actions: Sequence[str],
    *,
    seed: int,
    epoch: int,
    batch_size: int,
    static_share: float = 0.0,
    balance_actions: bool = False,
    rank: int = 0,
    world: int = 1,
) -> list[list[SampleKey]]:
    """Return the batches of one process in one epoch.

    All processes have equally many, of equal size; what is left over at the end of a shuffled
    epoch waits for the next one.

    Args:
        actions: Action of every sequence.
        seed: Seed of the order.
        epoch: Number of the epoch, over all stages.
        batch_size: Sequences of a batch.
        static_share: Share of batches that show the last frame alone.
        balance_actions: Draw every action equally often, with repetition, instead of every
            sequence once.
        rank: Number of this process.
        world: Number of processes.
    """
    random = np.random.default_rng((seed, epoch))
    order = _balanced(actions, random) if balance_actions else random.permutation(len(actions))
    batch_size = min(batch_size, max(1, len(order) // world))
    step = batch_size * world
    steps = len(order) // step
    static = random.random(steps) < static_share
    return [
        [
            SampleKey(epoch, int(index), bool(static[number]))
            for index in order[number * step + rank * batch_size :][:batch_size]
        ]
        for number in range(steps)
    ]


def _balanced(actions: Sequence[str], random: np.random.Generator) -> np.ndarray:
    """Return as many indices as there are sequences, every action equally often."""
    names = sorted(set(actions))
    piles = {name: [i for i, action in enumerate(actions) if action == name] for name in names}
    rounds = -(-len(actions) // len(names))
    drawn = []
    for name in names:
        pile: list[int] = []
        while len(pile) < rounds:
            pile.extend(random.permutation(piles[name]))
        drawn.append(pile[:rounds])
    # One of each action after the other: a batch holds different ones.
    mixed = [random.permutation(column) for column in np.array(drawn).T]
    return np.concatenate(mixed)[: len(actions)]
