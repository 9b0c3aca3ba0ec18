# SPDX-License-Identifier: Apache-2.0
"""Entry point to decoding: turns messages of a live topic or a bag into arrays and cameras."""

from affordance_seg_ros.sources.camera_info import decode_camera_info
from affordance_seg_ros.sources.color_image import COLOR_ENCODINGS, RgbImage, decode_color
from affordance_seg_ros.sources.compressed_image import (
    decode_compressed_color,
    decode_compressed_depth,
)
from affordance_seg_ros.sources.depth_image import METRES_PER_UNIT, decode_depth
from affordance_seg_ros.sources.messages import (
    CompressedImageMessage,
    HeaderMessage,
    ImageMessage,
    stamp_ns,
)

__all__ = [
    "COLOR_ENCODINGS",
    "METRES_PER_UNIT",
    "CompressedImageMessage",
    "HeaderMessage",
    "ImageMessage",
    "RgbImage",
    "decode_camera_info",
    "decode_color",
    "decode_compressed_color",
    "decode_compressed_depth",
    "decode_depth",
    "stamp_ns",
]
