# SPDX-License-Identifier: Apache-2.0
"""Kernels that end a pyramid level: clamp, weighted median, and upsampling to the next finer one.

See `flow.median` and `flow.pyramid.upsample`.
"""

import triton
import triton.language as tl

_LARGEST_STEP_PX = tl.constexpr(1.0)


@triton.jit
def _neighbour(
    state, start, depths_m, misfits_m, centre_m, pixel, step, inside, size, is_flow
):  # fmt: skip
    """Return a neighbour's clamped unknown, inf at weight 0, its weight, and the finite unknown."""
    found = tl.load(state + pixel + step, inside, 0.0)
    from_value = tl.load(start + pixel + step, inside, 0.0)
    depth_m = tl.load(depths_m + pixel + step, inside, 0.0)
    misfit_m = tl.load(misfits_m + pixel + step, inside, 0.0)
    move = tl.minimum(tl.maximum(found - from_value, -_LARGEST_STEP_PX), _LARGEST_STEP_PX)
    value = tl.where(is_flow, from_value + move, tl.where(depth_m > 0, found, 0.0))
    across_m = depth_m - centre_m
    weight = 1 / (1 + 5 * across_m * across_m + 10 * misfit_m * misfit_m)
    weight = tl.where(inside & (depth_m > 0), weight, 0.0)
    return tl.where(weight > 0, value, float("inf")), weight, value


@triton.jit
def _order(a, wa, b, wb):
    """Return two values with their weights, the smaller value first."""
    swap = a > b
    return (
        tl.where(swap, b, a),
        tl.where(swap, wb, wa),
        tl.where(swap, a, b),
        tl.where(swap, wa, wb),
    )


@triton.jit
def _on(median, middle, half, a, wa, b, wb):
    """Advance by one value towards half of the weight."""
    way = (wa + wb) / 2
    share = (half - middle) / tl.maximum(way, 1e-10)
    share = tl.minimum(tl.maximum(share, 0.0), 1.0)
    gap = tl.where(wb > 0, b - a, 0.0)
    return median + gap * share, middle + way


@triton.jit
def filter_median(
    state, start, older, terms, motion, run, height, width, BLOCK: tl.constexpr
):  # fmt: skip
    """Clamp the step of a level and write the weighted median of each unknown.

    Args:
        state: (13, H, W) after the last iteration.
        start: (3, H, W) motion before the first.
        older: (8, H, W) level.
        terms: (9, H, W) data terms.
        motion: (3, H, W) result.
        run: () int32; nothing is done where it is 0.
        height: H.
        width: W.
        BLOCK: Pixels per program; the second dimension of programs is the three unknowns.
    """
    if tl.load(run) == 0:
        return
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    plane = tl.program_id(1)
    size = height * width
    here = pixel < size
    x = pixel % width
    y = pixel // width
    right = here & (x + 1 < width)
    left = here & (x > 0)
    below = here & (y + 1 < height)
    above = here & (y > 0)
    q = state + plane * size
    s = start + plane * size
    z = older + size
    m = terms + 8 * size
    c = tl.load(z + pixel, here, 0.0)
    uv = plane < 2
    w = width
    a0, w0, _ = _neighbour(q, s, z, m, c, pixel, -w - 1, above & left, size, uv)
    a1, w1, _ = _neighbour(q, s, z, m, c, pixel, -w, above, size, uv)
    a2, w2, _ = _neighbour(q, s, z, m, c, pixel, -w + 1, above & right, size, uv)
    a3, w3, _ = _neighbour(q, s, z, m, c, pixel, -1, left, size, uv)
    a4, w4, own = _neighbour(q, s, z, m, c, pixel, 0, here, size, uv)
    a5, w5, _ = _neighbour(q, s, z, m, c, pixel, 1, right, size, uv)
    a6, w6, _ = _neighbour(q, s, z, m, c, pixel, w - 1, below & left, size, uv)
    a7, w7, _ = _neighbour(q, s, z, m, c, pixel, w, below, size, uv)
    a8, w8, _ = _neighbour(q, s, z, m, c, pixel, w + 1, below & right, size, uv)
    half = (w0 + w1 + w2 + w3 + w4 + w5 + w6 + w7 + w8) / 2

    # The 25 exchanges of `flow.median`.
    a0, w0, a3, w3 = _order(a0, w0, a3, w3)
    a1, w1, a7, w7 = _order(a1, w1, a7, w7)
    a2, w2, a5, w5 = _order(a2, w2, a5, w5)
    a4, w4, a8, w8 = _order(a4, w4, a8, w8)
    a0, w0, a7, w7 = _order(a0, w0, a7, w7)
    a2, w2, a4, w4 = _order(a2, w2, a4, w4)
    a3, w3, a8, w8 = _order(a3, w3, a8, w8)
    a5, w5, a6, w6 = _order(a5, w5, a6, w6)
    a0, w0, a2, w2 = _order(a0, w0, a2, w2)
    a1, w1, a3, w3 = _order(a1, w1, a3, w3)
    a4, w4, a5, w5 = _order(a4, w4, a5, w5)
    a7, w7, a8, w8 = _order(a7, w7, a8, w8)
    a1, w1, a4, w4 = _order(a1, w1, a4, w4)
    a3, w3, a6, w6 = _order(a3, w3, a6, w6)
    a5, w5, a7, w7 = _order(a5, w5, a7, w7)
    a0, w0, a1, w1 = _order(a0, w0, a1, w1)
    a2, w2, a4, w4 = _order(a2, w2, a4, w4)
    a3, w3, a5, w5 = _order(a3, w3, a5, w5)
    a6, w6, a8, w8 = _order(a6, w6, a8, w8)
    a2, w2, a3, w3 = _order(a2, w2, a3, w3)
    a4, w4, a5, w5 = _order(a4, w4, a5, w5)
    a6, w6, a7, w7 = _order(a6, w6, a7, w7)
    a1, w1, a2, w2 = _order(a1, w1, a2, w2)
    a3, w3, a4, w4 = _order(a3, w3, a4, w4)
    a5, w5, a6, w6 = _order(a5, w5, a6, w6)

    median, middle = _on(a0, w0 / 2, half, a0, w0, a1, w1)
    median, middle = _on(median, middle, half, a1, w1, a2, w2)
    median, middle = _on(median, middle, half, a2, w2, a3, w3)
    median, middle = _on(median, middle, half, a3, w3, a4, w4)
    median, middle = _on(median, middle, half, a4, w4, a5, w5)
    median, middle = _on(median, middle, half, a5, w5, a6, w6)
    median, middle = _on(median, middle, half, a6, w6, a7, w7)
    median, middle = _on(median, middle, half, a7, w7, a8, w8)
    tl.store(motion + plane * size + pixel, tl.where(c > 0, median, own), here)


