# SPDX-License-Identifier: Apache-2.0
"""Which sequences an epoch shows, in which order: determined by the seed alone."""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

from affordance_seg_ros.training.datasets.labelled_sequence import LabelledSequence
from affordance_seg_ros.training.samples import SampleKey


def epoch_batches(
    sequences: Sequence[LabelledSequence],
    *,
    seed: int,
    epoch: int,
    batch_size: int,
    static_share: float = 0.0,
    balance: str = "none",
    rank: int = 0,
    world: int = 1,
) -> list[list[SampleKey]]:
    """Return the batches of one process in one epoch.

    All processes get equally many, of equal size; what is left over at the end of a shuffled epoch
    has to wait for the next one.

    Args:
        sequences: All sequences.
        seed: Seed of the order.
        epoch: Number of the epoch, over all stages.
        batch_size: Sequences per batch.
        static_share: Share of batches that show the last frame alone.
        balance: 'none' shows every sequence once; 'actions' and 'uses' draw every action, or every
            action with every object, equally often, with repetition.
        rank: Number of this process.
        world: Number of processes.
    """
    random = np.random.default_rng((seed, epoch))
    if balance == "none":
        order = random.permutation(len(sequences))
    else:
        order = _balanced([_kind(each, balance) for each in sequences], random)
    batch_size = min(batch_size, max(1, len(order) // world))
    step = batch_size * world
    steps = len(order) // step
    static = random.random(steps) < static_share
    turns = _turns(order)
    starts = [number * step + rank * batch_size for number in range(steps)]
    return [
        [
            SampleKey(epoch, int(order[place]), bool(alone), turns[place])
            for place in range(start, start + batch_size)
        ]
        for start, alone in zip(starts, static, strict=True)
    ]


def _turns(order: Sequence[int]) -> list[int]:
    """Return how often the index at each place of an order came before."""
    seen: Counter[int] = Counter()
    turns = []
    for index in order:
        turns.append(seen[index])
        seen[index] += 1
    return turns


def _kind(sequence: LabelledSequence, balance: str) -> Hashable:
    """Return the kind of a sequence that is balanced."""
    uses = balance == "uses"
    return (sequence.action, sequence.object_name) if uses else sequence.action


def _balanced(kinds: Sequence[Hashable], random: np.random.Generator) -> np.ndarray:
    """Return as many indices as there are sequences, with every kind equally often."""
    piles = [[i for i, each in enumerate(kinds) if each == kind] for kind in dict.fromkeys(kinds)]
    rounds = -(-len(kinds) // len(piles))
    drawn = []
    for pile in piles:
        shown: list[int] = []
        while len(shown) < rounds:
            shown.extend(random.permutation(pile))
        drawn.append(shown[:rounds])
    # The kinds take turns, so that a batch holds different ones.
    mixed = [random.permutation(column) for column in np.array(drawn).T]
    return np.concatenate(mixed)[: len(kinds)]
