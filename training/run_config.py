# SPDX-License-Identifier: Apache-2.0
"""A whole training run in one YAML file."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from affordance_seg_ros.config import COMPACT, COMPACT_INPUT, FlowConfig, InputConfig, NetworkConfig
from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.options import Options, option
from affordance_seg_ros.training.augmentation.augmentation_config import AugmentationConfig
from affordance_seg_ros.training.datasets.data_source import DataSource
from affordance_seg_ros.training.stage_config import StageConfig


@dataclass(frozen=True)
class DataConfig(Options):
    """What a run learns from."""

    train: tuple[DataSource, ...] = (DataSource(),)
    validation: tuple[DataSource, ...] = (DataSource(split="val"),)
    pretraining: tuple[DataSource, ...] = (DataSource("utkinect", "data/utkinect", ""),)
    estimators: tuple[str, ...] = option(
        ("dis",), "Flow estimators of the inputs; a clip is shown with one of them at a time",
        choices=("dis", "primal_dual"),
    )  # fmt: skip
    flow: FlowConfig = FlowConfig()  # noqa: RUF009 (frozen)
    keep_pictures: bool = option(
        False,
        "Keep frames and labels at the network's size beside the data, 10 bytes a pixel, "
        "for machines that would spend more time on decoding them than on learning",
    )
    workers: int = option(
        2, "Processes that prepare samples; 0 uses the trainer's own", minimum=0, maximum=128
    )
    validation_limit: int = option(
        64, "Sequences for validation after an epoch, spread over the set; 0 takes all",
        minimum=0, maximum=1_000_000,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("train", "validation", "estimators"):
            if not getattr(self, name):
                raise ConfigError(f"{name}=[]; expected at least one")


@dataclass(frozen=True)
class InitialiseConfig(Options):
    """Weights before the first stage; those that no option names are Xavier's."""

    weights: str = option(
        "", "Weight file of an identical network to start from, or the name of weights in the "
        "package; empty for none"
    )  # fmt: skip
    fitting: bool = option(
        False, "Take what fits from `weights` of a different network: tensors of the same name "
        "and shape, and the first input channels where only their number differs",
    )  # fmt: skip
    leave_out: tuple[str, ...] = option(
        ("",), "Parts of the network that `fitting` does not take, such as streams.flow"
    )  # fmt: skip
    vgg16: str = option(
        "", "torchvision's file of VGG16 ImageNet weights, for both streams; empty for none"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(self.leave_out) and not self.fitting:
            raise ConfigError(
                f"leave_out={list(self.leave_out)} without fitting; expected fitting: true"
            )


@dataclass(frozen=True)
class RunConfig(Options):
    """Everything that determines the weights: data, network, stages, randomness."""

    name: str = option("compact-rendered", "Name of the weights")
    seed: int = option(0, "Seed of weights, order and augmentation", minimum=0, maximum=2**31)
    precision: str = option(
        "32-true", "Arithmetic; the mixed ones are meant for a GPU",
        choices=("32-true", "bf16-mixed", "16-mixed"),
    )  # fmt: skip
    epoch_scale: float = option(
        1.0, "Multiplies the epochs of every stage (at least one is left): the same recipe on "
        "a slower machine", minimum=1e-4, maximum=100.0,
    )  # fmt: skip
    checkpoint_steps: int = option(
        100, "Steps after which the state is saved; it always is at an epoch's end", minimum=1,
        maximum=1_000_000,
    )  # fmt: skip
    threads: int = option(
        0, "CPU threads for the arithmetic; 0 leaves it to PyTorch", minimum=0, maximum=256
    )
    network: NetworkConfig = COMPACT
    input: InputConfig = COMPACT_INPUT
    data: DataConfig = DataConfig()
    augmentation: AugmentationConfig = AugmentationConfig()  # noqa: RUF009 (frozen)
    initialise: InitialiseConfig = InitialiseConfig()
    stages: tuple[StageConfig, ...] = (StageConfig(),)

    def __post_init__(self) -> None:
        super().__post_init__()
        names = [stage.name for stage in self.stages]
        if not names or len(set(names)) != len(names):
            raise ConfigError(f"stages {names}; expected unique names, at least one")
        encoding = self.input.flow_encoding
        if self.network.center_flow and encoding != "signed":
            raise ConfigError(
                f"center_flow with flow_encoding={encoding}, where the colour of zero motion "
                "varies; expected signed, or center_flow: false"
            )

    def recipe(self) -> "RunConfig":
        """Return the run with fixed values for all that does not determine its weights.

        These are the numbers of processes and threads, whether pictures are kept, and how often the
        state is saved. Weights are bit-identical only with the same number of threads.
        """
        data = replace(self.data, workers=0, keep_pictures=False)
        return replace(self, threads=0, checkpoint_steps=1, data=data)

    def to_yaml(self) -> str:
        """Return the run as YAML that `parse_run` reads back."""
        return yaml.safe_dump(_plain(asdict(self)), sort_keys=False)


def read_run(path: Path | str, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a run from a YAML file.

    Args:
        path: The file, or the name of one that comes with the package, such as ``quick``.
        overrides: ``name=value`` or ``section.name=value``, the value as in YAML.

    Raises:
        ConfigError: The file is missing or damaged, or an option is unknown or out of range.
    """
    file = Path(path)
    if not file.suffix:
        file = CONFIGS / f"{path}.yaml"
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        names = ", ".join(sorted(each.stem for each in CONFIGS.glob("*.yaml")))
        raise ConfigError(f"run {path}; expected a YAML file or one of {names}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"run {file} cannot be read: {error}; expected YAML in UTF-8") from None
    try:
        return parse_run(text, overrides)
    except ConfigError as error:
        changed = f" with --set {shlex.join(overrides)}" if overrides else ""
        raise ConfigError(f"{file}{changed}: {error}") from None


def parse_run(text: str, overrides: Sequence[str] = ()) -> RunConfig:
    """Return the run of YAML text; see `read_run`."""
    try:
        content = yaml.load(text, _OnceLoader)
        changes = [_override(each) for each in overrides]
    except yaml.YAMLError as error:
        raise ConfigError(f"not valid YAML: {error}") from None
    if not isinstance(content, Mapping):
        raise ConfigError("expected a mapping of options")
    content = dict(content)
    for keys, value in changes:
        _change(content, keys, value)
    run: RunConfig = RunConfig.from_mapping(content)
    return run


def differences(one: RunConfig, other: RunConfig) -> tuple[str, ...]:
    """Return the names of the options in which two recipes differ, with both values.

    Args:
        one: A run.
        other: Another one.
    """
    left, right = (_flat(_plain(asdict(run.recipe()))) for run in (one, other))
    names = [name for name in (left | right) if left.get(name) != right.get(name)]
    return tuple(f"{name}={left.get(name)} and {right.get(name)}" for name in names)


_MERGE = "tag:yaml.org,2002:merge"


class _OnceLoader(yaml.SafeLoader):
    """YAML in which no option may be given twice: the last one would win silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping, or raise; what a merge (``<<``) brings may be overridden."""
        own = (key for key, _ in node.value if key.tag != _MERGE)
        keys = [self.construct_object(key, deep=True) for key in own]
        if twice := sorted({str(key) for key in keys if keys.count(key) > 1}):
            raise ConfigError(f"option '{twice[0]}' is given twice")
        return super().construct_mapping(node, deep)


CONFIGS = Path(__file__).parent / "configs"


def _override(text: str) -> tuple[list[str], Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ConfigError(f"'{text}'; expected name=value or section.name=value")
    return name.split("."), yaml.safe_load(value)


def _change(content: dict[str, Any], keys: list[str], value: Any) -> None:
    """Set one option; a stage is addressed by its name: ``stages.parts.epochs``."""
    *path, last = keys
    node: Any = content
    for key in path:
        if isinstance(node, list):
            named = (each for each in node if isinstance(each, dict) and each.get("name") == key)
            node = next(named, None)
        elif isinstance(node, dict):
            node = node.setdefault(key, {})
        if not isinstance(node, dict | list):
            raise ConfigError(f"'{'.'.join(keys)}': there is no '{key}'")
    if not isinstance(node, dict):
        raise ConfigError(f"'{'.'.join(keys)}'; expected the name of one option")
    node[last] = value


def _flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return options by the names that overrides use; lists other than stages are values."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        if key == "stages":
            value = {stage["name"]: stage for stage in value}
            found["stages"] = list(value)
        name = f"{prefix}{key}"
        found.update(_flat(value, f"{name}.") if isinstance(value, dict) else {name: value})
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
