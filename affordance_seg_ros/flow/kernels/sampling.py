# SPDX-License-Identifier: Apache-2.0
"""Reading images at positions between pixels, inside a kernel; see `flow.warp`."""

import triton
import triton.language as tl

_ROUNDING = tl.constexpr(1e-3)


@triton.jit
def corners(x, y, height, width):
    """Return what to read at positions clamped to the image.

    Returns:
        The offset of the pixel at the upper left, the steps to its right and lower neighbours (0
        on the last column and row), and the shares of these neighbours.
    """
    x = tl.minimum(tl.maximum(x, 0.0), width - 1.0)
    y = tl.minimum(tl.maximum(y, 0.0), height - 1.0)
    column = tl.floor(x)
    row = tl.floor(y)
    across = x - column
    down = y - row
    column = column.to(tl.int32)
    row = row.to(tl.int32)
    right = tl.where(column + 1 < width, 1, 0)
    below = tl.where(row + 1 < height, width, 0)
    return row * width + column, right, below, across, down


@triton.jit
def bilinear(image, offset, right, below, across, down, here):
    """Return an image at the positions that `corners` described."""
    upper = tl.load(image + offset, here, 0.0) * (1 - across)
    upper += tl.load(image + offset + right, here, 0.0) * across
    lower = tl.load(image + offset + below, here, 0.0) * (1 - across)
    lower += tl.load(image + offset + below + right, here, 0.0) * across
    return upper * (1 - down) + lower * down


@triton.jit
def bilinear_depth(image, offset, right, below, across, down, here):
    """Return depth there: bilinear where all four pixels have depth, else the nearest one's."""
    upper_left = tl.load(image + offset, here, 0.0)
    upper_right = tl.load(image + offset + right, here, 0.0)
    lower_left = tl.load(image + offset + below, here, 0.0)
    lower_right = tl.load(image + offset + below + right, here, 0.0)
    a = (1 - across) * (1 - down)
    b = across * (1 - down)
    c = (1 - across) * down
    d = across * down
    smooth = upper_left * a + upper_right * b + lower_left * c + lower_right * d
    seen = tl.where(upper_left > 0, a, 0.0) + tl.where(upper_right > 0, b, 0.0)
    seen += tl.where(lower_left > 0, c, 0.0) + tl.where(lower_right > 0, d, 0.0)
    upper = tl.where(across > 0.5, upper_right, upper_left)
    lower = tl.where(across > 0.5, lower_right, lower_left)
    nearest = tl.where(down > 0.5, lower, upper)
    return tl.where(seen > 1 - _ROUNDING, smooth / tl.maximum(seen, 0.5), nearest)
