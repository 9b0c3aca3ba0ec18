# SPDX-License-Identifier: Apache-2.0
"""How a picture of one shape is fitted to a network input of another."""

from typing import NamedTuple

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.config import InputConfig
from affordance_seg_ros.frames import Box


class Fit(NamedTuple):
    """The window of the picture that the network sees, and where it lies in the network's input.

    Attributes:
        source: Window of the picture [px].
        target: Where it lies in the input, resized [px]; everything around it is padding.
        width: Width of the input [px].
        height: Height of the input [px].
    """

    source: Box
    target: Box
    width: int
    height: int

    @property
    def is_padded(self) -> bool:
        """Whether the input has a border that shows nothing."""
        return (self.target.width, self.target.height) != (self.width, self.height)

    def camera(self, camera: Camera) -> Camera:
        """Return the camera of the input, given that of the picture."""
        x, y, width, height = self.source
        window = camera.crop(x, y, width, height).resize(self.target.width, self.target.height)
        return window.crop(-self.target.x, -self.target.y, self.width, self.height)


def fit(width: int, height: int, config: InputConfig) -> Fit:
    """Return the fit of pictures of width x height pixels to the input that `config` describes."""
    whole_picture = Box(0, 0, width, height)
    whole_input = Box(0, 0, config.width, config.height)
    # Which side of the picture is the limit: aspect ratios are compared as products, exactly.
    wider = width * config.height > config.width * height
    match config.fit:
        case "letterbox":
            if wider:
                rows = max(1, round(height * config.width / width))
                target = Box(0, (config.height - rows) // 2, config.width, rows)
            else:
                columns = max(1, round(width * config.height / height))
                target = Box((config.width - columns) // 2, 0, columns, config.height)
            return Fit(whole_picture, target, config.width, config.height)
        case "center_crop":
            if wider:
                columns = max(1, round(height * config.width / config.height))
                source = Box((width - columns) // 2, 0, columns, height)
            else:
                rows = max(1, round(width * config.height / config.width))
                source = Box(0, (height - rows) // 2, width, rows)
            return Fit(source, whole_input, config.width, config.height)
        case _:
            return Fit(whole_picture, whole_input, config.width, config.height)
