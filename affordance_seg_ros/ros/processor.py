# SPDX-License-Identifier: Apache-2.0
"""What the worker does with a pair of messages: decode, predict, publish, and keep records."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.errors import AffordanceError
from affordance_seg_ros.frames import Prediction, RgbdFrame, Wanted
from affordance_seg_ros.node_config import NodeConfig
from affordance_seg_ros.ros.arrivals import Arrivals
from affordance_seg_ros.ros.effort import BudgetedPipeline
from affordance_seg_ros.ros.frame_log import FrameLog, FrameRecord
from affordance_seg_ros.ros.job import Job
from affordance_seg_ros.ros.snapshot import TransformFailures
from affordance_seg_ros.sources.decode import decode_camera_info
from affordance_seg_ros.sources.rgbd_decoder import DepthView, RgbdDecoder

_MOST_REASONS = 50
_OTHER_REASONS = "other reasons"


class Output(Protocol):
    """Where predictions go, from `start` to `stop`."""

    def start(self) -> None:
        """Start."""

    def stop(self) -> None:
        """Stop; may be called repeatedly."""

    @property
    def failure(self) -> BaseException | None:
        """The error that ended one of its threads; None while all is well."""

    def wanted(self, config: NodeConfig) -> Wanted:
        """Return what somebody is listening to now."""

    def publish(
        self, frame: RgbdFrame, prediction: Prediction, config: NodeConfig, wanted: Wanted
    ) -> None:
        """Publish a prediction that was made with the wanted parts."""

    def transform_failures(self, now_ns: int) -> TransformFailures:
        """Return what could not be transformed, as of `now_ns` on the monotonic clock."""


@dataclass(frozen=True)
class Listeners:
    """Who is told what happens in the worker's thread.

    Attributes:
        on_error: Called with the reason when a frame is dropped.
        on_reset: Called with the reason when the pipeline forgets the past on its own.
        now_ns: The node's clock [ns].
        on_frame: Called with each decoded frame.
    """

    on_error: Callable[[str], None]
    on_reset: Callable[[str], None]
    now_ns: Callable[[], int]
    on_frame: Callable[[RgbdFrame], None]


class FrameProcessor:
    """Runs the pipeline on one pair of messages after another.

    `process` belongs to the worker's thread; everything else may be called from any thread.

    Args:
        pipeline: The pipeline; used in the worker's thread only.
        output: Where predictions go.
        config: Options of the node.
        listeners: Who is told.
    """

    def __init__(
        self,
        pipeline: BudgetedPipeline,
        output: Output,
        config: NodeConfig,
        listeners: Listeners,
    ) -> None:
        self._pipeline = pipeline
        self._output = output
        self._config = config
        self._listeners = listeners
        self._decoder = RgbdDecoder()
        self._lock = threading.Lock()
        self._wanted: PipelineConfig | None = None
        self._reset_wanted = False
        self.published = Arrivals(time.monotonic_ns())
        self.errors = Arrivals(time.monotonic_ns())
        self.last_error = ""
        self.reasons: Counter[str] = Counter()
        self.log = FrameLog()

    def configure(self, node: NodeConfig, pipeline: PipelineConfig) -> None:
        """Use other options from the next frame on."""
        with self._lock:
            self._config = node
            self._wanted = pipeline

    def request_reset(self) -> None:
        """Forget the past before the next frame."""
        with self._lock:
            self._reset_wanted = True

    def process(self, job: Job) -> None:
        """Decode, predict and publish; a frame that cannot be used is dropped and counted."""
        taken_ns = time.monotonic_ns()
        config = self._apply_requests()
        try:
            frame = decode(job, self._decoder, rectified=config.rectified)
            decoded_ns = time.monotonic_ns()
            self._listeners.on_frame(frame)
            wanted = self._output.wanted(config)
            prediction = self._pipeline.step(frame, wanted)
        except AffordanceError as error:
            self.last_error = str(error)
            self.errors.add(time.monotonic_ns())
            if self.last_error in self.reasons or len(self.reasons) < _MOST_REASONS:
                self.reasons[self.last_error] += 1
            else:
                self.reasons[_OTHER_REASONS] += 1
            self._listeners.on_error(self.last_error)
            return
        if prediction.reset_reason:
            self._listeners.on_reset(self._pipeline.explain(prediction.reset_reason))
        stepped_ns = time.monotonic_ns()
        self._output.publish(frame, prediction, config, wanted)
        published_ns = time.monotonic_ns()
        decode_ms, publish_ms = _ms(taken_ns, decoded_ns), _ms(stepped_ns, published_ns)
        self._pipeline.observe(prediction.stages_ms, decode_ms + publish_ms)
        color, depth = job.color, job.depth
        age_ns = self._listeners.now_ns() - frame.stamp_ns
        self.log.add(
            FrameRecord(
                stamp_to_publish=1e-6 * age_ns if color.has_own_clock else float("nan"),
                receipt_to_publish=_ms(color.received_ns, published_ns),
                pairing=max(0.0, _ms(color.received_ns, depth.received_ns)),
                queue=_ms(job.queued_ns, taken_ns),
                decode=decode_ms,
                pipeline=prediction.stages_ms,
                publish=publish_ms,
            )
        )
        self.published.add(published_ns)

    def _apply_requests(self) -> NodeConfig:
        """Carry out what other threads asked for; return the options in force."""
        with self._lock:
            wanted, self._wanted = self._wanted, None
            reset, self._reset_wanted = self._reset_wanted, False
            config = self._config
        if wanted is not None:
            self._pipeline.configure(config, wanted)
        if reset:
            self._pipeline.reset()
        return config


def decode(job: Job, decoder: RgbdDecoder, *, rectified: bool = False) -> RgbdFrame:
    """Return the frame of a pair of messages.

    Args:
        job: The messages.
        decoder: Decodes and aligns.
        rectified: Whether the colour image is rectified.

    Raises:
        AffordanceError: A message cannot be decoded, or they do not fit together.
    """
    view = None
    if job.unaligned is not None:
        camera_info, depth_rectified, T_color_depth = job.unaligned
        view = DepthView(decode_camera_info(camera_info, rectified=depth_rectified), T_color_depth)
    camera = decode_camera_info(job.camera_info, rectified=rectified)
    return decoder.decode(job.color.message, job.depth.message, camera, view)


def _ms(start_ns: int, end_ns: int) -> float:
    return 1e-6 * (end_ns - start_ns)
