# SPDX-License-Identifier: Apache-2.0
"""What scene flow is estimated from."""

from typing import NamedTuple

import torch
from torch import Tensor

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.errors import FrameError


class FlowInput(NamedTuple):
    """One frame, as scene flow sees it.

    Attributes:
        gray: (H, W) float32 brightness 0.299 R + 0.587 G + 0.114 B, in 0..255.
        depth_m: (H, W) float32 depth on the same pixel grid [m]; 0 = no depth.
        camera: Intrinsics of that pixel grid.
    """

    gray: Tensor
    depth_m: Tensor
    camera: Camera

    def to(self, device: torch.device) -> "FlowInput":
        """Return the frame on a device; itself if it is there already."""
        return self._replace(gray=self.gray.to(device), depth_m=self.depth_m.to(device))


def check_input(frame: FlowInput, previous: FlowInput | None) -> None:
    """Raise unless the frame is consistent and as large as the one before it.

    Raises:
        FrameError: Brightness, depth and camera differ in size, the type is not float32, depth is
            not finite (checked on the CPU only), or the size has changed since the previous
            frame.
    """
    size = (frame.camera.height, frame.camera.width)
    for name, image in (("gray", frame.gray), ("depth_m", frame.depth_m)):
        if tuple(image.shape) != size or image.dtype != torch.float32:
            raise FrameError(
                f"{name} {image.dtype} of shape {tuple(image.shape)} with a camera of "
                f"{size[1]}x{size[0]}; expected torch.float32 of shape {size}"
            )
    # Checking values on a GPU would make the host wait; the pipeline's depth is clean.
    if frame.depth_m.device.type == "cpu" and not frame.depth_m.isfinite().all():
        raise FrameError("depth_m is not finite; expected metres, and 0 where depth is missing")
    if previous is not None and previous.gray.shape != frame.gray.shape:
        height, width = previous.gray.shape
        raise FrameError(
            f"a frame of {size[1]}x{size[0]} after one of {width}x{height}; expected equal sizes, "
            "or reset() between them"
        )
