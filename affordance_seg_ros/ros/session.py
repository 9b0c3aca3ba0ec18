# SPDX-License-Identifier: Apache-2.0
"""One active period of the node: subscriptions, worker and counters, from activation to the end."""

import time
from collections import deque
from collections.abc import Callable

from rclpy.lifecycle import LifecycleNode

from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.frames import RgbdFrame
from affordance_seg_ros.node_config import NodeConfig
from affordance_seg_ros.ros.effort import BudgetedPipeline, EffortLog, StreamingPipeline
from affordance_seg_ros.ros.inputs import RgbdInput
from affordance_seg_ros.ros.job import Job
from affordance_seg_ros.ros.mailbox import Mailbox
from affordance_seg_ros.ros.processor import FrameProcessor, Listeners, Output
from affordance_seg_ros.ros.snapshot import Snapshot
from affordance_seg_ros.ros.throttle import Throttle
from affordance_seg_ros.ros.worker import Worker

_LOG_THROTTLE_S = 5.0
_RESETS = 100


class Session:
    """Subscribes from construction on, and processes from `start` to `stop`.

    Args:
        node: The node.
        pipeline: The pipeline; it belongs to the worker's thread until `stop`.
        output: Where predictions go.
        config: Options of the node.
        pipeline_config: Options of the pipeline.
        on_frame: Called with each frame that is processed, from the worker's thread.
    """

    def __init__(
        self,
        node: LifecycleNode,
        pipeline: StreamingPipeline,
        output: Output,
        config: NodeConfig,
        pipeline_config: PipelineConfig,
        on_frame: Callable[[RgbdFrame], None],
    ) -> None:
        logger = node.get_logger()
        clock = node.get_clock()

        throttle = Throttle(_LOG_THROTTLE_S)

        def on_error(reason: str) -> None:
            if throttle.passes(reason, time.monotonic()):
                logger.warning(f"frame dropped: {reason}")

        def on_reset(reason: str) -> None:
            self._resets.append(reason)
            # A stream that is too slow for max_gap_s clears it with every frame.
            logger.info(f"memory cleared: {reason}", throttle_duration_sec=_LOG_THROTTLE_S)

        listeners = Listeners(
            on_error=on_error,
            on_reset=on_reset,
            now_ns=lambda: clock.now().nanoseconds,
            on_frame=on_frame,
        )
        self._resets: deque[str] = deque(maxlen=_RESETS)
        self._rate_hz = pipeline_config.rate_hz
        self._output = output
        self._mailbox: Mailbox[Job] = Mailbox()
        self._input = RgbdInput(node, config, self._rate_hz, self._mailbox)
        self._pipeline = BudgetedPipeline(
            pipeline,
            self._input.pace,
            EffortLog(logger.warning, logger.info),
            config,
            pipeline_config,
        )
        self._processor = FrameProcessor(self._pipeline, output, config, listeners)
        self._worker = Worker(self._mailbox, self._processor.process)
        self._failure_reported = False

    def start(self) -> None:
        """Start processing; call this only once somebody holds the session and can stop it."""
        self._output.start()
        self._worker.start()

    def configure(self, config: NodeConfig, pipeline_config: PipelineConfig) -> None:
        """Use other options from the next frame on."""
        self._processor.configure(config, pipeline_config)
        if pipeline_config.rate_hz != self._rate_hz:
            self._rate_hz = pipeline_config.rate_hz
            self._input.set_rate(self._rate_hz)

    def reset(self) -> None:
        """Forget the past."""
        self._input.reset()
        self._processor.request_reset()

    def enable(self, enabled: bool) -> None:
        """Accept frames, or ignore them."""
        self._input.enable(enabled)

    def find_latched(self) -> None:
        """Subscribe to calibrations that were sent once; see `RgbdInput.find_latched`."""
        self._input.find_latched()

    def take_failure(self) -> BaseException | None:
        """Return the error that ended a thread, once; None if there is none to report."""
        failure = None if self._failure_reported else self._worker.failure or self._output.failure
        self._failure_reported |= failure is not None
        return failure

    def check(self) -> None:
        """Raise the error that ended a thread, if any did."""
        if (failure := self.take_failure()) is not None:
            raise failure

    def stop(self) -> None:
        """Unsubscribe, and wait until the worker has finished its frame; may be called again."""
        self._input.destroy()
        self._worker.stop()
        self._output.stop()

    def snapshot(self) -> Snapshot:
        """Return the counters and latencies so far."""
        now_ns = time.monotonic_ns()
        source, processor = self._input, self._processor
        arrivals = {**source.arrivals, "pairs": source.pairs, "published": processor.published}
        return Snapshot(
            enabled=source.enabled,
            awaited=tuple(source.awaited()),
            received={role: found.count for role, found in source.arrivals.items()},
            rates_hz={role: found.rate_hz(now_ns) for role, found in arrivals.items()},
            pairing=source.counts,
            processed=processor.published.count,
            dropped=self._mailbox.dropped.count,
            dropped_rate_hz=self._mailbox.dropped.rate_hz(now_ns),
            errors=processor.errors.count,
            error_rate_hz=processor.errors.rate_hz(now_ns),
            last_error=processor.last_error,
            error_reasons=dict(processor.reasons),
            latency=processor.log.summary(),
            untransformed=self._output.transform_failures(now_ns),
            resets=tuple(self._resets),
            uncalibrated=source.uncalibrated,
            budget=self._pipeline.state,
            doubtful=tuple(source.doubtful()),
        )
