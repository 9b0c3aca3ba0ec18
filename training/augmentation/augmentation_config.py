# SPDX-License-Identifier: Apache-2.0
"""How much training samples are changed."""

from dataclasses import dataclass

from affordance_seg_ros.options import Options, option


@dataclass(frozen=True)
class AugmentationConfig(Options):
    """Strength of each change; a sample draws its own values once for all its frames."""

    mirror: float = option(0.5, "Share of samples mirrored", minimum=0.0, maximum=1.0)
    zoom: float = option(
        1.3, "Largest enlargement; the smallest is its inverse; 1 for none", minimum=1.0,
        maximum=4.0,
    )  # fmt: skip
    shift: float = option(
        0.1,
        "Largest shift of the crop, as a share of the picture's sides",
        minimum=0.0,
        maximum=0.5,
    )
    world_scale: float = option(
        1.1, "Largest factor on depth and motion alike; the smallest is its inverse", minimum=1.0,
        maximum=2.0,
    )  # fmt: skip
    brightness: float = option(
        0.25, "Largest change of the exposure, as a share", minimum=0.0, maximum=0.9
    )
    contrast: float = option(0.25, "Largest change of contrast", minimum=0.0, maximum=0.9)
    saturation: float = option(0.4, "Largest change of saturation", minimum=0.0, maximum=1.0)
    white_balance: float = option(
        0.1, "Largest change of a colour channel's gain", minimum=0.0, maximum=0.9
    )
    color_noise: float = option(
        0.02, "Largest standard deviation of noise on colours in [0, 1]", minimum=0.0, maximum=0.5
    )
    depth_noise: float = option(
        0.003, "Largest standard deviation of depth noise at 1 m, growing with its square",
        unit="m", minimum=0.0, maximum=0.5,
    )  # fmt: skip
    depth_holes: int = option(
        4, "Largest number of holes in the depth of a frame", minimum=0, maximum=100
    )
    depth_missing: float = option(
        0.0, "Share of samples without any depth", minimum=0.0, maximum=1.0
    )
    fast: float = option(0.2, "Share of sequences played at double speed", minimum=0.0, maximum=1.0)
    drop: float = option(
        0.05, "Share of frames that are dropped, as a camera drops them", minimum=0.0, maximum=0.9
    )
    linger: float = option(
        0.0, "Share of sequences whose last frame stays for a while, up to half of the sequence: "
        "nothing moves, and what was shown has to be remembered", minimum=0.0, maximum=1.0,
    )  # fmt: skip


NO_AUGMENTATION = AugmentationConfig(
    mirror=0.0, zoom=1.0, shift=0.0, world_scale=1.0, brightness=0.0, contrast=0.0,
    saturation=0.0, white_balance=0.0, color_noise=0.0, depth_noise=0.0, depth_holes=0, fast=0.0,
    drop=0.0,
)  # fmt: skip
"""Samples as they are, for validation."""
