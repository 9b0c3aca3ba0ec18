# SPDX-License-Identifier: Apache-2.0
"""What is measured, and how often."""

import re
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from affordance_seg_ros.config import NETWORKS, PipelineConfig
from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.evaluation.bench.messages import ENCODINGS
from affordance_seg_ros.model.checkpoint import Checkpoint, load_weights

_SMALLEST_PX, _LARGEST_PX = 32, 8192
_MOST_FRAMES = 10_000_000
_LARGEST_SEED = 2**31 - 1
_OWN = "compact"
"""The network whose weights come with the package."""


class Size(NamedTuple):
    """Width and height of pictures [px]."""

    width: int
    height: int

    def __str__(self) -> str:
        """Return the size as it is written, such as 640x480."""
        return f"{self.width}x{self.height}"


def parse_size(text: str) -> Size:
    """Return the size that a text states: ``640x480``, or one number for a square.

    Raises:
        ConfigError: The text is neither, or a side is not within 32 to 8192 pixels.
    """
    match = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text)
    size = Size(int(match[1]), int(match[2] or match[1])) if match else Size(0, 0)
    if not all(_SMALLEST_PX <= side <= _LARGEST_PX for side in size):
        raise ConfigError(
            f"size '{text}'; expected WIDTHxHEIGHT or one number for a square, sides of "
            f"{_SMALLEST_PX} to {_LARGEST_PX} px"
        )
    return size


_VGA = Size(640, 480)


@dataclass(frozen=True)
class BenchSettings:
    """What the benchmark measures.

    Attributes:
        device: auto, cpu, cuda or cuda:N.
        network: Name of an architecture: 'compact' with the package's weights, others with random
            weights.
        weights: Weight file to measure instead; empty for none.
        input_size: Size of the network's input; None for the size that the network is made for.
        picture: Size of the camera's pictures.
        encoding: Encoding of the camera's colour pictures.
        frames: Frames that are timed.
        baseline: Name of the baseline that is timed in the same run; empty for none.
        baseline_frames: Frames of the baseline that are timed; 0 for a fifth of `frames`.
        seed: Seed of the scene.
        config: Options of the pipeline.
    """

    device: str = "auto"
    network: str = "paper"
    weights: str = ""
    input_size: Size | None = None
    picture: Size = _VGA
    encoding: str = "bgra8"
    frames: int = 100
    baseline: str = ""
    baseline_frames: int = 0
    seed: int = 0
    config: PipelineConfig = field(default_factory=PipelineConfig)

    def __post_init__(self) -> None:
        for name, value, accepted in (
            ("network", self.network, tuple(NETWORKS)),
            ("encoding", self.encoding, tuple(ENCODINGS)),
        ):
            if value not in accepted:
                raise ConfigError(f"{name} '{value}'; expected one of {', '.join(accepted)}")
        for name, number, least, most in (
            ("frames", self.frames, 1, _MOST_FRAMES),
            ("baseline_frames", self.baseline_frames, 0, _MOST_FRAMES),
            ("seed", self.seed, 0, _LARGEST_SEED),
        ):
            if not least <= number <= most:
                raise ConfigError(f"{name}={number}; expected {least} to {most}")

        if self.baseline_frames and not self.baseline:
            raise ConfigError(
                f"baseline_frames={self.baseline_frames} without a baseline; expected both"
            )

    @property
    def timed_baseline_frames(self) -> int:
        """How many frames of the baseline are timed."""
        if not self.baseline:
            return 0
        return self.baseline_frames or max(2, self.frames // 5)

    def checkpoint(self) -> Checkpoint:
        """Return the network to measure, with the requested input size.

        Raises:
            CheckpointError: The weight file cannot be loaded.
        """
        weights = self.weights or ("" if self.network == _OWN else f"untrained:{self.network}")
        checkpoint = load_weights(weights, "cpu")
        if self.input_size is None:
            return checkpoint
        width, height = self.input_size
        return replace(
            checkpoint, input_config=replace(checkpoint.input_config, width=width, height=height)
        )
