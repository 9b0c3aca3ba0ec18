# SPDX-License-Identifier: Apache-2.0
"""Kernels that compare two frames: carried motion, data terms, misfit, choice of the start.

Data terms are a tensor (9, H, W), in the order of `flow.level.DataTerms`.
"""

import triton
import triton.language as tl

from affordance_seg_ros.flow.kernels.sampling import bilinear, bilinear_depth, corners
from affordance_seg_ros.flow.motion import KNOWN_SHARE

_ROUNDING = tl.constexpr(0.25)
_KNOWN = tl.constexpr(KNOWN_SHARE)


@triton.jit
def carry(motion, start, height, width, BLOCK: tl.constexpr):
    """Carry a motion (3, H, W) on to where it has led."""
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    size = height * width
    here = pixel < size
    x = pixel % width - tl.load(motion + pixel, here, 0.0)
    y = pixel // width - tl.load(motion + size + pixel, here, 0.0)
    offset, right, below, across, down = corners(x, y, height, width)
    for plane in tl.static_range(3):
        value = bilinear(motion + plane * size, offset, right, below, across, down, here)
        tl.store(start + plane * size + pixel, value, here)


@triton.jit
def linearise(
    older, newer, motion, contrasts, terms, run, height, width, BLOCK: tl.constexpr
):  # fmt: skip
    """Write the data terms of two levels, linearised around a motion; see `flow.level.linearise`.

    Args:
        older: (8, H, W) level on whose grid the motion lives.
        newer: (8, H, W) level.
        motion: (3, H, W) u, v, w.
        contrasts: (2,) contrasts of the older and the newer frame.
        terms: (9, H, W) result.
        run: () int32; nothing is done where it is 0.
        height: H.
        width: W.
        BLOCK: Pixels per program.
    """
    if tl.load(run) == 0:
        return
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    size = height * width
    here = pixel < size
    u = tl.load(motion + pixel, here, 0.0)
    v = tl.load(motion + size + pixel, here, 0.0)
    contrast = tl.sqrt(tl.load(contrasts) * tl.load(contrasts + 1))
    offset, right, below, across, down = corners(
        pixel % width + u, pixel // width + v, height, width
    )
    bright = bilinear(newer, offset, right, below, across, down, here)
    depth_m = bilinear_depth(newer + size, offset, right, below, across, down, here)
    gradients = newer + 4 * size
    i_x = bilinear(gradients, offset, right, below, across, down, here) * contrast
    i_y = bilinear(gradients + size, offset, right, below, across, down, here) * contrast
    z_x = bilinear(gradients + 2 * size, offset, right, below, across, down, here)
    z_y = bilinear(gradients + 3 * size, offset, right, below, across, down, here)
    difference = (bright - tl.load(older + pixel, here, 0.0)) * contrast
    depth_difference_m = depth_m - tl.load(older + size + pixel, here, 0.0)
    depth_difference_m = tl.where(depth_m > 0, depth_difference_m, 0.0)
    change = z_x * z_x + z_y * z_y + depth_difference_m * depth_difference_m
    at = terms + pixel
    tl.store(at, difference - (i_x * u + i_y * v), here)
    tl.store(at + size, i_x, here)
    tl.store(at + 2 * size, i_y, here)
    tl.store(at + 3 * size, depth_difference_m - (z_x * u + z_y * v), here)
    tl.store(at + 4 * size, z_x, here)
    tl.store(at + 5 * size, z_y, here)
    tl.store(at + 6 * size, 75 / (1 + 1000 * change), here)
    tl.store(at + 7 * size, difference, here)
    tl.store(at + 8 * size, depth_difference_m, here)


