# SPDX-License-Identifier: Apache-2.0
"""The primal-dual iteration as one kernel; see `flow.primal_dual`.

A pixel's primal step needs the new dual variables of itself and of its left and upper neighbours.
Each pixel recomputes all three, so that the dual and the primal step are one launch: on a large
GPU, launches are what an iteration costs, and a second kernel would read the duals once more.
States come in pairs, one read and one written, and swap places after each iteration.

A state is a tensor (13, H, W): motion u, v, w; the same over-relaxed; the dual of the depth
residual; the duals of the differences of u, v, w to the next column, then to the next row.
"""

import triton
import triton.language as tl

_EPSILON = tl.constexpr(1e-10)


@triton.jit
def begin(motion, start, state, run, height, width, ZERO: tl.constexpr, BLOCK: tl.constexpr):
    """Write a motion, or zeros with ZERO, as start and as a state with zero duals."""
    if tl.load(run) == 0:
        return
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    size = height * width
    here = pixel < size
    zero = tl.zeros((BLOCK,), tl.float32)
    for plane in tl.static_range(3):
        value = zero
        if not ZERO:
            value = tl.load(motion + plane * size + pixel, here, 0.0)
        tl.store(start + plane * size + pixel, value, here)
        tl.store(state + plane * size + pixel, value, here)
        tl.store(state + (3 + plane) * size + pixel, value, here)
    for plane in tl.static_range(7):
        tl.store(state + (6 + plane) * size + pixel, zero, here)


@triton.jit
def _dual(dual, ahead, size, width, here, right, below):
    """Return new duals (to the next column, to the next row) of one unknown at some pixels.

    Differences beyond the last column or row are zero.
    """
    q = tl.load(ahead, here, 0.0)
    q_right = tl.load(ahead + 1, right, 0.0)
    q_below = tl.load(ahead + width, below, 0.0)
    p_x = tl.load(dual, here, 0.0) + tl.where(right, 0.5 * (q_right - q), 0.0)
    p_y = tl.load(dual + 3 * size, here, 0.0) + tl.where(below, 0.5 * (q_below - q), 0.0)
    scale = 1 / tl.sqrt(tl.maximum(p_x * p_x + p_y * p_y, 1.0))
    return p_x * scale, p_y * scale


@triton.jit
def iterate(
    source, target, terms, weights, run, height, width,
    SMOOTHNESS_FLOW: tl.constexpr, SMOOTHNESS_DEPTH: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Run one iteration.

    Args:
        source: (13, H, W) state before.
        target: (13, H, W) state after; another tensor.
        terms: (9, H, W) data terms.
        weights: (2, H, W) surface weights.
        run: () int32; nothing is done where it is 0.
        height: H.
        width: W.
        SMOOTHNESS_FLOW: λ_I.
        SMOOTHNESS_DEPTH: λ_D.
        BLOCK: Pixels per program.
    """
    if tl.load(run) == 0:
        return
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    size = height * width
    here = pixel < size
    x = pixel % width
    y = pixel // width
    right = here & (x + 1 < width)
    below = here & (y + 1 < height)
    left = here & (x > 0)
    above = here & (y > 0)

    at = terms + pixel
    i_t = tl.load(at, here, 0.0)
    i_x = tl.load(at + size, here, 0.0)
    i_y = tl.load(at + 2 * size, here, 0.0)
    z_t = tl.load(at + 3 * size, here, 0.0)
    z_x = tl.load(at + 4 * size, here, 0.0)
    z_y = tl.load(at + 5 * size, here, 0.0)
    factor = tl.load(at + 6 * size, here, 0.0)
    r_x = tl.load(weights + pixel, here, 0.0)
    r_y = tl.load(weights + size + pixel, here, 0.0)
    r_left = tl.load(weights + pixel - 1, left, 0.0)
    r_above = tl.load(weights + size + pixel - width, above, 0.0)
    around = r_x + r_y + r_left + r_above

    ahead = source + 3 * size + pixel
    residual = z_t - tl.load(ahead + 2 * size, here, 0.0)
    residual += z_x * tl.load(ahead, here, 0.0)
    residual += z_y * tl.load(ahead + size, here, 0.0)
    depth_dual = tl.load(source + 6 * size + pixel, here, 0.0)
    depth_dual += residual / (1 + tl.abs(z_x) + tl.abs(z_y))
    depth_dual = tl.minimum(tl.maximum(depth_dual, -1.0), 1.0)
    tl.store(target + 6 * size + pixel, depth_dual, here)

    tau_u = 1 / (factor * tl.abs(z_x) + SMOOTHNESS_FLOW * around + _EPSILON)
    tau_v = 1 / (factor * tl.abs(z_y) + SMOOTHNESS_FLOW * around + _EPSILON)
    tau_w = 1 / (factor + SMOOTHNESS_DEPTH * around + _EPSILON)
    u = tl.load(source + pixel, here, 0.0)
    v = tl.load(source + size + pixel, here, 0.0)
    w = tl.load(source + 2 * size + pixel, here, 0.0)
    new_u = u - tau_u * factor * z_x * depth_dual
    new_v = v - tau_v * factor * z_y * depth_dual
    new_w = w + tau_w * factor * depth_dual
    for plane in tl.static_range(3):
        dual = source + (7 + plane) * size + pixel
        q = ahead + plane * size
        p_x, p_y = _dual(dual, q, size, width, here, right, below)
        # The neighbours' own neighbours exist where ours do.
        p_left, _ = _dual(dual - 1, q - 1, size, width, left, left, left & below)
        _, p_above = _dual(dual - width, q - width, size, width, above, above & right, above)
        tl.store(target + (7 + plane) * size + pixel, p_x, here)
        tl.store(target + (10 + plane) * size + pixel, p_y, here)
        spread = r_x * p_x + r_y * p_y - r_left * p_left - r_above * p_above
        if plane == 0:
            new_u += tau_u * SMOOTHNESS_FLOW * spread
        elif plane == 1:
            new_v += tau_v * SMOOTHNESS_FLOW * spread
        else:
            new_w += tau_w * SMOOTHNESS_DEPTH * spread

    descent_u = tau_u * i_x
    descent_v = tau_v * i_y
    reach = descent_u * i_x + descent_v * i_y + _EPSILON
    share = (i_t + i_x * new_u + i_y * new_v) / reach
    share = tl.minimum(tl.maximum(share, -1.0), 1.0)
    new_u -= descent_u * share
    new_v -= descent_v * share
    tl.store(target + pixel, new_u, here)
    tl.store(target + size + pixel, new_v, here)
    tl.store(target + 2 * size + pixel, new_w, here)
    tl.store(target + 3 * size + pixel, 2 * new_u - u, here)
    tl.store(target + 4 * size + pixel, 2 * new_v - v, here)
    tl.store(target + 5 * size + pixel, 2 * new_w - w, here)
