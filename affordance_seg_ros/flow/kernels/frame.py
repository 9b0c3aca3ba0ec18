# SPDX-License-Identifier: Apache-2.0
"""Kernels that prepare one frame: its pyramid, surface weights and derivatives.

A level is a tensor (8, H, W): brightness, depth, the two surface weights, the two derivatives of
brightness, the two of depth; see `flow.level.Level`.
"""

import triton
import triton.language as tl

_SAME_SURFACE_M = tl.constexpr(0.1)


@triton.jit
def halve(fine, coarse, fine_height, fine_width, height, width, BLOCK: tl.constexpr):
    """Smooth brightness and depth and take every second pixel; see `flow.pyramid`."""
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = pixel < height * width
    x = 2 * (pixel % width)
    y = 2 * (pixel // width)
    fine_size = fine_height * fine_width
    centre_m = tl.load(fine + fine_size + y * fine_width + x, here, 0.0)
    brightness = tl.zeros((BLOCK,), tl.float32)
    kernel = tl.zeros((BLOCK,), tl.float32)
    depth_m = tl.zeros((BLOCK,), tl.float32)
    weight = tl.zeros((BLOCK,), tl.float32)
    for row in tl.static_range(5):
        for column in tl.static_range(5):
            across = 6.0 if column == 2 else (4.0 if column % 2 == 1 else 1.0)
            down = 6.0 if row == 2 else (4.0 if row % 2 == 1 else 1.0)
            share = across * down / 256.0
            tap_x = x + column - 2
            tap_y = y + row - 2
            inside = here & (tap_x >= 0) & (tap_x < fine_width)
            inside = inside & (tap_y >= 0) & (tap_y < fine_height)
            at = fine + tap_y * fine_width + tap_x
            brightness += share * tl.load(at, inside, 0.0)
            kernel += tl.where(inside, share, 0.0)
            tap_m = tl.load(at + fine_size, inside, 0.0)
            near = tl.maximum(-tl.abs(tap_m - centre_m) + _SAME_SURFACE_M, 0.0) * share
            near = tl.where((tap_m > 0) & (centre_m > 0), near, 0.0)
            depth_m += near * tap_m
            weight += near
    size = height * width
    tl.store(coarse + pixel, brightness / tl.maximum(kernel, 1e-10), here)
    depth_m = tl.where(weight > 0, depth_m / tl.maximum(weight, 1e-30), 0.0)
    tl.store(coarse + size + pixel, depth_m, here)


@triton.jit
def sum_depth(level, sums, height, width, BLOCK: tl.constexpr):
    """Write the sum of depth of each program, then the count of pixels with depth of each."""
    program = tl.program_id(0)
    pixel = program * BLOCK + tl.arange(0, BLOCK)
    size = height * width
    depth_m = tl.load(level + size + pixel, pixel < size, 0.0)
    tl.store(sums + program, tl.sum(depth_m, 0))
    seen = tl.sum(tl.where(depth_m > 0, 1.0, 0.0), 0)
    tl.store(sums + tl.num_programs(0) + program, seen)


@triton.jit
def _weight(near, near_m, far, far_m, hole):
    """Return the weight 2 / distance from (near * near_m, near_m) to (far * far_m, far_m)."""
    side = far * far_m - near * near_m
    depth = far_m - near_m
    distance = tl.sqrt(side * side + depth * depth)
    return 2 / tl.where(distance > 0, distance, hole)


@triton.jit
def describe_surface(
    level, sums, camera, height, width, BLOCK: tl.constexpr, SUMS: tl.constexpr
):  # fmt: skip
    """Write surface weights and derivatives of a level; see `flow.variation`.

    Args:
        level: (8, H, W) with brightness and depth.
        sums: From `sum_depth`, run with as many programs as this kernel.
        camera: fx, fy, cx, cy of the level [px].
        height: H.
        width: W.
        BLOCK: Pixels per program.
        SUMS: Power of two, at least the number of programs.
    """
    count = tl.num_programs(0)
    one = tl.arange(0, SUMS)
    total_m = tl.sum(tl.load(sums + one, one < count, 0.0), 0)
    seen = tl.sum(tl.load(sums + count + one, one < count, 0.0), 0)
    mean_m = total_m / tl.maximum(seen, 1.0)
    mean_m = tl.where(mean_m > 0, mean_m, 1.0)
    fx = tl.load(camera)
    fy = tl.load(camera + 1)
    cx = tl.load(camera + 2)
    cy = tl.load(camera + 3)

    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    size = height * width
    here = pixel < size
    x = pixel % width
    y = pixel // width
    right = here & (x + 1 < width)
    left = here & (x > 0)
    below = here & (y + 1 < height)
    above = here & (y > 0)

    depths = level + size + pixel
    z = tl.load(depths, here, 0.0)
    z_right = tl.load(depths + 1, right, 0.0)
    z_left = tl.load(depths - 1, left, 0.0)
    z_below = tl.load(depths + width, below, 0.0)
    z_above = tl.load(depths - width, above, 0.0)
    across = (x - cx) / fx
    down = (y - cy) / fy
    hole_x = mean_m / fx
    hole_y = mean_m / fy
    r_right = tl.where(right, _weight(across, z, (x + 1 - cx) / fx, z_right, hole_x), 0.0)
    r_left = tl.where(left, _weight((x - 1 - cx) / fx, z_left, across, z, hole_x), 0.0)
    r_below = tl.where(below, _weight(down, z, (y + 1 - cy) / fy, z_below, hole_y), 0.0)
    r_above = tl.where(above, _weight((y - 1 - cy) / fy, z_above, down, z, hole_y), 0.0)
    total_x = tl.maximum(r_right + r_left, 1e-10)
    total_y = tl.maximum(r_below + r_above, 1e-10)

    bright = level + pixel
    q = tl.load(bright, here, 0.0)
    q_right = tl.load(bright + 1, right, 0.0)
    q_left = tl.load(bright - 1, left, 0.0)
    q_below = tl.load(bright + width, below, 0.0)
    q_above = tl.load(bright - width, above, 0.0)
    at = level + 2 * size + pixel
    tl.store(at, r_right, here)
    tl.store(at + size, r_below, here)
    tl.store(at + 2 * size, (r_right * (q_right - q) + r_left * (q - q_left)) / total_x, here)
    tl.store(at + 3 * size, (r_below * (q_below - q) + r_above * (q - q_above)) / total_y, here)
    z_x = (r_right * (z_right - z) + r_left * (z - z_left)) / total_x
    z_y = (r_below * (z_below - z) + r_above * (z - z_above)) / total_y
    tl.store(at + 4 * size, tl.where(z > 0, z_x, 0.0), here)
    tl.store(at + 5 * size, tl.where(z > 0, z_y, 0.0), here)
