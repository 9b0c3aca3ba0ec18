# SPDX-License-Identifier: Apache-2.0
"""Training samples from labelled sequences: lazy, and the same for the same seed in any process."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from affordance_seg_ros.config import InputConfig, NetworkConfig
from affordance_seg_ros.errors import FrameError, SourceError
from affordance_seg_ros.labels import IGNORE
from affordance_seg_ros.pipeline.fit import Fit
from affordance_seg_ros.pipeline.preprocess import Preprocessor
from affordance_seg_ros.training.augmentation.augment import augment
from affordance_seg_ros.training.augmentation.augmentation_config import AugmentationConfig
from affordance_seg_ros.training.augmentation.time import choose_frames, motion_between
from affordance_seg_ros.training.datasets.flow_cache import FlowCache, SequenceFlow
from affordance_seg_ros.training.datasets.labelled_sequence import LabelImage, LabelledSequence
from affordance_seg_ros.training.sample import NO_ACTION, Batch, Sample, encode
from affordance_seg_ros.training.stage_config import StageConfig


class SampleKey(NamedTuple):
    """Which sample: chance is drawn from all of it, so the same key is the same sample anywhere.

    Attributes:
        epoch: Epoch.
        index: Index of the sequence.
        static: Whether the last frame alone is shown, without flow.
    """

    epoch: int
    index: int
    static: bool


@dataclass(frozen=True)
class TrainingSamples(Dataset[Batch]):
    """The samples of one stage.

    Attributes:
        sequences: Where they come from.
        stage: What a sample shows, and which label it has.
        network: The network that is to learn: its input, actions and sequence length.
        input_config: How frames become input.
        augmentation: How samples are changed.
        caches: Flow, one for each estimator; a sample draws one of them.
        seed: Seed of the augmentation.
    """

    sequences: Sequence[LabelledSequence]
    stage: StageConfig
    network: NetworkConfig
    input_config: InputConfig
    augmentation: AugmentationConfig
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
        random = np.random.default_rng((self.seed, key.epoch, key.index, key.static))
        sequence = self.sequences[key.index]
        count = self.stage.frames or self.network.sequence_length
        end = self._end(sequence, random)
        if key.static or count == 1:
            indices, flow = [end], None
        else:
            indices = choose_frames(end, count, self.augmentation, random)
            flow = self._flow(sequence, random)
        return augment(self._read(sequence, indices, flow), self.augmentation, random)

    def _end(self, sequence: LabelledSequence, random: np.random.Generator) -> int:
        last = len(sequence) - 1
        return int(random.integers(max(0, last - self.stage.end_jitter), last + 1))

    def _flow(self, sequence: LabelledSequence, random: np.random.Generator) -> SequenceFlow | None:
        if self.network.flow == "none" or len(sequence) == 1 or not self.caches:
            return None
        return self.caches[int(random.integers(len(self.caches)))].load(sequence)

    def _read(
        self, sequence: LabelledSequence, indices: list[int], flow: SequenceFlow | None
    ) -> Sample:
        """Read the pictures, the motion between them, and the labels that the stage asks for."""
        config = self.scaled_input
        preprocessor = Preprocessor(config, torch.device("cpu"))
        mean = torch.tensor(config.color_mean).view(3, 1, 1)
        std = torch.tensor(config.color_std).view(3, 1, 1)
        pictures = {}
        for index in set(indices):
            try:
                pictures[index] = preprocessor.prepare(sequence.frame(index))
            except FrameError as error:
                raise SourceError(f"{sequence.name}, frame {index}: {error}") from None
        placed = pictures[indices[0]].fit
        rgb = [pictures[i].appearance[0, :3] * std + mean for i in indices]
        labelled = set(indices if self.stage.supervision == "every" else indices[-1:])
        targets = {i: self._target(sequence, i, placed) for i in labelled}
        nothing = np.full((config.height, config.width), IGNORE, np.uint8)
        still = SequenceFlow(
            np.zeros((1, 2, config.height, config.width), np.float16),
            np.zeros((1, 3, config.height, config.width), np.float16),
            np.zeros((1, config.height, config.width), bool),
        )
        motions = [motion_between(still, 0, 0)]
        for older, newer in pairwise(indices):
            if flow is None:
                motions.append(motions[0])
            else:
                motions.append(_resized(motion_between(flow, older, newer), config))
        known = sequence.action in self.network.actions
        return Sample(
            rgb=torch.stack(rgb).numpy().clip(0, 1),
            depth_m=np.stack([pictures[i].flow_input.depth_m.numpy() for i in indices]),
            flow_px=np.stack([motion.flow_px for motion in motions]),
            motion_m=np.stack([motion.motion_m for motion in motions]),
            valid=np.stack([motion.valid for motion in motions]),
            target=np.stack([targets.get(i, nothing) for i in indices]),
            inside=_inside(placed),
            action_id=self.network.actions.index(sequence.action) if known else NO_ACTION,
        )

    def _target(self, sequence: LabelledSequence, index: int, placed: Fit) -> LabelImage:
        if self.stage.target == "affordances":
            label = sequence.affordances(index)
        else:
            label = sequence.demonstrated(index)
        if label is None:
            return np.full((placed.height, placed.width), IGNORE, np.uint8)
        return fit_label(label, placed)


def scaled_input(config: InputConfig, scale: float) -> InputConfig:
    """Return an input of `scale` times the size, in whole pixels that three poolings divide."""
    if scale == 1:
        return config
    height, width = (max(32, 8 * round(n * scale / 8)) for n in (config.height, config.width))
    return replace(config, height=height, width=width)


def fit_label(label: LabelImage, placed: Fit) -> LabelImage:
    """Return an (H, W) label at network size, by nearest neighbours; 255 in the padding."""
    x, y, width, height = placed.source
    window = label[y : y + height, x : x + width]
    size = (placed.target.width, placed.target.height)
    fitted = np.full((placed.height, placed.width), IGNORE, np.uint8)
    x, y, width, height = placed.target
    resized = cv2.resize(window, size, interpolation=cv2.INTER_NEAREST)
    fitted[y : y + height, x : x + width] = resized
    return fitted


def _inside(placed: Fit) -> np.ndarray:
    inside = np.zeros((placed.height, placed.width), bool)
    x, y, width, height = placed.target
    inside[y : y + height, x : x + width] = True
    return inside


def _resized(flow: SequenceFlow, config: InputConfig) -> SequenceFlow:
    """Return one frame's flow at the size of the input; motion in pixels shrinks with it."""
    height, width = flow.valid.shape
    if (height, width) == (config.height, config.width):
        return flow

    def resize(plane: np.ndarray) -> np.ndarray:
        return cv2.resize(plane, (config.width, config.height), interpolation=cv2.INTER_NEAREST)

    ratio = (config.width / width, config.height / height)
    return SequenceFlow(
        np.stack([resize(flow.flow_px[axis]) * np.float32(ratio[axis]) for axis in (0, 1)]),
        np.stack([resize(plane) for plane in flow.motion_m]),
        resize(flow.valid.astype(np.uint8)).astype(bool),
    )
