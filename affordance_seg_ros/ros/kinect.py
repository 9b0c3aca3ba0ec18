# SPDX-License-Identifier: Apache-2.0
"""The Azure Kinect node: a camera or a recording, on the topics of Microsoft's driver."""

# Some classes of Jazzy's rclpy cannot be subscripted with [Any].
from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image

from affordance_seg_ros.errors import DeviceError, SourceError
from affordance_seg_ros.frames import DepthImage
from affordance_seg_ros.node_config import KinectConfig
from affordance_seg_ros.ros import encode
from affordance_seg_ros.ros.parameters import NodeParameters
from affordance_seg_ros.ros.playback import Playback
from affordance_seg_ros.ros.reconnection import Backoff, CameraState
from affordance_seg_ros.sources.alignment import DepthAligner
from affordance_seg_ros.sources.azure_kinect import KinectDevice, KinectRecording
from affordance_seg_ros.sources.connected_kinect import camera_name
from affordance_seg_ros.sources.kinect_capture import KinectCalibration, KinectCapture
from affordance_seg_ros.sources.kinect_recording import METRES_PER_UNIT
from affordance_seg_ros.whole_file import user_path

# As the driver does; reliable serves subscribers of both kinds.
_QOS = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
_POLL_S = 0.05
_DISCOVERY_S = 1.0
"""A best-effort subscriber receives nothing until it has discovered the publisher."""
_DELIVERY_S = 1.0
_LOG_THROTTLE_S = 10.0


