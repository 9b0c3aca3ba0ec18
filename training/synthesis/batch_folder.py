# SPDX-License-Identifier: Apache-2.0
"""The folder that a batch of clips is written to: checked first, and never mixed."""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from affordance_seg_ros.errors import ConfigError, SourceError
from affordance_seg_ros.sources.clip import is_complete_clip
from affordance_seg_ros.training.synthesis.settings import SynthesisConfig, clip_name

FORMATS = ("clip", "mcap")
SETTINGS_JSON = "synthesis.json"
_LOCK = ".lock"

_RENDERING = 5
"""Version of what a seed draws, raised whenever the same seed comes to draw other clips."""
_BYTES_PER_PIXEL_FRAME = 1.5  # for a stored clip with flow: 1.2 measured


@dataclass(frozen=True)
class Batch:
    """What to make, and where.

    Attributes:
        config: What the clips are like.
        clips: Number of clips.
        out: Folder for them.
        workers: Number of processes.
        storage: "clip" for folders, "mcap" for bags.
        sheets: Whether to draw a contact sheet of each clip.
    """

    config: SynthesisConfig
    clips: int
    out: Path
    workers: int = 1
    storage: str = "clip"
    sheets: bool = False

    def __post_init__(self) -> None:
        if self.clips < 1:
            raise ConfigError(f"clips={self.clips}; expected at least 1")
        if not 1 <= self.workers <= 256:
            raise ConfigError(f"workers={self.workers}; expected 1 to 256")
        if self.storage not in FORMATS:
            raise ConfigError(f"format '{self.storage}'; expected one of {', '.join(FORMATS)}")


def hold(out: Path, *, by_worker: bool = False) -> TextIO:
    """Keep other runs out of a folder, created if missing, until the returned file is closed.

    A run gets in only if no process of another run is left: workers hold the folder too, and
    those of a killed run may still be writing.

    Args:
        out: The folder.
        by_worker: Whether the caller is a worker of the run that holds the folder.

    Returns:
        A file that holds the folder while it is open.

    Raises:
        SourceError: The folder cannot be written, another run is writing there, or it holds other
            files.
    """
    with as_source_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        if not (out / SETTINGS_JSON).exists() and {path.name for path in out.iterdir()} - {_LOCK}:
            raise SourceError(f"{out} holds other files; expected a new or empty folder")
        file = (out / _LOCK).open("a+")
        try:
            if not by_worker:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise SourceError(f"{out}: another run writes there; expected one at a time") from None
    return file


def prepare(batch: Batch) -> list[int]:
    """Check the folder, remove what a killed run left, and return the missing clips' numbers.

    Nobody else may write to the folder meanwhile: see `hold`.

    Raises:
        SourceError: The folder cannot be written, has too little space, or holds something else.
        ConfigError: The folder holds clips made with other settings.
    """
    with as_source_errors(batch.out):
        _check_settings(batch)
        _remove_remains(batch.out)
        names = [clip_name(batch.config, index) for index in range(batch.clips)]
        missing = [k for k, name in enumerate(names) if not _is_made(batch, name)]
        for index in missing:
            if (batch.out / names[index]).exists():
                raise SourceError(
                    f"{batch.out / names[index]} exists but is not a complete clip; expected "
                    "nothing of that name"
                )
        free = shutil.disk_usage(batch.out).free
    config = batch.config
    each = config.width * config.height * config.frames * _BYTES_PER_PIXEL_FRAME
    needed = len(missing) * each
    if needed > free:
        raise SourceError(
            f"{batch.out} has {free / 1e6:.0f} MB free; expected about {needed / 1e6:.0f} MB for "
            f"{len(missing)} clips"
        )
    return missing


def _is_made(batch: Batch, name: str) -> bool:
    if batch.storage == "clip":
        return is_complete_clip(batch.out / name)
    return (batch.out / name / "metadata.yaml").is_file()


def _check_settings(batch: Batch) -> None:
    """Store the settings next to the clips, and refuse to mix clips of different settings."""
    path = batch.out / SETTINGS_JSON
    settings = _as_json({**asdict(batch.config), "format": batch.storage, "rendering": _RENDERING})
    if not path.exists():
        path.write_text(json.dumps(settings, indent=1) + "\n")
        return
    try:
        # A setting that is newer than the folder had its default value there.
        before = {
            **_as_json(asdict(SynthesisConfig())),
            "rendering": 1,
            **json.loads(path.read_text()),
        }
    except ValueError as error:
        raise SourceError(f"{path} is damaged: {error}") from None
    different = [name for name in settings if not _is_same(before.get(name), settings[name])]
    if different:
        name = different[0]
        raise ConfigError(
            f"{name}={settings[name]!r}, but {batch.out} holds clips with {name}="
            f"{before.get(name)!r}; expected the same settings or another folder"
        )


def _is_same(before: object, now: object) -> bool:
    """Tell whether a setting is unchanged; the order of names does not matter."""
    if isinstance(before, list) and isinstance(now, list):
        return all(name in now for name in before) and all(name in before for name in now)
    return before == now


def _remove_remains(out: Path) -> None:
    for pattern in (".*.partial", ".*.clip"):
        for path in out.glob(pattern):
            shutil.rmtree(path, ignore_errors=True)


def _as_json(values: dict[str, Any]) -> dict[str, Any]:
    """Return values as they come back from JSON: tuples as lists."""
    read: dict[str, Any] = json.loads(json.dumps(values))
    return read


@contextmanager
def as_source_errors(path: Path) -> Iterator[None]:
    """Turn operating system errors into a `SourceError` that names the path."""
    try:
        yield
    except OSError as error:
        raise SourceError(f"cannot write {path}: {error.strerror or error}") from error
