# SPDX-License-Identifier: Apache-2.0
"""Frames as the messages of a camera driver, without ROS, and back through the real decoding."""

import array
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.frames import RgbdFrame
from affordance_seg_ros.sources.decode import (
    decode_camera_info,
    decode_color,
    decode_depth,
    stamp_ns,
)

ENCODINGS = {
    "rgb8": None,
    "bgr8": cv2.COLOR_RGB2BGR,
    "bgra8": cv2.COLOR_RGB2BGRA,
}
"""Colour encodings that drivers publish: RealSense's, Kinect v2's, Azure Kinect's."""


@dataclass(frozen=True)
class Stamp:
    """A builtin_interfaces/Time."""

    sec: int
    nanosec: int


@dataclass(frozen=True)
class Header:
    """A std_msgs/Header."""

    stamp: Stamp
    frame_id: str


@dataclass(frozen=True)
class Image:
    """A sensor_msgs/Image; the data are the array.array that rclpy gives."""

    header: Header
    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: "array.array[int]"


@dataclass(frozen=True)
class RegionOfInterest:
    """A sensor_msgs/RegionOfInterest of the whole picture."""

    x_offset: int = 0
    y_offset: int = 0
    height: int = 0
    width: int = 0


@dataclass(frozen=True)
class CameraInfo:
    """A sensor_msgs/CameraInfo."""

    width: int
    height: int
    k: tuple[float, ...]
    d: tuple[float, ...] = ()
    distortion_model: str = "plumb_bob"
    binning_x: int = 0
    binning_y: int = 0
    roi: RegionOfInterest = RegionOfInterest()


class FrameMessages(NamedTuple):
    """The three messages of one frame."""

    color: Image
    depth: Image
    camera_info: CameraInfo

    def decode(self) -> RgbdFrame:
        """Return the frame, by the same calls that the node makes for a pair of messages."""
        return RgbdFrame(
            stamp_ns=stamp_ns(self.color.header),
            frame_id=self.color.header.frame_id,
            color=decode_color(self.color),
            depth=decode_depth(self.depth),
            camera=decode_camera_info(self.camera_info),
        )

    def at(self, stamp: int) -> "FrameMessages":
        """Return the messages with another stamp [ns]; the data are not copied."""
        header = Header(Stamp(*divmod(stamp, 1_000_000_000)), self.color.header.frame_id)
        color, depth = (
            Image(header, m.height, m.width, m.encoding, m.is_bigendian, m.step, m.data)
            for m in (self.color, self.depth)
        )
        return FrameMessages(color, depth, self.camera_info)


def encode(frame: RgbdFrame, encoding: str) -> FrameMessages:
    """Return a frame as messages.

    Args:
        frame: Colour, and depth in millimetres (uint16).
        encoding: One of `ENCODINGS`.

    Raises:
        ConfigError: The encoding is unknown.
    """
    if encoding not in ENCODINGS:
        raise ConfigError(f"encoding '{encoding}'; expected one of {', '.join(ENCODINGS)}")
    code = ENCODINGS[encoding]
    pixels = frame.color if code is None else cv2.cvtColor(frame.color, code)
    header = Header(Stamp(*divmod(frame.stamp_ns, 1_000_000_000)), frame.frame_id)
    camera = frame.camera
    info = CameraInfo(
        camera.width, camera.height, tuple(camera.matrix.ravel().tolist()), camera.distortion
    )
    return FrameMessages(
        _image(pixels, encoding, header), _image(frame.depth.raw, "16UC1", header), info
    )


def _image(pixels: npt.NDArray[Any], encoding: str, header: Header) -> Image:
    data = array.array("B")
    data.frombytes(np.ascontiguousarray(pixels).data.cast("B"))
    height, width = pixels.shape[:2]
    return Image(header, height, width, encoding, 0, len(data) // height, data)
