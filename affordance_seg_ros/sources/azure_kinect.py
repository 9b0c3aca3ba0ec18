# SPDX-License-Identifier: Apache-2.0
"""Azure Kinect via pyk4a: captures and calibration of a live camera or of an .mkv recording."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from affordance_seg_ros.errors import DeviceError, SourceError
from affordance_seg_ros.node_config import KinectConfig
from affordance_seg_ros.sources.connected_kinect import camera_name, choose_device
from affordance_seg_ros.sources.kinect_capture import (
    KinectCalibration,
    KinectCapture,
    read_calibration,
    read_capture,
    to_bgr,
)

_TIMEOUT_MS = 5000


class KinectRecording:
    """An .mkv file as written by k4arecorder; a context manager.

    Args:
        path: The file.

    Raises:
        DeviceError: pyk4a is not installed.
        SourceError: The file is missing, damaged, or has no colour or no depth.
    """

    def __init__(self, path: Path) -> None:
        self._pyk4a = _load_pyk4a()
        if not path.is_file():
            raise SourceError(f"recording {path} does not exist; expected an .mkv file")
        self._path = path
        # pyk4a's name for releasing the GIL while it reads.
        self._playback = self._pyk4a.PyK4APlayback(path, thread_safe=False)
        try:
            self._playback.open()
        except self._pyk4a.K4AException:
            raise SourceError(
                f"recording {path} cannot be read; expected an .mkv file of an Azure Kinect"
            ) from None
        found = self._playback.configuration
        if not (found["color_track_enabled"] and found["depth_track_enabled"]):
            raise SourceError(
                f"recording {path} with colour {found['color_track_enabled']}, depth "
                f"{found['depth_track_enabled']}; expected both"
            )
        try:
            self.calibration = read_calibration(self._pyk4a, self._playback.calibration)
        except self._pyk4a.K4AException:
            raise SourceError(f"recording {path} holds no calibration of its cameras") from None
        self.rate_hz = int(found["camera_fps"].name.removeprefix("FPS_"))
        """Nominal rate of the captures [Hz]."""
        self.skipped = 0
        """Captures left out of the last reading."""

    def captures(self) -> Iterator[KinectCapture]:
        """Yield the captures from the beginning.

        Those that lack one of the pictures, or whose colour picture is damaged, are left out and
        counted in `skipped`.

        Raises:
            SourceError: The file is damaged.
        """
        self.skipped = 0
        color_format = self._playback.configuration["color_format"].name
        try:
            self._playback.seek(0)
            while True:
                capture = self._playback.get_next_capture()
                color = capture.color
                picture = None if color is None else to_bgr(color, color_format)
                if picture is None or capture.depth is None:
                    self.skipped += 1
                else:
                    yield read_capture(capture, picture)
        except EOFError:
            return
        except self._pyk4a.K4AException:
            raise SourceError(
                f"recording {self._path} is damaged; expected more captures"
            ) from None

    def close(self) -> None:
        """Close the file."""
        self._playback.close()

    def __enter__(self) -> "KinectRecording":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class KinectDevice:
    """A connected camera, streaming from construction on; a context manager.

    Args:
        config: Which camera, and its modes.

    Attributes:
        calibration: Calibration of its cameras.
        serial_number: Its serial number.

    Raises:
        DeviceError: pyk4a is not installed, or the camera is missing or in use.
    """

    calibration: KinectCalibration
    serial_number: str

    def __init__(self, config: KinectConfig) -> None:
        self._pyk4a = pyk4a = _load_pyk4a()
        self._name = camera_name(config)
        modes = pyk4a.Config(
            color_resolution=pyk4a.ColorResolution[f"RES_{config.color_resolution.upper()}"],
            color_format=pyk4a.ImageFormat.COLOR_BGRA32,
            depth_mode=pyk4a.DepthMode[config.depth_mode.upper()],
            camera_fps=pyk4a.FPS[f"FPS_{config.frame_rate}"],
            synchronized_images_only=True,
        )
        self._device = choose_device(pyk4a, modes, config)
        try:
            self._device.start()
            self.calibration = read_calibration(pyk4a, self._device.calibration)
            self.serial_number = self._device.serial
        except pyk4a.K4AException:
            found = pyk4a.connected_device_count()
            self.close()
            raise DeviceError(
                f"{self._name} cannot be started at {config.color_resolution}, "
                f"{config.depth_mode}, {config.frame_rate} Hz; found {found} connected "
                f"({_likely_reason(found)})"
            ) from None

    def captures(self, on_skip: Callable[[], object]) -> Iterator[KinectCapture]:
        """Yield captures as they come; a consumer slower than a frame always gets the newest.

        Args:
            on_skip: Called for each capture that a newer one has replaced.

        Raises:
            DeviceError: The camera stopped sending.
        """
        while True:
            try:
                capture = self._newest(on_skip)
            except self._pyk4a.K4ATimeoutException:
                raise DeviceError(
                    f"{self._name} sent nothing for {_TIMEOUT_MS // 1000} s; expected captures "
                    "(unplugged?)"
                ) from None
            except self._pyk4a.K4AException:
                raise DeviceError(
                    f"{self._name} no longer responds; expected captures (unplugged?)"
                ) from None
            picture = to_bgr(capture.color, "COLOR_BGRA32")
            assert picture is not None  # these modes give both pictures, and raw colour
            yield read_capture(capture, picture)

    def _newest(self, on_skip: Callable[[], object]) -> Any:
        """Wait for the newest capture; with several queued, the SDK would hand out the oldest."""
        newest = self._device.get_capture(timeout=_TIMEOUT_MS)
        while True:
            try:
                newer = self._device.get_capture(timeout=0)
            except self._pyk4a.K4ATimeoutException:
                return newest
            on_skip()
            newest = newer

    def close(self) -> None:
        """Stop the camera, even one that is gone."""
        try:
            if self._device.is_running:
                self._device.stop()
        except self._pyk4a.K4AException:
            pass  # it can no longer be stopped; its handle is released all the same
        if self._device.opened:
            self._device.close()

    def __enter__(self) -> "KinectDevice":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _likely_reason(found: int) -> str:
    """Return why the start may have failed, with this many cameras connected."""
    if found and not os.environ.get("DISPLAY"):
        return "no DISPLAY is set, and the camera's depth engine needs an X server"
    return (
        "is it powered, on USB 3, and not in use? 30 Hz is not possible at 3072p or with "
        "wfov_unbinned"
    )


def _load_pyk4a() -> ModuleType:
    # The SDK writes each of its own errors to stdout; ours say the same in one line.
    os.environ.setdefault("K4A_ENABLE_LOG_TO_STDOUT", "0")
    try:
        import pyk4a
    except ImportError as error:
        raise DeviceError(
            f"pyk4a cannot be loaded ({error}); expected the package pyk4a-bundle, with NumPy 1: "
            "pip install 'affordance_seg_ros[kinect]'"
        ) from None
    return pyk4a
