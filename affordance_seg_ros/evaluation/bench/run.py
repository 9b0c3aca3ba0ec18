# SPDX-License-Identifier: Apache-2.0
"""The benchmark: cold start, steady state, memory and limits of the pipeline on this machine."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import torch

from affordance_seg_ros import __version__
from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.evaluation.bench.baseline import BASELINES, EagerPipeline
from affordance_seg_ros.evaluation.bench.durations import Spread, spread
from affordance_seg_ros.evaluation.bench.limits import limits_document
from affordance_seg_ros.evaluation.bench.machine import describe_machine
from affordance_seg_ros.evaluation.bench.memory import (
    count_allocations,
    growth_kb_per_frame,
    memory_now,
)
from affordance_seg_ros.evaluation.bench.settings import BenchSettings
from affordance_seg_ros.evaluation.bench.stopwatch import STAGES, Stopwatch, endless_messages
from affordance_seg_ros.frames import StageTimes
from affordance_seg_ros.model.checkpoint import Checkpoint, load_weights, save_checkpoint
from affordance_seg_ros.pipeline.device import resolve_device
from affordance_seg_ros.pipeline.streaming import Pipeline, build_pipeline

Made = TypeVar("Made")

_ROUNDS = 5
"""Pipeline and baseline take this many turns, so that a busy moment of the machine affects both."""
_SETTLING_FRAMES = 4
"""The first frame has no flow, the second a cold start; caches fill."""
_ALLOCATION_FRAMES = 3


def run(settings: BenchSettings, *, progress: bool = False) -> dict[str, Any]:
    """Measure the pipeline.

    Args:
        settings: What to measure.
        progress: Whether to show a progress bar.

    Returns:
        The document that docs/benchmarks.md describes, as JSON values.

    Raises:
        ConfigError: The baseline is unknown, or an option is out of range.
        CheckpointError: The weights cannot be loaded.
        DeviceError: The device is not available.
    """
    if settings.baseline and settings.baseline not in BASELINES:
        raise ConfigError(
            f"baseline '{settings.baseline}'; expected one of {', '.join(BASELINES)}, or none"
        )
    device = resolve_device(settings.device)
    machine = describe_machine(device)
    pipeline, cold_start = _start(settings, device)
    watch = Stopwatch(pipeline, endless_messages(settings))
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    cold_start["first_frame"] = watch.untimed()
    for _ in range(_SETTLING_FRAMES - 1):
        watch.untimed()
    memory = memory_now(device)
    checkpoint = settings.checkpoint()  # only now: it is not part of the pipeline's memory
    baseline_times = _take_turns(settings, checkpoint, device, watch, progress)
    allocations = count_allocations(watch.untimed, _ALLOCATION_FRAMES, device)

    stages = {name: spread(watch.stages_ms[name]) for name in STAGES}
    total = spread(watch.total_ms)
    p50_ms = {name: found.p50 for name, found in stages.items()}
    document: dict[str, Any] = {
        "version": __version__,
        "settings": _describe(settings, checkpoint),
        "machine": machine,
        "total_ms": total._asdict(),
        "stages_ms": {name: found._asdict() for name, found in stages.items()},
        "frames": len(watch.total_ms),
        "frames_per_s": 1e3 * len(watch.total_ms) / sum(watch.total_ms),
        "frames_per_s_at_p95": 1e3 / total.p95,
        "resets": watch.resets,
        "baseline_ratio": None,
        "baseline": None,
        "memory_mb": memory._asdict(),
        "allocations_per_frame": allocations._asdict(),
        "growth_kb_per_frame": growth_kb_per_frame(watch.resident),
        "cold_start_ms": cold_start,
        "limits": limits_document(checkpoint, settings.config.flow, device, p50_ms),
    }
    if settings.baseline:
        document |= _compare(settings.baseline, baseline_times, total, stages)
    return document


def _start(settings: BenchSettings, device: torch.device) -> tuple[Pipeline, dict[str, float]]:
    """Start the pipeline from a weight file as the node does, and time each part [ms]."""
    with tempfile.TemporaryDirectory() as folder:
        # From a file: the requested input size is part of the weights.
        weights = str(Path(folder) / "weights.safetensors")
        save_checkpoint(weights, settings.checkpoint())
        load_ms = _timed(lambda: load_weights(weights, device))[1]  # and releases them
        pipeline, build_ms = _timed(lambda: build_pipeline(weights, str(device), settings.config))
    _, warm_up_ms = _timed(lambda: pipeline.warm_up(*settings.picture))
    return pipeline, {"load": load_ms, "build": build_ms, "warm_up": warm_up_ms}


def _timed(make: Callable[[], Made]) -> tuple[Made, float]:
    start = time.perf_counter()
    made = make()
    return made, 1e3 * (time.perf_counter() - start)


def _take_turns(
    settings: BenchSettings,
    checkpoint: Checkpoint,
    device: torch.device,
    watch: Stopwatch,
    progress: bool,
) -> list[StageTimes]:
    """Time pipeline and baseline in turns; return the times of the baseline."""
    from tqdm import tqdm

    baseline_frames = settings.timed_baseline_frames
    messages = endless_messages(settings)
    baseline: EagerPipeline | None = None
    if settings.baseline:
        baseline = BASELINES[settings.baseline](checkpoint, settings.config, device)
        for _ in range(2):  # a first frame has no flow
            baseline.step(next(messages).decode())
    times: list[StageTimes] = []
    bar = tqdm(total=settings.frames + baseline_frames, unit="frame", disable=not progress)
    with bar:
        for turn in range(_ROUNDS):
            for _ in _share(settings.frames, turn):
                watch.timed()
                bar.update()
            for _ in _share(baseline_frames, turn):
                assert baseline is not None
                times.append(baseline.step(next(messages).decode()).stages_ms)
                bar.update()
    return times


def _share(count: int, turn: int) -> range:
    """Return a range over the items of one turn; all turns together have `count`."""
    return range(count * turn // _ROUNDS, count * (turn + 1) // _ROUNDS)


def _compare(
    name: str, times: list[StageTimes], total: Spread, stages: dict[str, Spread]
) -> dict[str, Any]:
    """Return the entries on the baseline; ratios are of medians, baseline to pipeline."""
    slow = spread([sum(each) + stages["decode"].p50 for each in times])
    by_stage = {
        stage: spread([getattr(each, stage) for each in times]) for stage in StageTimes._fields
    }
    return {
        "baseline_ratio": slow.p50 / total.p50,
        "baseline": {
            "name": name,
            "frames": len(times),
            "total_ms": slow._asdict(),
            "stages_ms": {stage: found._asdict() for stage, found in by_stage.items()},
            "stage_ratios": {
                stage: found.p50 / stages[stage].p50 for stage, found in by_stage.items()
            },
            "cudnn_tf32": torch.backends.cudnn.allow_tf32,
        },
    }


def _describe(settings: BenchSettings, checkpoint: Checkpoint) -> dict[str, Any]:
    taken = checkpoint.input_config
    return {
        "network": checkpoint.card.name,
        "network_width": checkpoint.network_config.width,
        "input": [taken.width, taken.height],
        "picture": list(settings.picture),
        "encoding": settings.encoding,
        "seed": settings.seed,
        "pipeline": asdict(settings.config),
    }
