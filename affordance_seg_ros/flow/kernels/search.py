# SPDX-License-Identifier: Apache-2.0
"""Kernels that look for motion too large for gradients; see `flow.search`."""

import triton
import triton.language as tl

from affordance_seg_ros.flow.kernels.sampling import bilinear, bilinear_depth, corners


@triton.jit
def fit_shifts(
    older, newer, motion, contrasts, shifts, costs, run, count, height, width,
    OTHER_BRIGHTNESS: tl.constexpr, OTHER_SURFACE_M: tl.constexpr, NOT_SEEN: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """Write how badly each pixel fits at each shift.

    Args:
        older: (8, H, W) level on whose grid the motion lives.
        newer: (8, H, W) level.
        motion: (3, H, W) motion around which to look.
        contrasts: (2,) contrasts of the older and the newer frame.
        shifts: (count, 2) float32 columns and rows [px].
        costs: (count, H, W) result.
        run: () int32; nothing is done where it is 0.
        count: Number of shifts.
        height: H.
        width: W.
        OTHER_BRIGHTNESS: Difference of brightness beyond which the cost no longer grows.
        OTHER_SURFACE_M: The same for depth.
        NOT_SEEN: Cost outside the picture.
        BLOCK: Costs per program.
    """
    if tl.load(run) == 0:
        return
    cost_index = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    size = height * width
    here = cost_index < count * size
    shift = cost_index // size
    pixel = cost_index % size
    x = pixel % width + tl.load(motion + pixel, here, 0.0)
    y = pixel // width + tl.load(motion + size + pixel, here, 0.0)
    x += tl.load(shifts + 2 * shift, here, 0.0)
    y += tl.load(shifts + 2 * shift + 1, here, 0.0)
    contrast = tl.sqrt(tl.load(contrasts) * tl.load(contrasts + 1))
    offset, right, below, across, down = corners(x, y, height, width)
    bright = bilinear(newer, offset, right, below, across, down, here)
    depth_m = bilinear_depth(newer + size, offset, right, below, across, down, here)
    z = tl.load(older + size + pixel, here, 0.0)
    unlike = tl.abs((bright - tl.load(older + pixel, here, 0.0)) * contrast) / OTHER_BRIGHTNESS
    unlike = tl.minimum(unlike, 1.0)
    apart = tl.minimum(tl.abs(depth_m - z) / OTHER_SURFACE_M, 1.0)
    cost = unlike + tl.where((depth_m > 0) & (z > 0), apart, unlike)
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    tl.store(costs + cost_index, tl.where(inside, cost, NOT_SEEN), here)


@triton.jit
def jump(
    costs, shifts, prices, motion, run, count, height, width, REACH: tl.constexpr,
    LARGEST_SHARE: tl.constexpr, SHIFTS: tl.constexpr, PIXELS: tl.constexpr,
):  # fmt: skip
    """Move the motion of each pixel whose neighbourhood fits clearly better elsewhere, in place.

    Args:
        costs: (count, H, W) from `fit_shifts`.
        shifts: (count, 2) float32 columns and rows [px], the zero shift first.
        prices: (count,) float32 added to the mean cost of a shift.
        motion: (3, H, W) motion around which the shifts were tried.
        run: () int32; nothing is done where it is 0.
        count: Number of shifts.
        height: H.
        width: W.
        REACH: Pixels of the neighbourhood to either side.
        LARGEST_SHARE: Share of its own cost below which a pixel jumps.
        SHIFTS: Power of two, at least count.
        PIXELS: Pixels per program.
    """
    if tl.load(run) == 0:
        return
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    size = height * width
    here = pixel < size
    column = (pixel % width)[:, None]
    row = (pixel // width)[:, None]
    shift = tl.arange(0, SHIFTS)[None, :]
    known = here[:, None] & (shift < count)
    total = tl.zeros((PIXELS, SHIFTS), tl.float32)
    taps = tl.zeros((PIXELS, SHIFTS), tl.float32)
    for down in tl.static_range(2 * REACH + 1):
        for across in tl.static_range(2 * REACH + 1):
            x = column + across - REACH
            y = row + down - REACH
            inside = known & (x >= 0) & (x < width) & (y >= 0) & (y < height)
            total += tl.load(costs + shift * size + y * width + x, inside, 0.0)
            taps += tl.where(inside, 1.0, 0.0)
    mean = total / tl.maximum(taps, 1.0)
    own = tl.sum(tl.where(shift == 0, mean, 0.0), 1)
    priced = mean + tl.load(prices + shift, shift < count, 0.0)
    priced = tl.where(known, priced, float("inf"))
    least = tl.min(priced, 1)
    best = tl.argmin(priced, 1)
    better = here & (least < LARGEST_SHARE * own)
    u = tl.load(motion + pixel, better, 0.0) + tl.load(shifts + 2 * best, better, 0.0)
    v = tl.load(motion + size + pixel, better, 0.0) + tl.load(shifts + 2 * best + 1, better, 0.0)
    tl.store(motion + pixel, u, better)
    tl.store(motion + size + pixel, v, better)
