# SPDX-License-Identifier: Apache-2.0
"""Making many clips, in several processes, and resuming where a run stopped."""

import os
import resource
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.synchronize import Event
from typing import Any, NamedTuple

import cv2
from tqdm import tqdm

from affordance_seg_ros.errors import DeviceError
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.sources.bag import write_clip_bag
from affordance_seg_ros.sources.clip import read_clip
from affordance_seg_ros.training.synthesis.batch_folder import (
    Batch,
    as_source_errors,
    hold,
    prepare,
)
from affordance_seg_ros.training.synthesis.gl_renderer import GlRenderer, open_context
from affordance_seg_ros.training.synthesis.production import make_clip
from affordance_seg_ros.training.synthesis.settings import clip_name
from affordance_seg_ros.training.synthesis.sheet import draw_sheet, moments

_SHEETS = "sheets"
_FRAME_BYTES = 33  # per pixel, with all its truth
_FRAMES_HELD = 5
# One thread in each worker: several would only get in each other's way.
_SINGLE_THREADED = {
    "LP_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
}  # fmt: skip


class BatchResult(NamedTuple):
    """Result of making a batch.

    Attributes:
        made: Clips made in this run.
        found: Clips that already existed.
        without_sheet: Found clips without a sheet, if sheets are requested: they get none.
        seconds: Wall time.
        clips_per_minute: Rate of the clips made in this run.
        cpu_seconds_per_clip: Processor time per clip, which other work on the machine increases
            less than wall time.
        mean_clip_mb: Mean size of the clips made in this run [10^6 bytes].
        peak_worker_mb: Largest memory use of a worker [10^6 bytes].
    """

    made: int
    found: int
    without_sheet: int
    seconds: float
    clips_per_minute: float
    cpu_seconds_per_clip: float
    mean_clip_mb: float
    peak_worker_mb: float


class _Made(NamedTuple):
    size_bytes: int
    peak_bytes: int
    cpu_seconds: float


def make_batch(batch: Batch, *, progress: bool = True) -> BatchResult:
    """Make the clips of a batch that do not exist yet.

    Raises:
        SourceError: The folder cannot be written, has too little space, holds other files, or
            another run is writing there.
        ConfigError: The folder holds clips made with other settings.
        DeviceError: OpenGL is not available, or a worker died.
    """
    open_context().release()
    with hold(batch.out):
        return _make_missing(batch, prepare(batch), progress=progress)


def _make_missing(batch: Batch, missing: list[int], *, progress: bool) -> BatchResult:
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
        without_sheet=_without_sheet(batch, missing),
        seconds=round(seconds, 2),
        clips_per_minute=round(60 * count / max(seconds, 1e-9), 2),
        cpu_seconds_per_clip=round(sum(m.cpu_seconds for m in made) / max(count, 1), 2),
        mean_clip_mb=round(sum(m.size_bytes for m in made) / max(count, 1) / 1e6, 3),
        peak_worker_mb=round(max((m.peak_bytes for m in made), default=0) / 1e6, 1),
    )


def _without_sheet(batch: Batch, made: list[int]) -> int:
    if not batch.sheets:
        return 0
    found = set(range(batch.clips)) - set(made)
    names = [clip_name(batch.config, index) for index in found]
    return sum(not (batch.out / _SHEETS / f"{name}.jpg").exists() for name in names)


def _run(batch: Batch, indices: list[int]) -> Iterator[_Made]:
    if batch.workers == 1:
        _start_worker(batch)
        try:
            for index in indices:
                yield _work(index)
        finally:
            _renderer().close()
        return
    context = get_context("spawn")
    stopped = context.Event()
    pool = ProcessPoolExecutor(
        min(batch.workers, max(len(indices), 1)), context, _start_process, (batch, stopped)
    )
    try:
        with _without_interrupts():
            futures = [pool.submit(_work, index) for index in indices]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise DeviceError(
            f"a worker died ({error}), perhaps for lack of memory; expected about "
            f"{_worker_gb(batch):.1f} GB for each of {batch.workers} workers"
        ) from error
    finally:
        stopped.set()  # workers would otherwise begin what they have already taken
        pool.shutdown(wait=True, cancel_futures=True)


def _worker_gb(batch: Batch) -> float:
    frames = _FRAMES_HELD + (len(moments(batch.config.frames)) if batch.sheets else 0)
    return 0.4 + 1e-9 * frames * _FRAME_BYTES * batch.config.width * batch.config.height


# State of the worker process: what to make, whether to stop, its renderer, and its hold on the
# folder.
_worker: dict[str, Any] = {}


def _start_process(batch: Batch, stopped: Event) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker["hold"] = hold(batch.out, by_worker=True)
    _start_worker(batch, stopped)


def _end_with_parent() -> None:
    """End this process as soon as its parent has ended: nobody would take what it makes."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _start_worker(batch: Batch, stopped: Event | None = None) -> None:
    cv2.setNumThreads(1)
    _worker["batch"], _worker["stopped"] = batch, stopped
    _worker["renderer"] = GlRenderer(batch.config.width, batch.config.height)


def _renderer() -> GlRenderer:
    renderer = _worker["renderer"]
    assert isinstance(renderer, GlRenderer)
    return renderer


def _work(index: int) -> _Made:
    """Make one clip, its bag and its sheet."""
    batch: Batch = _worker["batch"]
    if _worker["stopped"] is not None and _worker["stopped"].is_set():
        raise CancelledError
    config, name = batch.config, clip_name(batch.config, index)
    start = time.process_time()
    target = batch.out / name
    folder = target if batch.storage == "clip" else batch.out / f".{name}.clip"
    with as_source_errors(target):
        try:
            kept = moments(config.frames) if batch.sheets else ()
            frames = make_clip(config, index, folder, _renderer(), kept)
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
    return _Made(size, peak, time.process_time() - start)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Let processes that start now ignore Ctrl-C: this one handles it and ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


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
