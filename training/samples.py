# SPDX-License-Identifier: Apache-2.0
"""Training samples from labelled sequences: lazy, and the same for the same seed in any process."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from torch.utils.data import Dataset

from affordance_seg_ros.config import InputConfig, NetworkConfig
from affordance_seg_ros.training.augmentation.augment import augment
from affordance_seg_ros.training.augmentation.augmentation_config import AugmentationConfig
from affordance_seg_ros.training.augmentation.time import choose_frames, motion_between
from affordance_seg_ros.training.datasets.flow_cache import FlowCache, SequenceFlow
from affordance_seg_ros.training.datasets.labelled_sequence import LabelledSequence
from affordance_seg_ros.training.datasets.pictures import Pictures
from affordance_seg_ros.training.sample import NO_ACTION, Batch, Sample, encode
from affordance_seg_ros.training.stage_config import StageConfig


class SampleKey(NamedTuple):
    """Which sample: all of it seeds the randomness, so the same key is the same sample anywhere.

    Attributes:
        epoch: Epoch.
        index: Index of the sequence.
        static: Whether one frame alone is shown, without flow.
        turn: How often the sequence was shown in this epoch before.
    """

    epoch: int
    index: int
    static: bool
    turn: int = 0


@dataclass(frozen=True)
class TrainingSamples(Dataset[Batch]):
    """The samples of one stage.

    Attributes:
        sequences: Where they come from.
        stage: What a sample shows, and which label it has.
        network: The network that learns: its input, actions and sequence length.
        input_config: How frames become input.
        augmentation: How samples are changed.
        pictures: Reads the pictures, at the stage's size.
        caches: Flow at the stage's size, one for each estimator; a sample draws one of them.
        seed: Seed of the augmentation.
    """

    sequences: Sequence[LabelledSequence]
    stage: StageConfig
    network: NetworkConfig
    input_config: InputConfig
    augmentation: AugmentationConfig
    pictures: Pictures
    caches: Sequence[FlowCache]
    seed: int

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, key: SampleKey) -> Batch:
        """Return one sample, ready for the network."""
        return encode(self.sample(key), self.scaled_input, self.network)

    @property
    def scaled_input(self) -> InputConfig:
        """The input at the stage's scale."""
        return scaled_input(self.input_config, self.stage.input_scale)

    def sample(self, key: SampleKey) -> Sample:
        """Return one sample as readable pictures.

        Raises:
            SourceError: A file is missing or damaged.
        """
        random = np.random.default_rng((self.seed, *key))
        sequence = self.sequences[key.index]
        count = 1 if key.static else self.stage.frames or self.network.sequence_length
        told = count == 1 and bool(random.random() < self.stage.told_share)
        end = self._end(sequence, random, told=told, static=key.static)
        if count == 1:
            indices, flow = [end], None
        else:
            indices = choose_frames(end, count, self.augmentation, random)
            flow = self._flow(sequence, random)
        sample = replace(self._read(sequence, indices, flow), told=told)
        return augment(sample, self.augmentation, random, window=self.stage.window)

    def _end(
        self, sequence: LabelledSequence, random: np.random.Generator, *, told: bool, static: bool
    ) -> int:
        """Return the frame at which a sample ends: a labelled one if masks are learned."""
        known = sequence.labelled(self.stage.target) if self.stage.task == "affordances" else ()
        known = known or range(len(sequence))
        first = known[-1] - self.stage.end_jitter
        if static and told:
            first = 0  # told the action, the network can see the part in any frame
        elif static and sequence.interaction is not None:
            first = sequence.interaction[0]
        ends = [index for index in known if index >= first] or known[-1:]
        return int(ends[random.integers(len(ends))])

    def _flow(self, sequence: LabelledSequence, random: np.random.Generator) -> SequenceFlow | None:
        if self.network.flow == "none" or len(sequence) == 1 or not self.caches:
            return None
        return self.caches[int(random.integers(len(self.caches)))].load(sequence)

    def _read(
        self, sequence: LabelledSequence, indices: list[int], flow: SequenceFlow | None
    ) -> Sample:
        """Read the pictures, the motion between them, and the labels that the stage asks for."""
        config = self.scaled_input
        labelled = set(indices if self.stage.supervision == "every" else indices[-1:])
        read = {
            index: self.pictures.read(
                sequence, index, self.stage.target if index in labelled else ""
            )
            for index in sorted(set(indices))
        }
        pictures = [read[index] for index in indices]
        still = SequenceFlow(
            np.zeros((1, 2, config.height, config.width), np.float16),
            np.zeros((1, 3, config.height, config.width), np.float16),
            np.zeros((1, config.height, config.width), bool),
        )
        motions = [motion_between(still, 0, 0)]
        if flow is None:
            motions *= len(indices)
        else:
            motions += [motion_between(flow, older, newer) for older, newer in pairwise(indices)]
        known = sequence.action in self.network.actions
        return Sample(
            rgb=np.stack([picture.rgb for picture in pictures]) / np.float32(255),
            depth_m=np.stack([picture.depth_m for picture in pictures]),
            flow_px=np.stack([motion.flow_px for motion in motions]),
            motion_m=np.stack([motion.motion_m for motion in motions]),
            valid=np.stack([motion.valid for motion in motions]),
            target=np.stack([picture.target for picture in pictures]),
            inside=pictures[0].inside,
            action_id=self.network.actions.index(sequence.action) if known else NO_ACTION,
        )


def scaled_input(config: InputConfig, scale: float) -> InputConfig:
    """Return an input of `scale` times the size, in whole pixels, divisible by three poolings."""
    if scale == 1:
        return config
    height, width = (max(32, 8 * round(n * scale / 8)) for n in (config.height, config.width))
    return replace(config, height=height, width=width)
