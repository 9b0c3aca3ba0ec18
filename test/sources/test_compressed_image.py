# SPDX-License-Identifier: Apache-2.0
"""Compressed images of both image_transport plug-ins."""

import struct

import cv2
import numpy as np
import pytest

from affordance_seg_ros.errors import EncodingError
from affordance_seg_ros.sources.decode import decode_compressed_color, decode_compressed_depth

DEPTH_MM = np.array([[0, 1, 500], [1234, 40000, 65535]], np.uint16)


def png(pixels):
    return cv2.imencode(".png", np.ascontiguousarray(pixels))[1].tobytes()


@pytest.mark.parametrize(
    "image_format", ["png", "rgb8; png compressed bgr8", "bgr8; png compressed bgr8", ""]
)
def test_png_decodes_to_rgb_not_bgr(image_format, compressed_message, picture):
    message = compressed_message(png(picture[..., ::-1]), image_format)
    np.testing.assert_array_equal(decode_compressed_color(message), picture)


def test_jpeg_decodes_to_rgb_not_bgr(compressed_message, picture):
    _, jpeg = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98])
    decoded = decode_compressed_color(compressed_message(jpeg, "rgb8; jpeg compressed bgr8"))
    assert np.abs(decoded.astype(int) - picture).max() <= 12


def test_picture_is_not_turned_as_its_exif_says(compressed_message, picture):
    plain = cv2.imencode(".jpg", picture)[1].tobytes()
    # Orientation 3, half a turn, in a segment after the start of the picture.
    exif = bytes.fromhex("4578696600004d4d002a00000008000101120003000000010003000000000000")
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    turned = plain[:2] + segment + plain[2:]
    assert not np.array_equal(
        cv2.imdecode(np.frombuffer(turned, np.uint8), 1),
        cv2.imdecode(np.frombuffer(plain, np.uint8), 1),
    )
    messages = [compressed_message(data, "jpeg") for data in (plain, turned)]
    one, other = map(decode_compressed_color, messages)
    assert np.array_equal(one, other)


def test_sender_that_compressed_rgb_as_if_it_were_bgr_is_believed(compressed_message, picture):
    message = compressed_message(png(picture), "rgb8; png compressed rgb8")
    np.testing.assert_array_equal(decode_compressed_color(message), picture)


def test_compressed_gray_and_16_bit_become_8_bit_rgb(compressed_message, picture):
    gray = picture[..., 2]
    for pixels in (gray, gray * np.uint16(257)):
        decoded = decode_compressed_color(compressed_message(png(pixels), "mono"))
        np.testing.assert_array_equal(decoded, np.repeat(gray[..., None], 3, -1))


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_a_colour_picture_of_other_numbers_is_refused(kind, compressed_message, picture):
    tiff = cv2.imencode(".tiff", picture.astype(kind) / 255)[1].tobytes()
    with pytest.raises(EncodingError, match=f"picture of {kind}; expected uint8 or uint16"):
        decode_compressed_color(compressed_message(tiff, "rgb8; tiff compressed"))


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 0.98])
def test_truncated_picture_is_refused(share, suffix, compressed_message, picture):
    data = cv2.imencode(suffix, picture)[1].tobytes()
    data = data[: int(share * len(data))]
    with pytest.raises(EncodingError, match=f"{len(data)} bytes of"):
        decode_compressed_color(compressed_message(data, suffix))


def test_jpeg_whose_header_tells_of_a_giant_is_refused(compressed_message, picture):
    jpeg = bytearray(cv2.imencode(".jpg", picture)[1].tobytes())
    frame_header = jpeg.index(b"\xff\xc0")
    jpeg[frame_header + 5 : frame_header + 9] = b"\xff\xdc\xff\xdc"
    with pytest.raises(EncodingError, match=r"not a readable picture; expected JPEG, PNG or TIFF$"):
        decode_compressed_color(compressed_message(bytes(jpeg), "jpeg"))


