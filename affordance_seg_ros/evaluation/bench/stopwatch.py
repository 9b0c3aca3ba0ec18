# SPDX-License-Identifier: Apache-2.0
"""The frames of a benchmark, and the times of the pipeline on them."""

import time
from collections.abc import Iterator
from itertools import count

from affordance_seg_ros.evaluation.bench.memory import resident_mb
from affordance_seg_ros.evaluation.bench.messages import FrameMessages, encode
from affordance_seg_ros.evaluation.bench.scene import RandomScene
from affordance_seg_ros.evaluation.bench.settings import BenchSettings
from affordance_seg_ros.frames import StageTimes
from affordance_seg_ros.pipeline.streaming import Pipeline

STAGES = ("decode", *StageTimes._fields)
"""What is timed, in order; `total` is measured separately."""

_FALLBACK_RATE_HZ = 10.0


def endless_messages(settings: BenchSettings) -> Iterator[FrameMessages]:
    """Yield a camera's messages without end: a lap of a random scene again and again."""
    rate_hz = settings.config.rate_hz or _FALLBACK_RATE_HZ
    scene = RandomScene(*settings.picture, settings.seed)
    lap = [encode(frame, settings.encoding) for frame in scene.lap(rate_hz)]
    for k in count():
        yield lap[k % len(lap)].at(round(1e9 * k / rate_hz))


class Stopwatch:
    """Runs the pipeline on the frames, from messages on the host to masks on the host.

    Args:
        pipeline: What is measured.
        messages: The camera.

    Attributes:
        stages_ms: Durations of each stage by name [ms].
        total_ms: Durations from message to prediction [ms].
        resident: Resident memory after each frame [MiB].
        resets: How often the pipeline forgot the past automatically.
    """

    def __init__(self, pipeline: Pipeline, messages: Iterator[FrameMessages]) -> None:
        self._pipeline = pipeline
        self._messages = messages
        self.stages_ms: dict[str, list[float]] = {name: [] for name in STAGES}
        self.total_ms: list[float] = []
        self.resident: list[float] = []
        self.resets = 0

    def untimed(self) -> float:
        """Process one frame that does not count; return its duration [ms]."""
        messages = next(self._messages)
        start = time.perf_counter()
        self._pipeline.step(messages.decode())
        return 1e3 * (time.perf_counter() - start)

    def timed(self) -> None:
        """Process one frame and keep its times."""
        messages = next(self._messages)
        start = time.perf_counter()
        frame = messages.decode()
        decoded = time.perf_counter()
        prediction = self._pipeline.step(frame)
        end = time.perf_counter()
        self.total_ms.append(1e3 * (end - start))
        self.stages_ms["decode"].append(1e3 * (decoded - start))
        for name, duration_ms in prediction.stages_ms._asdict().items():
            self.stages_ms[name].append(duration_ms)
        self.resets += bool(prediction.reset_reason)
        self.resident.append(resident_mb())
