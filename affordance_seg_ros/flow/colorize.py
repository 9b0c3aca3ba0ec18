# SPDX-License-Identifier: Apache-2.0
"""Scene flow as a three-channel picture: what the flow stream of the network sees."""

from collections.abc import Callable

import torch
from torch import Tensor

from affordance_seg_ros.config import STILL, InputConfig
from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.frames import SceneFlow


def colorize(flow: SceneFlow, config: InputConfig, *, mode: str) -> Tensor:
    """Colour scene flow by one of the encodings of `InputConfig.flow_encoding`.

    'signed' maps [-range, range] to [0, 1], so 0.5 means still in every frame. 'stretched'
    maps each axis from its smallest to its largest value in this frame, as the paper says.
    'viewer' drops the sign and divides by the largest value of the frame, blue for x, green for
    y and red for z, as PD-Flow's viewer does.

    Mode '3d' colours the motion in metres, as channels x, y, z; pixels without valid motion count
    as still. Mode '2d' colours the optical flow of all pixels, with or without depth, as channels
    u, v and a constant; its range is that of a motion of `flow_range_m` where the input's longer
    side spans one metre.

    Args:
        flow: The scene flow.
        config: The encoding and its range.
        mode: '2d' or '3d'.

    Returns:
        (3, H, W) float32 in [0, 1].

    Raises:
        ConfigError: The mode is unknown.
    """
    if mode == "3d":
        motion, full_scale = flow.motion_m * flow.valid, config.flow_range_m
    elif mode == "2d":
        motion = torch.cat((flow.flow_px, torch.zeros_like(flow.flow_px[:1])))
        full_scale = config.flow_range_m * max(config.height, config.width)
    else:
        raise ConfigError(f"flow mode '{mode}'; expected one of 2d, 3d")
    return _ENCODINGS[config.flow_encoding](motion, full_scale)


def _signed(motion: Tensor, full_scale: float) -> Tensor:
    return (motion / (2 * full_scale) + STILL).clamp_(0, 1)


def _stretched(motion: Tensor, _: float) -> Tensor:
    low, high = motion.amin((1, 2), keepdim=True), motion.amax((1, 2), keepdim=True)
    span = high - low
    return torch.where(span > 0, (motion - low) / span, torch.full_like(motion, STILL))


def _viewer(motion: Tensor, _: float) -> Tensor:
    size = motion.abs().flip(0)
    return size / size.amax().clamp(min=torch.finfo(size.dtype).tiny)


_ENCODINGS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "signed": _signed,
    "stretched": _stretched,
    "viewer": _viewer,
}