@triton.jit
def measure_misfit(
    terms, motion, older, misfit, height, width, side, columns, patches,
    PATCHES: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Write the mean misfit of patches of side x side pixels; see `flow.misfit.patch_misfit`.

    Args:
        terms: (9, H, W) data terms.
        motion: (3, H, W) motion at which they are linearised.
        older: (8, H, W) level.
        misfit: (patches,) result.
        height: H.
        width: W.
        side: Side of a patch [px].
        columns: Patches per row.
        patches: Number of patches.
        PATCHES: Patches per program.
        BLOCK: Power of two, at least the number of pixels of a patch.
    """
    patch = tl.program_id(0) * PATCHES + tl.arange(0, PATCHES)[:, None]
    one = tl.arange(0, BLOCK)[None, :]
    x = (patch % columns) * side + one % side
    y = (patch // columns) * side + one // side
    here = (patch < patches) & (one < side * side) & (x < width) & (y < height)
    size = height * width
    pixel = y * width + x
    factor = tl.load(terms + 6 * size + pixel, here, 0.0)
    difference = tl.load(terms + 7 * size + pixel, here, 0.0)
    depth_difference_m = tl.load(terms + 8 * size + pixel, here, 0.0)
    change_m = tl.load(motion + 2 * size + pixel, here, 0.0)
    found = tl.abs(difference) + factor * tl.abs(depth_difference_m - change_m)
    seen = tl.load(older + size + pixel, here, 0.0) > 0
    total = tl.sum(tl.where(seen, found, 0.0), 1)
    pixels = tl.sum(tl.where(here, 1.0, 0.0), 1)
    patch = tl.program_id(0) * PATCHES + tl.arange(0, PATCHES)
    tl.store(misfit + patch, total / tl.maximum(pixels, 1.0), patch < patches)


@triton.jit
def choose_start(misfit, reference, first, limit, runs, rise, patches, BLOCK: tl.constexpr):
    """Choose between a warm and a cold start, by the ratio of `flow.misfit.rise`.

    Args:
        misfit: (patches,) misfit of the motion carried on.
        reference: (patches,) misfit of the last result.
        first: () int32, 1 where there is no last result.
        limit: Rise beyond which the start is cold.
        runs: (2,) int32 result: whether to start cold, whether to start warm.
        rise: () result, the rise; NaN where there is no last result.
        patches: Number of patches.
        BLOCK: Power of two, at least the number of patches.
    """
    one = tl.arange(0, BLOCK)
    here = one < patches
    before = tl.load(reference + one, here, 0.0)
    floor = tl.maximum(tl.sum(before, 0) / patches, _ROUNDING)
    ratio = tl.load(misfit + one, here, 0.0) / tl.maximum(before, floor)
    largest = tl.max(ratio, 0)
    is_first = tl.load(first)
    # Written so that NaN, which the largest ratio may hide, starts cold.
    unfit = tl.sum(tl.where(ratio <= limit, 0, 1), 0)
    cold = tl.where((is_first != 0) | (unfit > 0), 1, 0)
    tl.store(runs, cold)
    tl.store(runs + 1, 1 - cold)
    tl.store(rise, tl.where(is_first != 0, float("nan"), largest))


@triton.jit
def back_project(
    motion, older, newer, older_rays, newer_rays, flow, valid, height, width, BLOCK: tl.constexpr
):  # fmt: skip
    """Write the scene flow of a motion; see `flow.motion.scene_flow`.

    Args:
        motion: (3, H, W) u, v [px] and w [m].
        older: (8, H, W) level on whose grid the motion lives.
        newer: (8, H, W) level.
        older_rays: (3, H, W) points at depth 1 of the older frame's camera, 0 where not known.
        newer_rays: (3, H, W) the same for the newer frame's camera.
        flow: (6, H, W) result: u, v, w and the motion in metres.
        valid: (H, W) uint8 result.
        height: H.
        width: W.
        BLOCK: Pixels per program.
    """
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    size = height * width
    here = pixel < size
    u = tl.load(motion + pixel, here, 0.0)
    v = tl.load(motion + size + pixel, here, 0.0)
    w = tl.load(motion + 2 * size + pixel, here, 0.0)
    x = pixel % width + u
    y = pixel // width + v
    offset, right, below, across, down = corners(x, y, height, width)
    z = tl.load(older + size + pixel, here, 0.0)
    newer_m = bilinear_depth(newer + size, offset, right, below, across, down, here)
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    known = bilinear(newer_rays + 2 * size, offset, right, below, across, down, here)
    is_known = (tl.load(older_rays + 2 * size + pixel, here, 0.0) > 0) & (known > _KNOWN)
    is_valid = (z > 0) & (newer_m > 0) & inside & is_known
    tl.store(flow + pixel, u, here)
    tl.store(flow + size + pixel, v, here)
    tl.store(flow + 2 * size + pixel, w, here)
    for plane in tl.static_range(3):
        ray = bilinear(newer_rays + plane * size, offset, right, below, across, down, here)
        start_m = tl.load(older_rays + plane * size + pixel, here, 0.0) * z
        motion_m = tl.where(is_valid, ray * (z + w) - start_m, 0.0)
        tl.store(flow + (3 + plane) * size + pixel, motion_m, here)
    tl.store(valid + pixel, is_valid.to(tl.uint8), here)
