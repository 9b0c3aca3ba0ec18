# SPDX-License-Identifier: Apache-2.0
"""Labelled points as a PointCloud2."""

import array
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header


def packed_cloud(
    header: Header, fields: Sequence[PointField], points: npt.NDArray[np.void]
) -> PointCloud2:
    """Return the cloud of a packed structured array, with the same bytes as `sensor_msgs_py`'s."""
    data = array.array("B")  # the setter would check anything else byte by byte
    data.frombytes(points.data.cast("B") if points.size else b"")
    cloud = PointCloud2(
        header=header,
        fields=list(fields),
        point_step=points.itemsize,
        is_bigendian=sys.byteorder != "little",
    )
    cloud.data = data
    return cloud


try:
    from sensor_msgs_py.point_cloud2 import create_cloud
except ImportError:  # a ROS distribution has it, PyPI does not
    create_cloud = packed_cloud

_TYPES = {np.dtype("<f4"): PointField.FLOAT32, np.dtype("<u4"): PointField.UINT32}


def point_cloud(points: npt.NDArray[np.void], head: Header) -> PointCloud2:
    """Return points as a message.

    Args:
        points: (N,) or, organised, (H, W) array of `pipeline.points.POINT`.
        head: Header of the message.
    """
    kind: Any = points.dtype
    fields = [
        PointField(
            name=name, offset=kind.fields[name][1], datatype=_TYPES[kind.fields[name][0]], count=1
        )
        for name in kind.names
    ]
    message = create_cloud(head, fields, np.ascontiguousarray(points))
    # sensor_msgs_py marks every cloud as not dense, and mistakes rows for columns.
    message.height, message.width = points.shape if points.ndim == 2 else (1, len(points))
    message.row_step = message.width * points.itemsize
    message.is_dense = bool(np.isfinite(points["z"]).all())
    return message
