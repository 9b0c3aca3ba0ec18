# SPDX-License-Identifier: Apache-2.0
"""Making many clips: in several processes, and again from where it stopped."""

import json
import os
import resource
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import cv2
from tqdm import tqdm

from affordance_seg_ros.errors import ConfigError, DeviceError, SourceError
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.sources.bag import write_clip_bag
from affordance_seg_ros.sources.clip import is_complete_clip, read_clip
from affordance_seg_ros.training.synthesis.gl_renderer import GlRenderer, open_context
from affordance_seg_ros.training.synthesis.production import make_clip
from affordance_seg_ros.training.synthesis.settings import SynthesisConfig, clip_name
from affordance_seg_ros.training.synthesis.sheet import draw_sheet

FORMATS = ("clip", "mcap")
SETTINGS_JSON = "synthesis.json"

_BYTES_PER_PIXEL_FRAME = 1.5  # of a stored clip with flow: 1.3 measured
_SHEETS = "sheets"
# One thread in each worker: several at once in each only get into each other's way.
_SINGLE_THREADED = {
    "LP_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
}  # fmt: skip


@dataclass(frozen=True)
class Batch:
    """What is made and where.

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


class BatchResult(NamedTuple):
    """What became of a batch.

    Attributes:
        made: Clips made now.
        found: Clips that were there already.
        seconds: Wall time.
        clips_per_minute: Of those made now.
        mean_clip_mb: Mean size of the clips made now [10^6 bytes].
        peak_worker_mb: Largest memory of a worker [10^6 bytes].
    """

    made: int
    found: int
    seconds: float
    clips_per_minute: float
    mean_clip_mb: float
    peak_worker_mb: float


class _Made(NamedTuple):
    size_bytes: int
    peak_bytes: int


def make_batch(batch: Batch, *, progress: bool = True) -> BatchResult:
    """Make the clips of a batch that are not there yet.

    Raises:
        SourceError: The folder cannot be written, has too little space, or holds something else.
        ConfigError: The folder holds clips of other settings.
        DeviceError: There is no OpenGL here, or a worker died.
    """
    open_context().release()
    missing = _prepare(batch)
    start = time.monotonic()
    made: list[_Made] = []
    bar = tqdm(
        total=batch.clips, initial=batch.clips - len(missing), unit="clip", desc="synth",
        disable=None if progress else True,
    )  # fmt: skip
    with bar, _single_threaded():
        for result in _run(batch, missing):
            made.append(result)
            bar.update()
    seconds = time.monotonic() - start
    count = len(made)
    return BatchResult(
        made=count,
        found=batch.clips - len(missing),
        seconds=round(seconds, 2),
        clips_per_minute=round(60 * count / max(seconds, 1e-9), 2),
        mean_clip_mb=round(sum(m.size_bytes for m in made) / max(count, 1) / 1e6, 3),
        peak_worker_mb=round(max((m.peak_bytes for m in made), default=0) / 1e6, 1),
    )


def _run(batch: Batch, indices: list[int]) -> Iterator[_Made]:
    if batch.workers == 1:
        _start_worker(batch)
        try:
            for index in indices:
                yield _work(index)
        finally:
            _renderer().close()
        return
    pool = ProcessPoolExecutor(
        min(batch.workers, max(len(indices), 1)), get_context("spawn"), _start_worker, (batch,)
    )
    try:
        for future in as_completed([pool.submit(_work, index) for index in indices]):
            yield future.result()
    except BrokenProcessPool as error:
        raise DeviceError(
            f"a worker died ({error}), perhaps for want of memory; expected about 0.5 GB for each "
            f"of {batch.workers}"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


# Of the worker's process: what it is to make, and its renderer.
_worker: dict[str, Any] = {}


def _start_worker(batch: Batch) -> None:
    cv2.setNumThreads(1)
    _worker["batch"] = batch
    _worker["renderer"] = GlRenderer(batch.config.width, batch.config.height)


def _renderer() -> GlRenderer:
    renderer = _worker["renderer"]
    assert isinstance(renderer, GlRenderer)
    return renderer


def _work(index: int) -> _Made:
    """Make one clip, its bag and its sheet."""
    batch: Batch = _worker["batch"]
    config, name = batch.config, clip_name(batch.config, index)
    target = batch.out / name
    folder = target if batch.storage == "clip" else batch.out / f".{name}.clip"
    with _named_errors(target):
        shutil.rmtree(folder, ignore_errors=True)  # what a killed run left
        try:
            frames = make_clip(config, index, folder, _renderer())
            if batch.storage == "mcap":
                write_clip_bag(target, read_clip(folder), storage="mcap")
        finally:
            if folder != target:
                shutil.rmtree(folder, ignore_errors=True)
        if batch.sheets:
            sheet = draw_sheet(frames, LabelSet(), f"{name}   seed {config.seed}, {config.split}")
            (batch.out / _SHEETS).mkdir(exist_ok=True)
            data = cv2.imencode(".jpg", sheet[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 88))[1]
            (batch.out / _SHEETS / f"{name}.jpg").write_bytes(data.tobytes())
        size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return _Made(size, peak)


def _prepare(batch: Batch) -> list[int]:
    """Check the folder; return the numbers of the clips that are missing."""
    with _named_errors(batch.out):
        batch.out.mkdir(parents=True, exist_ok=True)
        _check_settings(batch)
        names = [clip_name(batch.config, index) for index in range(batch.clips)]
        missing = [k for k, name in enumerate(names) if not _is_made(batch, name)]
        for index in missing:
            if (batch.out / names[index]).exists():
                raise SourceError(
                    f"{batch.out / names[index]} is there but is no whole clip; expected nothing "
                    "of that name"
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
    """Keep what the folder is made of beside the clips, and refuse to mix."""
    path = batch.out / SETTINGS_JSON
    # Through JSON, so that tuples compare as the lists they become.
    settings = json.loads(json.dumps({**asdict(batch.config), "format": batch.storage}))
    if not path.exists():
        if any(batch.out.iterdir()):
            raise SourceError(f"{batch.out} holds other files; expected a new or empty folder")
        path.write_text(json.dumps(settings, indent=1) + "\n")
        return
    try:
        before = json.loads(path.read_text())
    except ValueError as error:
        raise SourceError(f"{path} is damaged: {error}") from None
    different = [name for name in settings if before.get(name) != settings[name]]
    if different:
        name = different[0]
        raise ConfigError(
            f"{name}={settings[name]!r}, but {batch.out} holds clips with {name}="
            f"{before.get(name)!r}; expected the same settings or another folder"
        )


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SourceError(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Let renderers and workers that start now use one thread each."""
    before = {name: os.environ.get(name) for name in _SINGLE_THREADED}
    os.environ.update(_SINGLE_THREADED)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
