# SPDX-License-Identifier: Apache-2.0
"""The shape of ROS messages, as both rclpy and rosbags give them, and views of their pixels."""

from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import EncodingError


class StampMessage(Protocol):
    """A builtin_interfaces/Time."""

    @property
    def sec(self) -> int: ...  # noqa: D102  (the message's own field)
    @property
    def nanosec(self) -> int: ...  # noqa: D102


class HeaderMessage(Protocol):
    """A std_msgs/Header."""

    @property
    def stamp(self) -> StampMessage: ...  # noqa: D102
    @property
    def frame_id(self) -> str: ...  # noqa: D102


class ImageMessage(Protocol):
    """A sensor_msgs/Image; ``data`` is anything with the buffer protocol."""

    @property
    def header(self) -> HeaderMessage: ...  # noqa: D102
    @property
    def height(self) -> int: ...  # noqa: D102
    @property
    def width(self) -> int: ...  # noqa: D102
    @property
    def encoding(self) -> str: ...  # noqa: D102
    @property
    def is_bigendian(self) -> int: ...  # noqa: D102
    @property
    def step(self) -> int: ...  # noqa: D102
    @property
    def data(self) -> Any: ...  # noqa: D102


class CompressedImageMessage(Protocol):
    """A sensor_msgs/CompressedImage; ``data`` is anything with the buffer protocol."""

    @property
    def header(self) -> HeaderMessage: ...  # noqa: D102
    @property
    def format(self) -> str: ...  # noqa: D102
    @property
    def data(self) -> Any: ...  # noqa: D102


class Layout(NamedTuple):
    """How one pixel is stored: numpy type code without byte order, and values per pixel."""

    kind: str
    channels: int


def stamp_ns(header: HeaderMessage) -> int:
    """Return the stamp of a header [ns]."""
    return int(header.stamp.sec) * 1_000_000_000 + int(header.stamp.nanosec)


def data_bytes(data: Any) -> npt.NDArray[np.uint8]:
    """Return the bytes of a message field as a flat view, without a copy.

    Raises:
        EncodingError: The field is empty or not a byte buffer.
    """
    try:
        view = memoryview(data).cast("B")
    except (TypeError, ValueError):
        raise EncodingError(f"image data of type {type(data).__name__}; expected bytes") from None
    if not view.nbytes:
        raise EncodingError("0 bytes of image data; expected at least 1")
    return np.frombuffer(view, np.uint8)


def pixel_view(msg: ImageMessage, layout: Layout, *, rows: int | None = None) -> npt.NDArray[Any]:
    """Return the pixels of an image message in native byte order.

    The result is a view of the message's data if the bytes allow it (little-endian host and data),
    and then read-only if they are; row padding is skipped.

    Args:
        msg: The message.
        layout: How a pixel is stored.
        rows: Rows of ``step`` bytes in the data if not ``height``, as in planar YUV.

    Returns:
        (rows, W, channels), or (rows, W) for one channel.

    Raises:
        EncodingError: The size is zero, a row does not fit into ``step``, or the length of the
            data is not rows x step.
    """
    height, width, step = int(msg.height), int(msg.width), int(msg.step)
    rows = height if rows is None else rows
    dtype = np.dtype((">" if msg.is_bigendian else "<") + layout.kind)
    if height < 1 or width < 1:
        raise EncodingError(f"image of {width}x{height} pixels; expected at least 1x1")
    row_bytes = width * layout.channels * dtype.itemsize
    if step < row_bytes:
        raise EncodingError(
            f"step of {step} bytes for {width} pixels '{msg.encoding}'; expected at least "
            f"{row_bytes}"
        )
    data = data_bytes(msg.data)
    if data.size != rows * step:
        raise EncodingError(
            f"{data.size} bytes of image data; expected {rows * step} ({rows} rows of {step} "
            f"bytes) for {width}x{height} '{msg.encoding}'"
        )
    shape: tuple[int, ...] = (rows, width, layout.channels)
    strides: tuple[int, ...] = (step, layout.channels * dtype.itemsize, dtype.itemsize)
    if layout.channels == 1:
        shape, strides = shape[:2], strides[:2]
    pixels: npt.NDArray[Any] = np.ndarray(shape, dtype, data, strides=strides)
    # Copies only if the byte order or an odd step requires it.
    return np.require(pixels, dtype.newbyteorder("="), ["ALIGNED"])