class KinectNode(Node):
    """Publishes colour, depth aligned to it, and camera_info; waits for a camera that was lost.

    Raises:
        ConfigError: A parameter is unknown, of a wrong type or out of range.
    """

    def __init__(self) -> None:
        super().__init__("kinect")
        self._options = NodeParameters(self, KinectConfig)
        self._config = self._options.read(KinectConfig)
        self._color = self.create_publisher(Image, "rgb/image_raw", _QOS)
        self._color_info = self.create_publisher(CameraInfo, "rgb/camera_info", _QOS)
        self._depth = self.create_publisher(Image, "depth_to_rgb/image_raw", _QOS)
        self._depth_info = self.create_publisher(CameraInfo, "depth_to_rgb/camera_info", _QOS)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._state = CameraState(self._config.recording or camera_name(self._config))
        # Not the node's clock, which may never start with use_sim_time.
        self.create_timer(1.0, self._on_timer, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._stopping = threading.Event()
        self._failure: Exception | None = None
        self._thread: threading.Thread | None = None
        self._source: KinectDevice | KinectRecording | None = None

    def set_parameters_atomically(
        self, parameter_list: list[Parameter[Any]]
    ) -> SetParametersResult:
        """Refuse, since all parameters are read at the start; the refusal says so."""
        return self._options.answer(parameter_list, super().set_parameters_atomically)

    def start(self) -> bool:
        """Open the camera or the recording and start publishing.

        Raises:
            AffordanceError: It cannot be opened.
        """
        config = self._config
        if config.recording:
            self._source = KinectRecording(user_path(config.recording, SourceError))
        else:
            self._source = self._open(config)
        self._calibrate(self._source.calibration)
        self._thread = threading.Thread(target=self._run, name="camera")
        self._thread.start()
        return True

    def is_running(self) -> bool:
        """Return whether there is more to publish; raise what ended the camera's thread."""
        # Read first: a thread that fails after the check below counts as alive until the next call.
        alive = self._thread is not None and self._thread.is_alive()
        if self._failure is not None:
            raise self._failure
        return alive

    def close(self) -> None:
        """Stop publishing and close the camera; may be called in any state."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        if self._source is not None:
            self._source.close()
            self._source = None

    def _run(self) -> None:
        try:
            assert self._source is not None
            if isinstance(self._source, KinectRecording):
                self._play(self._source)
            else:
                self._stream(self._source)
        # Not swallowed: `is_running` raises it in the main thread.
        except Exception as error:
            self._failure = error

    def _stream(self, device: KinectDevice) -> None:
        name, number = camera_name(self._config), device.serial_number
        self.get_logger().info(f"{name} is streaming (serial number {number})")
        while True:
            try:
                for capture in device.captures(self._state.skip):
                    if self._stopping.is_set():
                        return
                    # The camera's clock starts at power-on: only differences are meaningful.
                    stamp_ns = self.get_clock().now().nanoseconds - capture.age_ns()
                    self._publish(capture, stamp_ns, stamp_ns + capture.depth_ns - capture.color_ns)
            except DeviceError as error:
                if not self._config.reconnect_s:
                    raise
                self._state.lose(str(error))
                # Throttled: a loose plug comes and goes.
                self.get_logger().error(
                    f"camera lost: {error}; it will be reopened once it is back",
                    throttle_duration_sec=_LOG_THROTTLE_S,
                )
            found = self._wait_for_device(device)
            if found is None:
                return
            self._source = device = found

    def _open(self, config: KinectConfig) -> KinectDevice:
        device = KinectDevice(config)
        self._state.source = f"Azure Kinect {device.serial_number}"
        return device

    def _wait_for_device(self, lost: KinectDevice) -> KinectDevice | None:
        """Reopen the camera, with as many attempts as it takes; return None if told to stop."""
        lost.close()
        self._source = None
        # Its index may be another camera's by now.
        config = replace(self._config, serial_number=lost.serial_number)
        backoff = Backoff(self._config.reconnect_s)
        while not self._stopping.wait(backoff.next_s()):
            count = self._state.attempt()
            try:
                device = self._open(config)
            except DeviceError as error:
                self.get_logger().warning(
                    f"camera still lost after {count} attempts: {error}",
                    throttle_duration_sec=_LOG_THROTTLE_S,
                )
                continue
            self._calibrate(device.calibration)
            self._state.find()
            self.get_logger().info(
                f"camera is back after {count} attempts", throttle_duration_sec=_LOG_THROTTLE_S
            )
            return device
        return None

    def _calibrate(self, found: KinectCalibration) -> None:
        self._camera = found.color
        self._aligner = DepthAligner(found.depth, found.color, found.T_color_depth)

    def _on_timer(self) -> None:
        message = DiagnosticArray()
        message.header.stamp = self.get_clock().now().to_msg()
        name = self.get_fully_qualified_name()
        message.status = [self._state.describe(name, time.monotonic_ns())]
        self._diagnostics.publish(message)

    def _play(self, recording: KinectRecording) -> None:
        if self._config.wait_for_subscribers and not self._subscribed():
            return
        playback = Playback(
            self._config.rate, self.get_clock().now().nanoseconds, recording.rate_hz
        )
        start = time.monotonic()
        count = 0
        for capture in self._captures(recording):
            due = playback.place(capture.color_ns)
            early_s = start + due.after_s - time.monotonic()
            if self._stopping.wait(max(0.0, early_s)):
                return
            stamp_ns = due.stamp_ns
            if playback.fell_behind(-early_s):
                stamp_ns += round(-1e9 * early_s)
                self.get_logger().warning(
                    "this machine is too slow: playback is delayed", throttle_duration_sec=30.0
                )
            color_ns = capture.color_ns if self._config.stamps == "recorded" else stamp_ns
            self._publish(capture, color_ns, color_ns + capture.depth_ns - capture.color_ns)
            count += 1
        if recording.skipped:
            self.get_logger().warning(f"{recording.skipped} unreadable captures left out")
        self._stopping.wait(_DELIVERY_S)
        for publisher in (self._color, self._depth):
            publisher.wait_for_all_acked(Duration(seconds=_DELIVERY_S))
        self.get_logger().info(f"end of {self._config.recording} after {count} captures")

    def _captures(self, recording: KinectRecording) -> Iterator[KinectCapture]:
        count = 0
        while True:
            for capture in recording.captures():
                count += 1
                yield capture
            if not (self._config.loop and count):
                return

    def _subscribed(self) -> bool:
        """Wait until both images have a subscriber; return false if told to stop first."""
        publishers = (self._color, self._depth)
        self.get_logger().info(
            f"waiting for subscribers to {' and '.join(p.topic_name for p in publishers)}"
        )
        while not all(publisher.get_subscription_count() for publisher in publishers):
            if self._stopping.wait(_POLL_S):
                return False
        return not self._stopping.wait(_DISCOVERY_S)

    def _publish(self, capture: KinectCapture, color_ns: int, depth_ns: int) -> None:
        frame_id = self._config.frame_id
        color_head, depth_head = (
            encode.header(color_ns, frame_id),
            encode.header(depth_ns, frame_id),
        )
        self._color_info.publish(encode.camera_info(self._camera, color_head))
        self._depth_info.publish(encode.camera_info(self._camera, depth_head))
        if self._color.get_subscription_count():
            color_bgra = np.asarray(cv2.cvtColor(capture.color_bgr, cv2.COLOR_BGR2BGRA), np.uint8)
            self._color.publish(encode.image(color_bgra, "bgra8", color_head))
        if self._depth.get_subscription_count():  # alignment takes most of a core
            aligned = self._aligner.align(DepthImage(capture.depth_mm, METRES_PER_UNIT))
            self._depth.publish(encode.image(aligned.raw, "16UC1", depth_head))
        self._state.captures.add(time.monotonic_ns())
