# SPDX-License-Identifier: Apache-2.0
"""RVL, the lossless compression of depth that compressedDepth offers besides PNG."""

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import EncodingError

_SIZE_BYTES = 8
# Six nibbles hold any difference of 16-bit values, ten the longest run.
_LONGEST_NIBBLES = 10
_LARGEST_PX = 1 << 26


def decode_rvl(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    """Return the depth image of an RVL stream: columns and rows as uint32, then the code.

    The code is a row of integers in groups of three bits, lowest first, each group in a nibble
    whose highest bit says that more follow; eight nibbles fill a 32-bit word from its top. The
    integers are, in turn: a run of zeros, a run of values, and each value's difference from
    the value before it, its sign in the lowest bit. Only runs are processed one by one.

    Args:
        data: (N,) uint8.

    Returns:
        (rows, columns) uint16, 0 where there is no depth.

    Raises:
        EncodingError: The stream is cut off or scrambled.

    Source:
        A. D. Wilson, Fast Lossless Depth Image Compression, ISS 2017.
    """
    if data.size < _SIZE_BYTES:
        raise EncodingError(f"{data.size} bytes of RVL; expected the picture's size first")
    columns, rows = (int(value) for value in data[:_SIZE_BYTES].copy().view("<u4"))
    count = columns * rows
    if not 0 < count <= _LARGEST_PX:
        raise EncodingError(f"RVL of {columns}x{rows} pixels; expected a picture")
    numbers = _numbers(data[_SIZE_BYTES:])
    # Lengths, in pixels and in integers, of the runs that are in turn no values and values.
    pixel_runs: list[int] = []
    number_runs: list[int] = []
    at = pixel = 0
    while pixel < count:
        if at + 2 > numbers.size:
            raise _damaged(columns, rows, pixel)
        zeros, values = numbers.item(at), numbers.item(at + 1)
        pixel += zeros
        at += 2
        if pixel + values > count or at + values > numbers.size or not (zeros or values):
            raise _damaged(columns, rows, pixel)
        pixel_runs += (zeros, values)
        number_runs += (2, values)
        pixel += values
        at += values
    coded = numbers[:at][_every_other(number_runs)]
    steps = (coded >> 1) ^ -(coded & 1)
    depth = np.zeros(count, np.uint16)
    depth[_every_other(pixel_runs)] = np.cumsum(steps).astype(np.uint16)
    return depth.reshape(rows, columns)


def _every_other(runs: list[int]) -> npt.NDArray[np.bool_]:
    """Return a mask in which runs of these lengths are false and true in turn."""
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs)


def _numbers(code: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return the integers of the code; the zeros that fill its last word come out as zeros."""
    words = code[: code.size // 4 * 4].reshape(-1, 4)
    # From the top of each little-endian word: the last byte first, its upper nibble first.
    backwards = words[:, ::-1].reshape(-1)
    nibbles = np.stack([backwards >> 4, backwards & 15], -1).reshape(-1)
    ends = np.flatnonzero(nibbles < 8)
    if not ends.size:
        return np.zeros(0, np.int64)
    starts = np.concatenate([[0], ends[:-1] + 1])
    place = np.arange(ends[-1] + 1) - np.repeat(starts, ends - starts + 1)
    if place.max() >= _LONGEST_NIBBLES:
        raise EncodingError("RVL with an integer of too many digits; expected depth of 16 bits")
    digits = (nibbles[: ends[-1] + 1] & 7).astype(np.int64) << (3 * place)
    return np.asarray(np.add.reduceat(digits, starts), np.int64)


def _damaged(columns: int, rows: int, pixel: int) -> EncodingError:
    return EncodingError(
        f"RVL of {columns}x{rows} pixels is damaged after {pixel} pixels; expected {columns * rows}"
    )
