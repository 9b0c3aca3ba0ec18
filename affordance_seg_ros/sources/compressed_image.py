# SPDX-License-Identifier: Apache-2.0
"""Compressed images as sent by image_transport's ``compressed`` and ``compressedDepth`` plugins."""

import struct
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import EncodingError
from affordance_seg_ros.frames import DepthImage
from affordance_seg_ros.sources.color_image import RgbImage, to_8_bit
from affordance_seg_ros.sources.depth_image import METRES_PER_UNIT
from affordance_seg_ros.sources.messages import CompressedImageMessage, data_bytes
from affordance_seg_ros.sources.picture import decode_picture
from affordance_seg_ros.sources.rvl import decode_rvl

_DEPTH_HEADER = struct.Struct("<iff")  # compression kind, then quantisation a and b
# Of PNG, and of TIFF in both byte orders.
_PICTURE_SIGNATURES = (b"\x89PNG", b"II*\0", b"MM\0*")


def decode_compressed_color(msg: CompressedImageMessage) -> RgbImage:
    """Return the picture of a compressed image message (JPEG, PNG, any that OpenCV reads) as RGB.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        EncodingError: It is a depth image or not of 8 or 16 bits, or the data are damaged or not a
            picture.
    """
    if "compressedDepth" in msg.format:
        raise EncodingError(f"format '{msg.format}' is depth; expected a colour picture")
    if msg.format.startswith("bayer_") and "compressed bgr" not in msg.format:
        raise EncodingError(f"format '{msg.format}' is a mosaic; expected a colour picture")
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
    picture = to_8_bit(_imdecode(msg, data_bytes(msg.data), flags, "JPEG, PNG or TIFF"))
    # image_transport names the order of the compressed channels after the codec; a sender that
    # says "compressed rgb8" has handed red to the codec as blue.
    _, _, codec = msg.format.partition(";")
    swapped = "compressed rgb" in codec
    return picture if swapped else np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def decode_compressed_depth(msg: CompressedImageMessage) -> DepthImage:
    """Return the depth of a compressed image message: 16 bits, or quantised inverse depth.

    compressedDepth puts 12 bytes before PNG or RVL (kind, a, b). For 32FC1 the picture holds
    a / depth + b, and 0 where there is no depth. A depth image on the transport ``compressed`` has
    no such bytes.

    Raises:
        EncodingError: The format is not PNG, TIFF or RVL of 16UC1, mono16 or 32FC1, or the data
            are damaged.
    """
    encoding, _, codec = msg.format.partition(";")
    encoding = encoding.strip()
    if encoding not in METRES_PER_UNIT:
        raise EncodingError(
            f"compressed depth format '{msg.format}'; expected PNG or RVL of one of "
            f"{', '.join(METRES_PER_UNIT)}, such as '16UC1; compressedDepth png'"
        )
    data = data_bytes(msg.data)
    has_header = data[:4].tobytes() not in _PICTURE_SIGNATURES
    picture = data[_DEPTH_HEADER.size :] if has_header else data
    if "rvl" in codec:
        values = decode_rvl(picture)
    else:
        values = _imdecode(msg, picture, cv2.IMREAD_UNCHANGED, "PNG or TIFF")
    in_metres = METRES_PER_UNIT[encoding] == 1
    if in_metres and not has_header and values.ndim == 2 and values.dtype == np.float32:
        return DepthImage(values, 1.0)  # TIFF holds it unchanged
    if values.ndim != 2 or values.dtype != np.uint16:
        raise EncodingError(
            f"compressed depth holds {values.dtype} of shape {values.shape}; expected one channel "
            "of uint16, or of float32 in a TIFF of 32FC1"
        )
    if not in_metres:
        return DepthImage(values, METRES_PER_UNIT[encoding])
    if not has_header:
        raise EncodingError(
            f"compressed depth format '{msg.format}' without its 12 bytes of quantisation; "
            "expected kind, a and b before the PNG"
        )
    _, a, b = _DEPTH_HEADER.unpack_from(data.data)
    with np.errstate(divide="ignore"):
        depth_m = np.float32(a) / (values.astype(np.float32) - np.float32(b))
    depth_m[values == 0] = np.nan
    return DepthImage(depth_m, 1.0)


def _imdecode(
    msg: CompressedImageMessage, data: npt.NDArray[np.uint8], flags: int, accepted: str
) -> npt.NDArray[Any]:
    picture = decode_picture(data, flags)
    if picture is None:
        raise EncodingError(
            f"{data.size} bytes of format '{msg.format}' are not a readable picture; expected "
            f"{accepted}"
        )
    return picture
