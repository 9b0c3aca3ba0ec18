# SPDX-License-Identifier: Apache-2.0
"""Depth images as in REP 118: 16 bits are millimetres, floats are metres; the encoding decides."""

from types import MappingProxyType

from affordance_seg_ros.errors import EncodingError
from affordance_seg_ros.frames import DepthImage
from affordance_seg_ros.sources.messages import ImageMessage, Layout, pixel_view

METRES_PER_UNIT = MappingProxyType({"16UC1": 0.001, "mono16": 0.001, "32FC1": 1.0})
"""Length of one unit [m] of each depth encoding."""

_LAYOUTS = {0.001: Layout("u2", 1), 1.0: Layout("f4", 1)}


def decode_depth(msg: ImageMessage) -> DepthImage:
    """Return the depth of an image message in the sensor's own units.

    Returns:
        Depth whose array is a view of the message's data unless the byte order differs.

    Raises:
        EncodingError: The encoding is not in `METRES_PER_UNIT`, or the data do not fit the size.
    """
    metres_per_unit = METRES_PER_UNIT.get(msg.encoding)
    if metres_per_unit is None:
        raise EncodingError(
            f"depth encoding '{msg.encoding}'; expected one of {', '.join(METRES_PER_UNIT)}"
        )
    return DepthImage(pixel_view(msg, _LAYOUTS[metres_per_unit]), metres_per_unit)
