# SPDX-License-Identifier: Apache-2.0
"""RVL against an encoder written from the paper, one pixel at a time."""

import struct
from contextlib import suppress

import numpy as np
import pytest

from affordance_seg_ros.errors import EncodingError
from affordance_seg_ros.sources.decode import decode_compressed_depth
from affordance_seg_ros.sources.rvl import decode_rvl


class Encoder:
    """Writes nibbles into 32-bit words from their top, as the paper's figure does."""

    def __init__(self):
        self.nibbles = []

    def write(self, number):
        while True:
            digit, number = number & 7, number >> 3
            self.nibbles.append(digit | (8 if number else 0))
            if not number:
                return

    def bytes(self):
        padded = self.nibbles + [0] * (-len(self.nibbles) % 8)
        words = [
            int("".join(f"{nibble:x}" for nibble in padded[i : i + 8]), 16)
            for i in range(0, len(padded), 8)
        ]
        return struct.pack(f"<{len(words)}I", *words)


def encode(depth):
    encoder, previous, at = Encoder(), 0, 0
    flat = [int(value) for value in depth.ravel()]
    while at < len(flat):
        zeros = values = 0
        while at + zeros < len(flat) and not flat[at + zeros]:
            zeros += 1
        at += zeros
        while at + values < len(flat) and flat[at + values]:
            values += 1
        encoder.write(zeros)
        encoder.write(values)
        for value in flat[at : at + values]:
            delta = value - previous
            encoder.write((delta << 1) ^ (delta >> 31))
            previous = value
        at += values
    size = struct.pack("<II", depth.shape[1], depth.shape[0])
    return size + encoder.bytes()


def as_bytes(data):
    return np.frombuffer(data, np.uint8)


def pictures():
    random = np.random.default_rng(1)
    plane = np.add.outer(np.arange(40) * 7, np.arange(60) * 3).astype(np.uint16) + 500
    holes = plane * (random.random(plane.shape) > 0.3)
    return {
        "a plane": plane,
        "holes": holes.astype(np.uint16),
        "noise": random.integers(0, 65536, (17, 23)).astype(np.uint16),
        "nothing": np.zeros((5, 7), np.uint16),
        "one pixel": np.array([[1]], np.uint16),
        "extremes": np.array([[65535, 0, 1, 65535], [0, 0, 1, 2]], np.uint16),
    }


@pytest.mark.parametrize("name", pictures())
def test_what_was_encoded_is_decoded(name):
    depth = pictures()[name]
    np.testing.assert_array_equal(decode_rvl(as_bytes(encode(depth))), depth)


def test_a_code_worked_out_by_hand():
    # 0 zeros, 2 values, +1000 (2000 = 0b11_111_010_000), -3 (5): nibbles 0 2 8 a f 3 5, then fill.
    data = struct.pack("<III", 2, 1, 0x028AF350)
    np.testing.assert_array_equal(decode_rvl(as_bytes(data)), [[1000, 997]])


def test_a_message_of_rvl_is_depth_in_millimetres_or_inverse_depth(compressed_message):
    depth = pictures()["holes"]
    millimetres = struct.pack("<iff", 0, 0, 0) + encode(depth)
    found = decode_compressed_depth(compressed_message(millimetres, "16UC1; compressedDepth rvl"))
    np.testing.assert_array_equal(found.raw, depth)
    a, b = 10100.0, -1009.0
    inverse = struct.pack("<iff", 0, a, b) + encode(depth)
    found = decode_compressed_depth(compressed_message(inverse, "32FC1; compressedDepth rvl"))
    expected = np.where(depth > 0, a / (depth.astype(float) - b), np.nan)
    np.testing.assert_allclose(found.to_metres(), expected, rtol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.005, 0.3, 0.6, 0.95])
def test_a_stream_that_is_cut_off_is_refused(share):
    data = encode(pictures()["a plane"])
    with pytest.raises(EncodingError, match=r"RVL|bytes of RVL"):
        decode_rvl(as_bytes(data[: int(share * len(data))]))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (struct.pack("<II", 0, 3), "RVL of 0x3 pixels; expected a picture"),
        (struct.pack("<II", 1 << 20, 1 << 20), "expected a picture"),
        (struct.pack("<III", 2, 1, 0), "is damaged after 0 pixels; expected 2"),
        (struct.pack("<III", 2, 1, 0x07111111), "is damaged after 0 pixels"),
        (struct.pack("<III", 2, 1, 0x70000000), "is damaged after 7 pixels"),
        (struct.pack("<IIII", 2, 1, 0xFFFFFFFF, 0xFFF00000), "too many digits"),
    ],
)
def test_scrambled_streams_are_refused(data, reason):
    with pytest.raises(EncodingError, match=reason):
        decode_rvl(as_bytes(data))


def test_random_bytes_never_do_worse_than_an_error():
    random = np.random.default_rng(2)
    size = np.array([8, 6], "<u4").view(np.uint8)
    for _ in range(300):
        data = np.concatenate([size, random.integers(0, 256, 40).astype(np.uint8)])
        with suppress(EncodingError):
            assert decode_rvl(data).shape == (6, 8)
