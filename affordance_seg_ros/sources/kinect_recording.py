# SPDX-License-Identifier: Apache-2.0
"""An Azure Kinect recording as frames: depth aligned to colour from the calibration."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from affordance_seg_ros.frames import DepthImage, RgbdFrame
from affordance_seg_ros.sources.alignment import DepthAligner
from affordance_seg_ros.sources.azure_kinect import KinectRecording
from affordance_seg_ros.sources.recording import Recording

METRES_PER_UNIT = 0.001
"""Length of one unit of the camera's depth [m]."""


class KinectMkvRecording(Recording):
    """An .mkv file of an Azure Kinect; stamps are the camera's own time.

    Args:
        path: The file.

    Raises:
        DeviceError: pyk4a is not installed.
        SourceError: The file is missing, damaged, or lacks colour or depth.
    """

    def __init__(self, path: Path) -> None:
        # Closed again at once: it may be a long time before the recording is read.
        with KinectRecording(path) as kinect:
            super().__init__(
                path=path,
                kind="Azure Kinect recording",
                camera=kinect.calibration.color,
                frame_count=None,
                rate_hz=float(kinect.rate_hz),
            )

    def _read(self, skipped: Counter[str]) -> Iterator[RgbdFrame]:
        with KinectRecording(self.path) as kinect:
            color, depth, T_color_depth = kinect.calibration
            aligner = DepthAligner(depth, color, T_color_depth)
            for capture in kinect.captures():
                if not self._is_due(capture.color_ns):
                    continue
                yield RgbdFrame(
                    stamp_ns=capture.color_ns,
                    frame_id="rgb_camera_link",
                    color=np.asarray(cv2.cvtColor(capture.color_bgr, cv2.COLOR_BGR2RGB), np.uint8),
                    depth=aligner.align(DepthImage(capture.depth_mm, METRES_PER_UNIT)),
                    camera=color,
                )
            if kinect.skipped:
                skipped["capture without a readable colour or depth picture"] = kinect.skipped
