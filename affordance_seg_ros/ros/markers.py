# SPDX-License-Identifier: Apache-2.0
"""Regions as markers, for RViz and Foxglove."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point, Vector3
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from affordance_seg_ros.frames import Region
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.ros.encode import pose

_ARROW_M = 0.06
_TEXT_M = 0.02
_LIFETIME = Duration(sec=2)
"""Lifetime of a marker that is not replaced, as when a camera is unplugged."""
_THINNEST_M = 0.001
"""A box without thickness is not drawn."""


def region_markers(regions: Sequence[Region], labels: LabelSet, head: Header) -> MarkerArray:
    """Return oriented boxes, normals and names of the regions with depth, and nothing else.

    Args:
        regions: Regions in the header's frame.
        labels: Colours of the labels.
        head: Header of each marker.
    """
    # First delete what the last array showed: regions come and go.
    found = [Marker(header=head, action=Marker.DELETEALL)]
    for region in regions:
        if np.isfinite(region.center_m).all():
            found += _markers(region, labels, head)
    return MarkerArray(markers=found)


def _markers(region: Region, labels: LabelSet, head: Header) -> Iterator[Marker]:
    red, green, blue = (labels.colors_rgb[region.label_id] / 255).tolist()
    solid = ColorRGBA(r=red, g=green, b=blue, a=1.0)
    common = {
        "header": head,
        "id": region.track_id,
        "action": Marker.ADD,
        "lifetime": _LIFETIME,
    }
    x, y, z = np.maximum(region.extents_m, _THINNEST_M).tolist()
    yield Marker(
        ns="boxes",
        type=Marker.CUBE,
        pose=pose(region),
        scale=Vector3(x=x, y=y, z=z),
        color=ColorRGBA(r=red, g=green, b=blue, a=0.4),
        **common,
    )
    tip_m = region.centroid_m + _ARROW_M * region.normal
    yield Marker(
        ns="normals",
        type=Marker.ARROW,
        points=[_point(region.centroid_m), _point(tip_m)],
        scale=Vector3(x=0.005, y=0.012, z=0.02),  # shaft, head, length of the head [m]
        color=solid,
        **common,
    )
    text = Marker(
        ns="names",
        type=Marker.TEXT_VIEW_FACING,
        text=f"{region.name} {region.score:.2f} #{region.track_id}",
        scale=Vector3(z=_TEXT_M),
        color=solid,
        **common,
    )
    text.pose.position = _point(tip_m + _TEXT_M * region.normal)
    yield text


def _point(place_m: npt.NDArray[np.float64]) -> Point:
    x, y, z = place_m.tolist()
    return Point(x=x, y=y, z=z)
