# SPDX-License-Identifier: Apache-2.0
"""The affordance node: parameters, lifecycle, services, diagnostics."""

# Some classes of Jazzy's rclpy cannot be subscripted with [Any].
from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger

from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.errors import AffordanceError, SourceError
from affordance_seg_ros.json_document import write_json
from affordance_seg_ros.node_config import NodeConfig
from affordance_seg_ros.ros.channels import channels
from affordance_seg_ros.ros.diagnostics import describe
from affordance_seg_ros.ros.frame_transforms import FrameTransforms
from affordance_seg_ros.ros.lifecycle import ForgivingLifecycleNode
from affordance_seg_ros.ros.loaded_pipeline import LoadedPipeline, build_real
from affordance_seg_ros.ros.outputs import PredictionOutput
from affordance_seg_ros.ros.parameters import NodeParameters
from affordance_seg_ros.ros.reminder import Reminder
from affordance_seg_ros.ros.session import Session
from affordance_seg_ros.ros.snapshot import Snapshot
from affordance_seg_ros.ros.snapshot_service import SnapshotService
from affordance_seg_ros.whole_file import user_path


class AffordanceNode(ForgivingLifecycleNode):
    """Turns colour, depth and camera_info into masks, actions and regions.

    Args:
        build: Builds the pipeline from weights, device and options.

    Raises:
        ConfigError: A parameter is unknown, of the wrong type or out of range.
    """

    def __init__(
        self, *, build: Callable[[str, str, PipelineConfig], LoadedPipeline] = build_real
    ) -> None:
        super().__init__("affordance")
        self._build = build
        self._options = NodeParameters(self, NodeConfig, PipelineConfig)
        self.add_post_set_parameters_callback(self._apply)
        self._state = "unconfigured"
        self._failure = ""
        self._pipeline: LoadedPipeline | None = None
        self._output: PredictionOutput | None = None
        self._session: Session | None = None
        self._reminder = Reminder(self.get_logger().warning, self.get_logger().info)
        self._doubts = Reminder(
            self.get_logger().warning,
            self.get_logger().info,
            what="input",
            well="the image topics are fine again",
        )
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self.create_service(Trigger, "~/reset", self._on_reset)
        self.create_service(SetBool, "~/enable", self._on_enable)
        self._snapshots = SnapshotService(self, lambda: self._config)
        # Not the node's clock, which may never start with use_sim_time.
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(1.0, self._on_timer, clock=self._steady)

    def set_parameters_atomically(
        self, parameter_list: list[Parameter[Any]]
    ) -> SetParametersResult:
        """Set parameters, all or none; a refusal says what is accepted."""
        return self._options.answer(parameter_list, super().set_parameters_atomically)

    def start(self) -> bool:
        """Configure and activate if `autostart` says so; return false if that failed."""
        if not self._config.autostart:
            self.get_logger().info(
                "unconfigured: waiting for a lifecycle manager (autostart=false)"
            )
            return True
        ok = TransitionCallbackReturn.SUCCESS
        return self.trigger_configure() == ok and self.trigger_activate() == ok

    def is_running(self) -> bool:
        """Return true; raise the error that ended the worker, if any."""
        if self._session is not None:
            self._session.check()
        return True

    def close(self) -> None:
        """Stop the worker and write the report; may be called in any state."""
        self._stop()
        self._state = "finalized"

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the weights and warm up."""
        config = self._config
        try:
            with self._reporting_failure("configuration"):
                pipeline = self._build(config.weights, config.device, self._pipeline_config)
                pipeline.warm_up()
                card = pipeline.card
                self._output = PredictionOutput(
                    self,
                    pipeline.labels,
                    card.name,
                    card.trained,
                    config.output_reliability,
                    self._transforms(config),
                )
        except AffordanceError:
            return TransitionCallbackReturn.FAILURE
        self._pipeline = pipeline
        self.get_logger().info(f"weights '{card.name}' on {pipeline.device}")
        if not card.trained:
            self.get_logger().warning(
                f"weights '{card.name}' are UNTRAINED: masks and actions mean nothing"
            )
        self._state = "inactive"
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe, and start the worker."""
        assert self._pipeline is not None
        assert self._output is not None
        with self._reporting_failure("activation"):
            found = super().on_activate(state)  # opens the publishers
            self._output.publish_label_info(self._pipeline_config.min_confidence)
            self._pipeline.reset()
            self._pipeline.configure(self._pipeline_config)
            self._snapshots.start(self._pipeline.labels)
            self._session = Session(
                self,
                self._pipeline,
                self._output,
                self._config,
                self._pipeline_config,
                self._snapshots.frames.add,
            )
            self._session.start()
        self._state = "active"
        topics = (f"{channel.role} on {channel.name(self)}" for channel in channels(self._config))
        self.get_logger().info(f"active: {', '.join(topics)}")
        return found

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe, and stop the worker."""
        self._stop()
        self._state = "inactive"
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release weights and publishers."""
        self._release()
        self._state = "unconfigured"
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything."""
        self._release()
        self._state = "finalized"
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything, so that the node can be configured again."""
        self._release()
        self._state = "unconfigured"
        return TransitionCallbackReturn.SUCCESS

    @property
    def _config(self) -> NodeConfig:
        return self._options.read(NodeConfig)

    @property
    def _pipeline_config(self) -> PipelineConfig:
        return self._options.read(PipelineConfig)

    def _transforms(self, config: NodeConfig) -> FrameTransforms | None:
        if not config.target_frame:
            return None
        return FrameTransforms(self, config.target_frame, config.transform_timeout_s)

    @contextmanager
    def _reporting_failure(self, what: str) -> Iterator[None]:
        """Report what goes wrong: rclpy silently turns it into a failed transition."""
        self._failure = ""
        try:
            yield
        except AffordanceError as error:
            self._failure = f"{what} failed: {error}"
            self.get_logger().error(self._failure)
            raise
        except Exception as error:
            self._failure = f"{what} failed: {type(error).__name__}: {error}"
            self.get_logger().error(f"{what} failed:\n{traceback.format_exc()}")
            raise

    def _stop(self) -> None:
        session = self._session
        if session is None:
            return
        session.stop()
        if (failure := session.take_failure()) is not None:
            told = "".join(traceback.format_exception(failure))
            self.get_logger().error(f"the last frame failed:\n{told}")
        self._snapshots.close()
        self._reminder.forget()
        self._report(session.snapshot())
        # Last: if a signal interrupts this, `close` does it all again.
        self._session = None

    def _release(self) -> None:
        self._stop()
        if self._output is not None:
            self._output.destroy()
        if self._pipeline is not None:
            self._pipeline.close()
        self._output = self._pipeline = None

    def _report(self, snapshot: Snapshot) -> None:
        path = self._config.report_file
        if not path or self._pipeline is None:
            return
        card = self._pipeline.card
        report = snapshot.report(card.name, card.trained, str(self._pipeline.device))
        report["weights"] |= {"description": card.description, "license": card.license}
        report["network"] = self._pipeline.network
        report["flow_estimator"] = self._pipeline.flow_estimator
        report["options"] = asdict(self._pipeline_config)
        try:
            write_json(user_path(path, SourceError), report)
        except SourceError as error:
            self.get_logger().error(f"report_file not written: {error}")

    def _apply(self, changes: list[Parameter[Any]]) -> None:
        self._snapshots.configure(self._config)
        if self._session is None or self._output is None:
            return
        self._session.configure(self._config, self._pipeline_config)
        if any(parameter.name == "min_confidence" for parameter in changes):
            self._output.publish_label_info(self._pipeline_config.min_confidence)

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success = self._session is not None
        response.message = "memory cleared" if response.success else f"the node is {self._state}"
        if self._session is not None:
            self._session.reset()
        return response

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        response.success = self._session is not None
        response.message = f"the node is {self._state}"
        if self._session is not None:
            self._session.enable(request.data)
            response.message = "enabled" if request.data else "disabled"
        return response

    def _on_timer(self) -> None:
        if self._session is not None:
            self._session.find_latched()
        snapshot = None if self._session is None else self._session.snapshot()
        if snapshot is not None:
            now_s = 1e-9 * self._steady.now().nanoseconds
            self._reminder.update(snapshot.awaited, now_s)
            self._doubts.update(snapshot.doubtful, now_s)
        pipeline = self._pipeline
        message = DiagnosticArray()
        message.header.stamp = self.get_clock().now().to_msg()
        message.status = describe(
            self.get_fully_qualified_name(),
            self._state,
            device="" if pipeline is None else str(pipeline.device),
            weights="" if pipeline is None else pipeline.card.name,
            trained=pipeline is not None and pipeline.card.trained,
            snapshot=snapshot,
            failure=self._failure,
        )
        self._diagnostics.publish(message)
