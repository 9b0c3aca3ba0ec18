# SPDX-License-Identifier: Apache-2.0
"""Predictions as messages; every header carries the colour image's own stamp."""

import array
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from sensor_msgs.msg import CameraInfo, Image, RegionOfInterest
from std_msgs.msg import ColorRGBA, Header

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.frames import Prediction, Region
from affordance_seg_ros.labels import BACKGROUND, LabelSet
from affordance_seg_ros.msg import ActionClass, AffordanceRegion, AffordanceRegionArray, LabelInfo
from affordance_seg_ros.pipeline.rigid_transform import quaternion_of

_LAYOUTS = {
    "mono8": (np.uint8, 1),
    "rgb8": (np.uint8, 3),
    "bgra8": (np.uint8, 4),
    "16UC1": (np.uint16, 1),
    "32FC1": (np.float32, 1),
}


def header(stamp_ns: int, frame_id: str) -> Header:
    """Return a header with a stamp [ns] and a frame."""
    seconds, nanoseconds = divmod(stamp_ns, 1_000_000_000)
    return Header(stamp=Time(sec=seconds, nanosec=nanoseconds), frame_id=frame_id)


def image(pixels: npt.NDArray[Any], encoding: str, head: Header) -> Image:
    """Return an image message.

    Args:
        pixels: (H, W) or (H, W, channels) of the encoding's type.
        encoding: mono8, rgb8, bgra8, 16UC1 or 32FC1.
        head: Header of the message.
    """
    kind, channels = _LAYOUTS[encoding]
    shape = pixels.shape if channels > 1 else (*pixels.shape, 1)
    assert shape[2:] == (channels,), encoding
    assert pixels.dtype == kind, encoding
    # Anything but an array.array makes the setter of `data` check each element: 26 to 350 ms for
    # a picture instead of 0.1 ms.
    data = array.array("B")
    data.frombytes(np.ascontiguousarray(pixels).data.cast("B"))
    message = Image(header=head, height=shape[0], width=shape[1], encoding=encoding)
    message.step = shape[1] * channels * pixels.itemsize
    message.data = data
    return message


def camera_info(camera: Camera, head: Header) -> CameraInfo:
    """Return the camera_info of pictures that are not rectified."""
    k = camera.matrix
    p = np.zeros((3, 4))
    p[:, :3] = k
    return CameraInfo(
        header=head,
        height=camera.height,
        width=camera.width,
        distortion_model="rational_polynomial" if len(camera.distortion) == 8 else "plumb_bob",
        d=list(camera.distortion) or [0.0] * 5,
        k=k.ravel().tolist(),
        r=np.eye(3).ravel().tolist(),
        p=p.ravel().tolist(),
    )


def action(
    prediction: Prediction, labels: LabelSet, weights: str, trained: bool, head: Header
) -> ActionClass:
    """Return the action message."""
    found = prediction.action
    return ActionClass(
        header=head,
        id=found.id,
        name=found.name,
        score=float(found.score),
        names=list(labels.actions),
        scores=found.scores.tolist(),
        weights=weights,
        trained=trained,
    )


def regions(
    found: Sequence[Region], weights: str, trained: bool, head: Header
) -> AffordanceRegionArray:
    """Return the message of all regions."""
    return AffordanceRegionArray(
        header=head,
        regions=[_region(region) for region in found],
        weights=weights,
        trained=trained,
    )


def label_info(
    labels: LabelSet, threshold: float, weights: str, trained: bool, head: Header
) -> LabelInfo:
    """Return the message that says what the ids in the mask mean."""
    ids = range(BACKGROUND, labels.class_count)
    colors = labels.colors_rgb[: labels.class_count].astype(np.float64) / 255
    return LabelInfo(
        header=head,
        ids=list(ids),
        names=[labels.name(label_id) for label_id in ids],
        colors=[ColorRGBA(r=r, g=g, b=b, a=1.0) for r, g, b in colors.tolist()],
        threshold=threshold,
        weights=weights,
        trained=trained,
    )


def _region(region: Region) -> AffordanceRegion:
    box = region.box
    return AffordanceRegion(
        track_id=region.track_id,
        track_frames=region.track_frames,
        label_id=region.label_id,
        name=region.name,
        score=float(region.score),
        box=RegionOfInterest(x_offset=box.x, y_offset=box.y, width=box.width, height=box.height),
        area_px=region.area_px,
        area_m2=float(region.area_m2),
        depth_fraction=float(region.depth_fraction),
        centroid=Point(**_xyz(region.centroid_m)),
        normal=Vector3(**_xyz(region.normal)),
        axes=[Vector3(**_xyz(axis)) for axis in region.axes],
        extents=Vector3(**_xyz(region.extents_m)),
        pose=pose(region),
    )


def pose(region: Region) -> Pose:
    """Return centre and orientation of a region's oriented box."""
    x, y, z, w = quaternion_of(region.axes.T).tolist()
    return Pose(position=Point(**_xyz(region.center_m)), orientation=Quaternion(x=x, y=y, z=z, w=w))


def _xyz(vector: npt.NDArray[np.float64]) -> dict[str, float]:
    return dict(zip("xyz", vector.tolist(), strict=True))