def test_depth_format_is_refused_as_color(compressed_message):
    message = compressed_message(png(DEPTH_MM), "16UC1; compressedDepth png")
    with pytest.raises(EncodingError, match="is depth; expected a colour picture"):
        decode_compressed_color(message)


@pytest.mark.parametrize("header", [b"", struct.pack("<iff", 0, 0, 0)])
@pytest.mark.parametrize("image_format", ["16UC1; compressedDepth", "mono16; png compressed "])
def test_16_bit_depth_is_lossless(header, image_format, compressed_message):
    depth = decode_compressed_depth(compressed_message(header + png(DEPTH_MM), image_format))
    assert depth.metres_per_unit == 0.001
    np.testing.assert_array_equal(depth.raw, DEPTH_MM)


def test_quantised_inverse_depth_is_undone(compressed_message):
    # compressed_depth_image_transport: a = z0 (z0 + 1), b = 1 - a / max, value = a / depth + b.
    depth_m = np.linspace(0.4, 9, 50, dtype=np.float32).reshape(5, 10)
    a = 100.0 * 101.0
    b = 1 - a / 10
    values = (a / depth_m + b).astype(np.uint16)
    values[0, 0] = 0
    header = struct.pack("<iff", 0, a, b)
    decoded = decode_compressed_depth(
        compressed_message(header + png(values), "32FC1; compressedDepth png")
    )
    assert decoded.metres_per_unit == 1
    assert np.isnan(decoded.raw[0, 0])
    # One step of the quantisation is depth^2 / a.
    steps = np.abs(decoded.raw - depth_m) * a / depth_m**2
    assert np.nanmax(steps) <= 1.01


def test_depth_on_the_transport_of_colour_is_lossless_as_tiff(compressed_message):
    tiff = cv2.imencode(".tiff", DEPTH_MM)[1].tobytes()
    depth = decode_compressed_depth(compressed_message(tiff, "16UC1; tiff compressed"))
    np.testing.assert_array_equal(depth.raw, DEPTH_MM)


def test_metres_on_the_transport_of_colour_are_lossless_as_tiff(compressed_message):
    depth_m = np.where(DEPTH_MM > 0, DEPTH_MM * np.float32(1e-3), np.float32(np.nan))
    tiff = cv2.imencode(".tiff", depth_m)[1].tobytes()
    depth = decode_compressed_depth(compressed_message(tiff, "32FC1; tiff compressed "))
    assert depth.metres_per_unit == 1
    np.testing.assert_array_equal(depth.raw, depth_m)


@pytest.mark.parametrize("image_format", ["png", "8UC1; png"])
def test_other_depth_formats_are_refused(image_format, compressed_message):
    with pytest.raises(EncodingError, match="expected PNG or RVL of one of 16UC1, mono16, 32FC1"):
        decode_compressed_depth(compressed_message(png(DEPTH_MM), image_format))


def test_float_depth_without_quantisation_is_refused(compressed_message):
    with pytest.raises(EncodingError, match="without its 12 bytes of quantisation"):
        decode_compressed_depth(compressed_message(png(DEPTH_MM), "32FC1; compressedDepth png"))


def test_8_bit_picture_is_refused_as_depth(compressed_message):
    message = compressed_message(png(DEPTH_MM.astype(np.uint8)), "16UC1; compressedDepth png")
    with pytest.raises(EncodingError, match="expected one channel of uint16"):
        decode_compressed_depth(message)


def test_depth_message_shorter_than_its_header_is_refused(compressed_message):
    with pytest.raises(EncodingError, match=r"not a readable picture; expected PNG or TIFF$"):
        decode_compressed_depth(compressed_message(b"\0" * 12, "16UC1; compressedDepth png"))


def test_a_mosaic_is_no_colour_picture(compressed_message, picture):
    png = cv2.imencode(".png", picture[..., 0])[1].tobytes()
    mosaic = compressed_message(png, "bayer_rggb8; png compressed ")
    with pytest.raises(EncodingError, match="is a mosaic; expected a colour picture"):
        decode_compressed_color(mosaic)
