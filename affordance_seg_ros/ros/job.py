# SPDX-License-Identifier: Apache-2.0
"""What the callbacks hand to the worker: messages of one moment, not yet decoded."""

from typing import NamedTuple

from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from affordance_seg_ros.rigid_motion import FloatArray


class ReceivedImage(NamedTuple):
    """An image message with the moment of its arrival.

    Attributes:
        message: The message.
        received_ns: Arrival on the monotonic clock [ns].
        has_own_clock: Whether the stamp can be from the node's clock.
    """

    message: Image | CompressedImage
    received_ns: int
    has_own_clock: bool


class UnalignedDepth(NamedTuple):
    """What is needed to align depth to colour.

    Attributes:
        camera_info: Calibration of the depth camera.
        rectified: Whether the depth images are rectified.
        T_color_depth: (4, 4) rigid motion from the depth to the colour camera's frame [m].
    """

    camera_info: CameraInfo
    rectified: bool
    T_color_depth: FloatArray


class Job(NamedTuple):
    """A pair of images with the calibration of the camera that took them.

    Attributes:
        color: Colour image.
        depth: Depth image.
        camera_info: Calibration of the colour camera.
        queued_ns: When it was handed over, on the monotonic clock [ns].
        unaligned: How to align depth; None if it is aligned.
    """

    color: ReceivedImage
    depth: ReceivedImage
    camera_info: CameraInfo
    queued_ns: int
    unaligned: UnalignedDepth | None = None
