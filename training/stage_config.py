# SPDX-License-Identifier: Apache-2.0
"""One stage of a training run: what is shown, what is asked, how long."""

import re
from dataclasses import dataclass

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.options import Options, option

_FILE_NAME = re.compile(r"[\w-]+", re.ASCII)
"""Names of stages are part of the names of their weight files."""


@dataclass(frozen=True)
class StageConfig(Options):
    """A stage; each stage continues with the weights of the one before.

    The defaults are the paper's: sequences of ten frames, loss at the last frame, Adam at 2e-5,
    batches of two.
    """

    name: str = option("clips", "Name of the stage, in logs and overrides")
    task: str = option(
        "affordances", "What is learned: masks and actions, or actions alone by one stream with an "
        "LSTM: by the appearance stream from `data.pretraining` (actions, the paper's "
        "pre-training) or by the flow stream from `data.train` (motion)",
        choices=("affordances", "actions", "motion"),
    )  # fmt: skip
    frames: int = option(
        0, "Frames of a sequence; 0 takes the network's, 1 single pictures without flow",
        unit="frames", minimum=0, maximum=1000,
    )  # fmt: skip
    target: str = option(
        "demonstrated", "Label: what the clip demonstrates, or the affordance of every part",
        choices=("demonstrated", "affordances"),
    )  # fmt: skip
    supervision: str = option(
        "last", "Frames with a loss: the last, as in the paper, or every labelled one",
        choices=("last", "every"),
    )  # fmt: skip
    static_share: float = option(
        0.0, "Share of batches that show a single frame, without flow: one from the start of the "
        "interaction on, where a clip states it", minimum=0.0, maximum=1.0,
    )  # fmt: skip
    told_share: float = option(
        0.0, "Share of single pictures whose true action the decoder is told; those of "
        "static_share may then be any frame. It learns which part serves an action from many "
        "pictures, without the cost of clips", minimum=0.0, maximum=1.0,
    )  # fmt: skip
    carried_share: float = option(
        0.0, "Share of a batch's clips that begin with the memory that another clip left instead "
        "of an empty one, as on a robot, which has always seen something before; rounded to whole "
        "clips",
        minimum=0.0, maximum=1.0,
    )  # fmt: skip
    end_jitter: int = option(
        0, "Largest number of frames before the last labelled one at which a sequence may end",
        unit="frames", minimum=0, maximum=1000,
    )  # fmt: skip
    input_scale: float = option(
        1.0, "Size of the input relative to the run's: small pictures in early stages are cheap, "
        "large ones in the last show thin parts; the stage's weights are for this size",
        minimum=0.25, maximum=4.0,
    )  # fmt: skip
    window: float = option(
        1.0, "Size of the window around labelled pixels that is cut out of each sample, as a share "
        "of the picture's sides; 1 shows the whole picture", minimum=0.1, maximum=1.0,
    )  # fmt: skip
    epochs: int = option(
        50, "How often every sequence is shown", unit="epochs", minimum=1, maximum=100_000
    )
    batch_size: int = option(2, "Sequences per step and process", minimum=1, maximum=4096)
    accumulate: int = option(1, "Batches whose gradients make up one step", minimum=1, maximum=4096)
    optimizer: str = option("adam", "Optimiser", choices=("adam", "adamw"))
    learning_rate: float = option(2e-5, "Largest learning rate", minimum=1e-8, maximum=1.0)
    weight_decay: float = option(0.0, "Decay of the weights (adamw)", minimum=0.0, maximum=1.0)
    schedule: str = option(
        "constant", "Learning rate after the warm-up", choices=("constant", "cosine")
    )
    warmup_share: float = option(
        0.0, "Share of the stage in which the rate rises from 0", minimum=0.0, maximum=1.0
    )
    gradient_norm: float = option(
        0.0, "Gradients are clipped to this norm; 0 leaves them", minimum=0.0, maximum=1e6
    )
    average_steps: int = option(
        0, "Steps over which the weights that are measured and kept are averaged; 0 keeps those of "
        "the last step", unit="steps", minimum=0, maximum=1_000_000,
    )  # fmt: skip
    segmentation_weight: float = option(0.5, "λ1 of the mask's loss", minimum=0.0, maximum=100.0)
    action_weight: float = option(0.5, "λ2 of the action's loss", minimum=0.0, maximum=100.0)
    action_frames: str = option(
        "last", "Frames of the action's loss: the last, as in the paper, or the mean over all",
        choices=("last", "mean"),
    )  # fmt: skip
    class_balance: str = option(
        "none", "Weight of a class in the mask's loss: 1 as in the paper, or the inverse of its "
        "share of the pixels, or the square root of that", choices=("none", "sqrt", "inverse"),
    )  # fmt: skip
    dice_weight: float = option(
        0.0, "Weight of the Dice loss beside the likelihood", minimum=0.0, maximum=100.0
    )
    dice_over: str = option(
        "batch", "Where a class's Dice score is taken: over the whole batch, or over each picture, "
        "so that small parts count as much as large ones", choices=("batch", "picture"),
    )  # fmt: skip
    balance: str = option(
        "none", "What an epoch shows equally often: every sequence once, every action, or every "
        "use, which is an action with an object (otherwise a network that sees a sponge bets on "
        "squeezing)",
        choices=("none", "actions", "uses"),
    )  # fmt: skip
    frozen: tuple[str, ...] = option(
        ("",),
        "Parts of the network that do not learn, such as streams.appearance or decoder; the "
        "flow stream and the memory of motion never learn from single pictures",
    )
    patience: int = option(
        0, "The stage ends when the validation score has not risen for this many epochs; 0 never",
        unit="epochs", minimum=0, maximum=100_000,
    )  # fmt: skip
    validate_every: int = option(
        1, "Epochs between two validations; the last epoch always has one", unit="epochs",
        minimum=1, maximum=100_000,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if not _FILE_NAME.fullmatch(self.name):
            raise ConfigError(f"stage '{self.name}'; expected letters, digits, _ and - alone")
        if self.weight_decay and self.optimizer == "adam":
            raise ConfigError(
                f"stage '{self.name}': weight_decay={self.weight_decay:g} with optimizer=adam, "
                "which has none; expected adamw"
            )
        if self.task == "affordances" and not self.segmentation_weight and not self.action_weight:
            raise ConfigError(
                f"stage '{self.name}' with segmentation_weight=0 and action_weight=0 learns "
                "nothing; expected one of them above 0"
            )
