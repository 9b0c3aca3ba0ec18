# SPDX-License-Identifier: Apache-2.0
"""Two Azure Kinects that a test plugs and unplugs, behind pyk4a's own names.

The file that FAKE_KINECT names holds their state: `plugged`, `swapped` (in the
other order), `unplugged`, `silent`, `late` (their pictures are an hour old when
they are handed out), or `uncalibrated` (their calibration cannot be read).
"""

import enum
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np

PERIOD_S = 0.05
QUEUED_S = 0.5
LATE_USEC = 3_600_000_000
SERIAL_NUMBERS = ("000100", "000200")


class K4AException(Exception):  # noqa: N818  (pyk4a's name)
    pass


class K4ATimeoutException(K4AException):
    pass


ColorResolution = enum.Enum("ColorResolution", ["RES_720P", "RES_1080P"])
ImageFormat = enum.Enum("ImageFormat", ["COLOR_BGRA32", "COLOR_MJPG"])
DepthMode = enum.Enum("DepthMode", ["NFOV_2X2BINNED", "NFOV_UNBINNED"])
FPS = enum.Enum("FPS", ["FPS_5", "FPS_15", "FPS_30"])
CalibrationType = enum.Enum("CalibrationType", ["DEPTH", "COLOR"])


def _state() -> str:
    return Path(os.environ["FAKE_KINECT"]).read_text().strip()


def connected_device_count() -> int:
    return 0 if _state() == "unplugged" else len(SERIAL_NUMBERS)


class Config(SimpleNamespace):
    pass


class _Calibration:
    def __init__(self, config: Config) -> None:
        self.color_resolution, self.depth_mode = config.color_resolution, config.depth_mode

    def get_extrinsic_parameters(self, *kinds: CalibrationType):
        return np.eye(3), np.array([-0.032, 0.0, 0.0])

    def get_camera_matrix(self, kind: CalibrationType):
        focal, center = (612, (640, 360)) if kind is CalibrationType.COLOR else (252, (160, 144))
        return np.array([[focal, 0, center[0]], [0, focal, center[1]], [0, 0, 1]], float)

    def get_distortion_coefficients(self, kind: CalibrationType):
        return np.zeros(8)


class PyK4A:
    in_use: ClassVar[set[str]] = set()

    def __init__(self, config: Config, device_id: int = 0, thread_safe: bool = True) -> None:
        assert not thread_safe, "a camera that keeps Python's lock stops all other threads"
        self._config = config
        self._index = device_id
        self.serial = ""
        self.opened = self.is_running = False

    @property
    def calibration(self) -> _Calibration:
        if _state() == "uncalibrated":
            raise K4AException
        return _Calibration(self._config)

    def open(self) -> None:
        if _state() == "unplugged":
            raise K4AException
        self.serial = SERIAL_NUMBERS[:: -1 if _state() == "swapped" else 1][self._index]
        if self.serial in PyK4A.in_use:
            raise K4AException
        PyK4A.in_use.add(self.serial)
        self.opened = True

    def start(self) -> None:
        if not self.opened:
            self.open()
        self.is_running = True
        self._taken_s = time.monotonic()

    def stop(self) -> None:
        if _state() == "unplugged":
            raise K4AException
        self.is_running = False
        self.close()

    def close(self) -> None:
        assert self.opened
        self.opened = False
        PyK4A.in_use.remove(self.serial)

    def get_capture(self, timeout: int):
        """Hand out the oldest capture of the last half second, or wait for one."""
        early_s = self._taken_s + PERIOD_S - time.monotonic()
        if early_s > 0:
            if not timeout:
                raise K4ATimeoutException
            time.sleep(early_s)
        self._taken_s = max(self._taken_s + PERIOD_S, time.monotonic() - QUEUED_S)
        if _state() == "unplugged":
            raise K4AException
        if _state() == "silent":
            raise K4ATimeoutException
        now_usec = round(1e6 * self._taken_s)
        return SimpleNamespace(
            color=np.full((720, 1280, 4), 90, np.uint8),
            depth=np.full((288, 320), 800, np.uint16),
            color_timestamp_usec=now_usec,
            depth_timestamp_usec=now_usec + 200,
            color_system_timestamp_nsec=1000 * (now_usec - LATE_USEC * (_state() == "late")),
        )
