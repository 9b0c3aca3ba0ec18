# SPDX-License-Identifier: Apache-2.0
"""Colour images: every encoding that cv_bridge turns into rgb8, and some that it rejects."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import EncodingError
from affordance_seg_ros.sources.messages import ImageMessage, Layout, pixel_view

RgbImage = npt.NDArray[np.uint8]

# ITU-R BT.601, video range: the constants with which OpenCV converts the other YUV encodings.
_YUV_TO_RGB = np.array(
    [
        [1.164, 0.0, 1.596, -1.164 * 16 - 1.596 * 128],
        [1.164, -0.391, -0.813, -1.164 * 16 + (0.391 + 0.813) * 128],
        [1.164, 2.018, 0.0, -1.164 * 16 - 2.018 * 128],
    ]
)


def decode_color(msg: ImageMessage) -> RgbImage:
    """Return the picture of an image message as RGB.

    The encodings and their meaning are cv_bridge's: 16-bit values are scaled by 255 / 65535 to 8
    bits, Bayer is demosaiced bilinearly, YUV is BT.601 in video range. cv_bridge rejects the
    others: 8UC1, 8UC3 and 8UC4 name no colours and are taken as mono, BGR and BGRA, OpenCV's own
    order; uyvy and yuyv are the newer names of yuv422 and yuv422_yuy2; nv12, nv21 and nv24 have a
    full-width luma plane with ``step`` bytes per row, then the interleaved chroma plane.

    Returns:
        (H, W, 3) uint8 RGB; for rgb8 a view of the message's data, read-only if the data are.

    Raises:
        EncodingError: The encoding is not in `COLOR_ENCODINGS`, or the data do not fit the size.
    """
    decoder = _DECODERS.get(msg.encoding)
    if decoder is None:
        raise EncodingError(
            f"colour encoding '{msg.encoding}'; expected one of {', '.join(COLOR_ENCODINGS)}"
        )
    return decoder(msg)


def to_8_bit(pixels: npt.NDArray[Any]) -> RgbImage:
    """Return 8-bit values; 16-bit ones are scaled by 255 / 65535 and rounded.

    Raises:
        EncodingError: The values are of another type.
    """
    if pixels.dtype == np.uint16:
        pixels = cv2.convertScaleAbs(pixels, alpha=255 / 65535)
    if pixels.dtype != np.uint8:
        raise EncodingError(f"colour picture of {pixels.dtype}; expected uint8 or uint16")
    return pixels


def _packed(layout: Layout, code: int | None) -> Callable[[ImageMessage], RgbImage]:
    def decode(msg: ImageMessage) -> RgbImage:
        pixels = pixel_view(msg, layout)
        return to_8_bit(pixels if code is None else cv2.cvtColor(pixels, code))

    return decode


def _even(msg: ImageMessage, *, rows: bool) -> None:
    if msg.width % 2 or (rows and msg.height % 2):
        raise EncodingError(
            f"{msg.width}x{msg.height} pixels '{msg.encoding}'; expected an even "
            f"{'size' if rows else 'width'}"
        )


def _yuv422(code: int) -> Callable[[ImageMessage], RgbImage]:
    def decode(msg: ImageMessage) -> RgbImage:
        _even(msg, rows=False)
        return to_8_bit(cv2.cvtColor(pixel_view(msg, Layout("u1", 2)), code))

    return decode


def _yuv420(code: int) -> Callable[[ImageMessage], RgbImage]:
    def decode(msg: ImageMessage) -> RgbImage:
        _even(msg, rows=True)
        planes = pixel_view(msg, Layout("u1", 1), rows=msg.height * 3 // 2)
        return to_8_bit(cv2.cvtColor(np.ascontiguousarray(planes), code))

    return decode


def _nv24(msg: ImageMessage) -> RgbImage:
    height, width = msg.height, msg.width
    if msg.step != width:
        raise EncodingError(f"step of {msg.step} bytes for nv24; expected the width, {width}")
    planes = pixel_view(msg, Layout("u1", 1), rows=3 * height)
    luma = planes[:height, :, None]
    chroma = planes[height:].reshape(height, width, 2)
    return to_8_bit(cv2.transform(np.concatenate([luma, chroma], 2), _YUV_TO_RGB))


_DECODERS: MappingProxyType[str, Callable[[ImageMessage], RgbImage]] = MappingProxyType(
    {
        "rgb8": _packed(Layout("u1", 3), None),
        "bgr8": _packed(Layout("u1", 3), cv2.COLOR_BGR2RGB),
        "rgba8": _packed(Layout("u1", 4), cv2.COLOR_RGBA2RGB),
        "bgra8": _packed(Layout("u1", 4), cv2.COLOR_BGRA2RGB),
        "mono8": _packed(Layout("u1", 1), cv2.COLOR_GRAY2RGB),
        "rgb16": _packed(Layout("u2", 3), None),
        "bgr16": _packed(Layout("u2", 3), cv2.COLOR_BGR2RGB),
        "rgba16": _packed(Layout("u2", 4), cv2.COLOR_RGBA2RGB),
        "bgra16": _packed(Layout("u2", 4), cv2.COLOR_BGRA2RGB),
        "mono16": _packed(Layout("u2", 1), cv2.COLOR_GRAY2RGB),
        "8UC1": _packed(Layout("u1", 1), cv2.COLOR_GRAY2RGB),
        "8UC3": _packed(Layout("u1", 3), cv2.COLOR_BGR2RGB),
        "8UC4": _packed(Layout("u1", 4), cv2.COLOR_BGRA2RGB),
        "bayer_rggb8": _packed(Layout("u1", 1), cv2.COLOR_BayerRGGB2RGB),
        "bayer_bggr8": _packed(Layout("u1", 1), cv2.COLOR_BayerBGGR2RGB),
        "bayer_gbrg8": _packed(Layout("u1", 1), cv2.COLOR_BayerGBRG2RGB),
        "bayer_grbg8": _packed(Layout("u1", 1), cv2.COLOR_BayerGRBG2RGB),
        "bayer_rggb16": _packed(Layout("u2", 1), cv2.COLOR_BayerRGGB2RGB),
        "bayer_bggr16": _packed(Layout("u2", 1), cv2.COLOR_BayerBGGR2RGB),
        "bayer_gbrg16": _packed(Layout("u2", 1), cv2.COLOR_BayerGBRG2RGB),
        "bayer_grbg16": _packed(Layout("u2", 1), cv2.COLOR_BayerGRBG2RGB),
        "yuv422": _yuv422(cv2.COLOR_YUV2RGB_UYVY),
        "uyvy": _yuv422(cv2.COLOR_YUV2RGB_UYVY),
        "yuv422_yuy2": _yuv422(cv2.COLOR_YUV2RGB_YUY2),
        "yuyv": _yuv422(cv2.COLOR_YUV2RGB_YUY2),
        "nv12": _yuv420(cv2.COLOR_YUV2RGB_NV12),
        "nv21": _yuv420(cv2.COLOR_YUV2RGB_NV21),
        "nv24": _nv24,
    }
)

COLOR_ENCODINGS = tuple(_DECODERS)
"""The encodings that `decode_color` accepts."""