@triton.jit
def refine(
    coarse_motion, coarse_state, start, state, run, coarse_height, coarse_width, height, width,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """Upsample motion and duals of a level to the next finer one, as its start and first state.

    Args:
        coarse_motion: (3, h, w) from `filter_median`.
        coarse_state: (13, h, w), whose duals are read.
        start: (3, H, W) result.
        state: (13, H, W) result.
        run: () int32; nothing is done where it is 0.
        coarse_height: h.
        coarse_width: w.
        height: H.
        width: W.
        BLOCK: Pixels per program; the second dimension of programs is the three unknowns and
            the seven duals.
    """
    if tl.load(run) == 0:
        return
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    plane = tl.program_id(1)
    size = height * width
    coarse_size = coarse_height * coarse_width
    here = pixel < size
    x = pixel % width
    y = pixel // width
    column = x // 2
    row = y // 2
    odd_x = x % 2 == 1
    odd_y = y % 2 == 1
    is_motion = plane < 3
    source = coarse_state + (plane + 3) * coarse_size
    if is_motion:
        source = coarse_motion + plane * coarse_size
    value = tl.zeros((BLOCK,), tl.float32)
    total = tl.zeros((BLOCK,), tl.float32)
    for down in tl.static_range(3):
        for across in tl.static_range(3):
            # 1 6 1 on even pixels, 0 4 4 on odd ones.
            even_x = 6.0 if across == 1 else 1.0
            even_y = 6.0 if down == 1 else 1.0
            share_x = tl.where(odd_x, 0.0 if across == 0 else 4.0, even_x)
            share_y = tl.where(odd_y, 0.0 if down == 0 else 4.0, even_y)
            at_x = column + across - 1
            at_y = row + down - 1
            inside = here & (at_x >= 0) & (at_x < coarse_width)
            inside = inside & (at_y >= 0) & (at_y < coarse_height)
            share = tl.where(inside, share_x * share_y, 0.0)
            value += share * tl.load(source + at_y * coarse_width + at_x, inside, 0.0)
            total += share
    value = value / tl.maximum(total, 1.0)
    value = tl.where(plane < 2, 2 * value, value)
    if is_motion:
        tl.store(start + plane * size + pixel, value, here)
        tl.store(state + plane * size + pixel, value, here)
        tl.store(state + (plane + 3) * size + pixel, value, here)
    else:
        tl.store(state + (plane + 3) * size + pixel, value, here)
