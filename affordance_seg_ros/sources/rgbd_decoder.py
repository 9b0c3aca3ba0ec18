# SPDX-License-Identifier: Apache-2.0
"""Turns a colour and a depth message into a frame, the same way for live topics and bags."""

from typing import Any, NamedTuple

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.frames import DepthImage, RgbdFrame
from affordance_seg_ros.rigid_motion import FloatArray
from affordance_seg_ros.sources.alignment import DepthAligner
from affordance_seg_ros.sources.color_image import RgbImage, decode_color
from affordance_seg_ros.sources.compressed_image import (
    decode_compressed_color,
    decode_compressed_depth,
)
from affordance_seg_ros.sources.depth_image import decode_depth
from affordance_seg_ros.sources.messages import stamp_ns


class DepthView(NamedTuple):
    """The view from which depth that is not aligned to colour was seen.

    Attributes:
        camera: Intrinsics of the depth camera.
        T_color_depth: (4, 4) rigid motion from the depth to the colour camera's frame [m].
    """

    camera: Camera
    T_color_depth: FloatArray


class RgbdDecoder:
    """Decodes pairs of messages, raw or compressed, and aligns depth on request.

    Keeps the geometry of the last alignment, which takes a moment to prepare.
    """

    def __init__(self) -> None:
        self._prepared: tuple[Camera, DepthView] | None = None
        self._aligner: DepthAligner | None = None

    def decode(
        self, color: Any, depth: Any, camera: Camera, view: DepthView | None = None
    ) -> RgbdFrame:
        """Return the frame of two messages, with the stamp and frame_id of the colour message.

        Args:
            color: sensor_msgs Image or CompressedImage.
            depth: sensor_msgs Image or CompressedImage.
            camera: Calibration of the colour camera.
            view: View from which depth was seen; None if it is aligned to colour.

        Raises:
            AffordanceError: A message cannot be decoded, or they do not fit together.
        """
        depth_image = _decode_depth(depth)
        return RgbdFrame(
            stamp_ns=stamp_ns(color.header),
            frame_id=color.header.frame_id,
            color=_decode_color(color),
            depth=depth_image if view is None else self._align(depth_image, camera, view),
            camera=camera,
        )

    def _align(self, depth: DepthImage, camera: Camera, view: DepthView) -> DepthImage:
        if self._aligner is None or not self._is_prepared_for(camera, view):
            self._aligner = DepthAligner(view.camera, camera, view.T_color_depth)
            self._prepared = (camera, view)
        return self._aligner.align(depth)

    def _is_prepared_for(self, camera: Camera, view: DepthView) -> bool:
        if self._prepared is None:
            return False
        known, known_view = self._prepared
        return (
            known == camera
            and known_view.camera == view.camera
            and bool((known_view.T_color_depth == view.T_color_depth).all())
        )


def is_compressed(message: Any) -> bool:
    """Return whether an image message is a CompressedImage, which has a format, not an encoding."""
    return not hasattr(message, "encoding")


def _decode_color(message: Any) -> RgbImage:
    return decode_compressed_color(message) if is_compressed(message) else decode_color(message)


def _decode_depth(message: Any) -> DepthImage:
    return decode_compressed_depth(message) if is_compressed(message) else decode_depth(message)
