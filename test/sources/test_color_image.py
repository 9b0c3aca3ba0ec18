# SPDX-License-Identifier: Apache-2.0
"""Colour decoding: every encoding gives the same RGB, whatever the padding and byte order."""

from array import array

import numpy as np
import pytest

from affordance_seg_ros.errors import EncodingError
from affordance_seg_ros.sources.decode import COLOR_ENCODINGS, decode_color

BAYER = {"rggb": "RGGB", "bggr": "BGGR", "gbrg": "GBRG", "grbg": "GRBG"}
YUV_BT601 = np.array([[0.257, 0.504, 0.098], [-0.148, -0.291, 0.439], [0.439, -0.368, -0.071]])


def encode(rgb, encoding):
    """Return what a camera with this encoding sends of an RGB picture, one array row a row."""
    alpha = np.full((*rgb.shape[:2], 1), 77, np.uint8)
    bgr = rgb[..., ::-1]
    gray = rgb[..., 0]
    wide = np.uint16(257)
    if encoding.startswith("bayer"):
        mosaic = np.zeros(rgb.shape[:2], np.uint8)
        for index, name in enumerate(BAYER[encoding[6:10]]):
            row, column = divmod(index, 2)
            mosaic[row::2, column::2] = rgb[row::2, column::2, "RGB".index(name)]
        return mosaic * wide if encoding.endswith("16") else mosaic
    y, u, v = np.moveaxis(rgb @ YUV_BT601.T + (16, 128, 128), -1, 0).round().astype(np.uint8)
    pairs_u, pairs_v = u[:, ::2], v[:, ::2]
    columns = {
        "uyvy": (pairs_u, y[:, ::2], pairs_v, y[:, 1::2]),
        "yuyv": (y[:, ::2], pairs_u, y[:, 1::2], pairs_v),
    }
    columns["yuv422"], columns["yuv422_yuy2"] = columns["uyvy"], columns["yuyv"]
    if encoding in columns:
        return np.stack(columns[encoding], -1).reshape(rgb.shape[0], -1)
    planes = {"nv12": (u, v), "nv21": (v, u)}
    if encoding in planes:
        chroma = np.stack([plane[::2, ::2] for plane in planes[encoding]], -1)
        return np.concatenate([y, chroma.reshape(rgb.shape[0] // 2, -1)])
    if encoding == "nv24":
        return np.concatenate([y, np.stack([u, v], -1).reshape(-1, rgb.shape[1])])
    return {
        "rgb8": rgb,
        "bgr8": bgr,
        "rgba8": np.concatenate([rgb, alpha], -1),
        "bgra8": np.concatenate([bgr, alpha], -1),
        "mono8": gray,
        "rgb16": rgb * wide,
        "bgr16": bgr * wide,
        "rgba16": np.concatenate([rgb, alpha], -1) * wide,
        "bgra16": np.concatenate([bgr, alpha], -1) * wide,
        "mono16": gray * wide,
        "8UC1": gray,
        "8UC3": bgr,
        "8UC4": np.concatenate([bgr, alpha], -1),
    }[encoding]


@pytest.mark.parametrize("encoding", COLOR_ENCODINGS)
def test_every_encoding_decodes_to_the_same_rgb(encoding, image_message, picture):
    height, width = picture.shape[:2]
    message = image_message(encode(picture, encoding), encoding, width=width, height=height)
    expected = picture
    if encoding in ("mono8", "mono16", "8UC1"):
        expected = np.repeat(picture[..., :1], 3, -1)
    decoded = decode_color(message)
    assert decoded.shape == (height, width, 3)
    assert decoded.dtype == np.uint8
    # Demosaicing and chroma subsampling interpolate between neighbours, which differ by up to 4.
    tolerance = 0
    if encoding.startswith("bayer"):
        tolerance = 4
    elif "yuv" in encoding or "yuy" in encoding or "uy" in encoding or "nv" in encoding:
        tolerance = 9
    interior = np.abs(decoded.astype(int) - expected)[2:-2, 2:-2]
    assert interior.max() <= tolerance


@pytest.mark.parametrize("encoding", ["bgr8", "mono8", "rgb16", "bayer_rggb8", "uyvy", "nv12"])
def test_row_padding_does_not_reach_the_picture(encoding, image_message, picture):
    height, width = picture.shape[:2]
    pixels = encode(picture, encoding)
    plain = image_message(pixels, encoding, width=width, height=height)
    padded = image_message(pixels, encoding, width=width, height=height, padding=6)
    np.testing.assert_array_equal(decode_color(padded), decode_color(plain))


@pytest.mark.parametrize("encoding", ["rgb16", "bgra16", "mono16", "bayer_gbrg16"])
def test_big_endian_equals_little_endian(encoding, image_message, picture):
    pixels = encode(picture, encoding) - np.uint16(3)
    big = decode_color(image_message(pixels, encoding, big_endian=True))
    np.testing.assert_array_equal(big, decode_color(image_message(pixels, encoding)))


def test_rgb8_is_a_view_of_the_message(image_message, picture):
    message = image_message(picture, "rgb8", padding=5)
    assert np.shares_memory(decode_color(message), np.frombuffer(message.data, np.uint8))


def test_16_bits_are_scaled_to_the_full_range(image_message):
    pixels = np.array([[0, 128, 129, 32768, 65535]], np.uint16)
    decoded = decode_color(image_message(pixels, "mono16"))
    assert decoded[0, :, 0].tolist() == [0, 0, 1, 128, 255]


def test_demosaicing_keeps_a_uniform_color(image_message):
    orange = np.tile(np.array([250, 120, 10], np.uint8), (8, 8, 1))
    for pattern in BAYER:
        message = image_message(encode(orange, f"bayer_{pattern}8"), f"bayer_{pattern}8")
        assert (decode_color(message) == (250, 120, 10)).all(), pattern


def test_unknown_encoding_names_the_accepted_ones(image_message, picture):
    with pytest.raises(EncodingError, match=r"'hsv8'; expected one of rgb8, bgr8.*nv24"):
        decode_color(image_message(picture, "hsv8"))


def test_truncated_data_name_bytes_that_came_and_that_were_expected(image_message, picture):
    message = image_message(picture, "rgb8")
    message.data = message.data[:-100]
    with pytest.raises(EncodingError, match=r"2204 bytes.*expected 2304 \(24 rows of 96 bytes\)"):
        decode_color(message)


def test_empty_data_are_refused(image_message, picture):
    message = image_message(picture, "rgb8")
    message.data = b""
    with pytest.raises(EncodingError, match="0 bytes of image data"):
        decode_color(message)


def test_data_that_are_no_bytes_are_refused(image_message, picture):
    message = image_message(picture, "rgb8")
    message.data = "text"
    with pytest.raises(EncodingError, match="type str; expected bytes"):
        decode_color(message)


def test_step_shorter_than_a_row_is_refused(image_message, picture):
    message = image_message(picture, "rgb8")
    message.step = 95
    with pytest.raises(EncodingError, match=r"step of 95 bytes for 32 pixels.*at least 96"):
        decode_color(message)


def test_image_without_pixels_is_refused(image_message, picture):
    message = image_message(picture, "rgb8")
    message.height = 0
    with pytest.raises(EncodingError, match="image of 32x0 pixels"):
        decode_color(message)


@pytest.mark.parametrize(
    ("encoding", "width", "height"), [("uyvy", 7, 4), ("nv12", 6, 5), ("nv21", 7, 4)]
)
def test_odd_size_of_subsampled_chroma_is_refused(encoding, width, height, image_message):
    message = image_message(np.zeros((8, 16), np.uint8), encoding, width=width, height=height)
    with pytest.raises(EncodingError, match="expected an even"):
        decode_color(message)


def test_padded_nv24_is_refused(image_message):
    message = image_message(np.zeros((12, 8), np.uint8), "nv24", width=6, height=4)
    with pytest.raises(EncodingError, match="step of 8 bytes for nv24; expected the width, 6"):
        decode_color(message)


# cv_bridge refuses these names, but knows the same bytes under another one.
CV_BRIDGE_NAMES = {
    "8UC1": "mono8",
    "8UC3": "bgr8",
    "8UC4": "bgra8",
    "uyvy": "yuv422",
    "yuyv": "yuv422_yuy2",
}


@pytest.mark.parametrize("encoding", [e for e in COLOR_ENCODINGS if not e.startswith("nv")])
@pytest.mark.parametrize("size", [(2, 2), (24, 32), (37, 50)])
def test_any_bytes_decode_as_cv_bridge_does_where_it_is_installed(encoding, size, image_message):
    bridge = pytest.importorskip("cv_bridge").CvBridge()
    image = pytest.importorskip("sensor_msgs.msg").Image()
    pixels = encode(np.zeros((*size, 3), np.uint8), encoding)
    # A padding of whole pixels: cv_bridge's Python half shears the picture with any other.
    padding = 3 * pixels.nbytes // (size[0] * size[1])
    ours = image_message(pixels, encoding, padding=padding, width=size[1])
    ours.data = array("B", np.random.default_rng(0).bytes(len(ours.data)))
    for field in ("height", "width", "is_bigendian", "step", "data"):
        setattr(image, field, getattr(ours, field))
    image.encoding = CV_BRIDGE_NAMES.get(encoding, encoding)
    np.testing.assert_array_equal(decode_color(ours), bridge.imgmsg_to_cv2(image, "rgb8"))


@pytest.mark.parametrize("encoding", ["mono16", "rgb16", "bgra16"])
def test_all_16_bit_values_become_those_of_cv_bridge_where_it_is_installed(encoding):
    bridge = pytest.importorskip("cv_bridge").CvBridge()
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    channels = {"mono16": 1, "rgb16": 3, "bgra16": 4}[encoding]
    pixels = np.stack([values, values.T, values[::-1], values[:, ::-1]][:channels], -1)
    image = bridge.cv2_to_imgmsg(pixels.squeeze(), encoding)
    np.testing.assert_array_equal(decode_color(image), bridge.imgmsg_to_cv2(image, "rgb8"))
