# SPDX-License-Identifier: Apache-2.0
"""What the callbacks hand to the worker: messages of one moment, not decoded yet."""

from typing import NamedTuple

from sensor_msgs.msg import CameraInfo, Image


class ReceivedImage(NamedTuple):
    """An image message with the moment of its arrival.

    Attributes:
        message: The message.
        received_ns: Arrival on the monotonic clock [ns].
        has_own_clock: Whether the stamp can be of the node's clock.
    """

    message: Image
    received_ns: int
    has_own_clock: bool


class Job(NamedTuple):
    """A pair of images with the camera they were taken by.

    Attributes:
        color: Colour image.
        depth: Depth image.
        camera_info: Calibration of the colour camera.
        queued_ns: When it was handed over, on the monotonic clock [ns].
    """

    color: ReceivedImage
    depth: ReceivedImage
    camera_info: CameraInfo
    queued_ns: int
