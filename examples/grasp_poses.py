# SPDX-License-Identifier: Apache-2.0
"""Print a grasp pose for each region that affords an action: an example of using `regions`.

python examples/grasp_poses.py --ros-args -p label:=grasp -p max_opening_m:=0.085
"""

import sys
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node

from affordance_seg_ros.msg import AffordanceRegion, AffordanceRegionArray
from affordance_seg_ros.pipeline.rigid_transform import quaternion_of


class Grasp(NamedTuple):
    """A parallel gripper's pose in the frame of the regions.

    Attributes:
        position_m: (3,) where the fingertips close [m].
        approach: (3,) unit direction in which the gripper approaches, against the surface normal.
        closing: (3,) unit direction in which the fingers close, across the part.
        opening_m: Opening between the fingers that the part needs [m].
        standoff_m: (3,) where the approach begins [m].
    """

    position_m: npt.NDArray[np.float64]
    approach: npt.NDArray[np.float64]
    closing: npt.NDArray[np.float64]
    opening_m: float
    standoff_m: npt.NDArray[np.float64]

    @property
    def orientation(self) -> npt.NDArray[np.float64]:
        """Quaternion x, y, z, w of a gripper whose z is its approach, and y its closing."""
        x = np.cross(self.closing, self.approach)
        return quaternion_of(np.stack([x, self.closing, self.approach], axis=1))


def grasp_of(
    region: AffordanceRegion, *, max_opening_m: float, distance_m: float, margin_m: float = 0.01
) -> Grasp | None:
    """Return how a parallel gripper grasps a region from the front; None if it cannot.

    Args:
        region: A region with depth.
        max_opening_m: Widest opening of the gripper [m].
        distance_m: Length of the straight approach [m].
        margin_m: Clearance between part and fingers, for both sides together [m].
    """
    centroid = np.array([region.centroid.x, region.centroid.y, region.centroid.z])
    normal = np.array([region.normal.x, region.normal.y, region.normal.z])
    if not np.isfinite([*centroid, *normal]).all():
        return None  # too little depth
    opening_m = region.extents.y + margin_m  # across the longest axis
    if opening_m > max_opening_m:
        return None
    across = region.axes[1]
    return Grasp(
        position_m=centroid,
        approach=-normal,
        closing=np.array([across.x, across.y, across.z]),
        opening_m=opening_m,
        standoff_m=centroid + distance_m * normal,
    )


class GraspPoses(Node):
    """Prints the grasps of the regions that can be relied on."""

    def __init__(self) -> None:
        super().__init__("grasp_poses")
        self._label = self.declare_parameter("label", "grasp").value
        self._max_opening_m = self.declare_parameter("max_opening_m", 0.085).value
        self._distance_m = self.declare_parameter("distance_m", 0.1).value
        self._min_frames = self.declare_parameter("min_frames", 3).value
        self._min_depth_fraction = self.declare_parameter("min_depth_fraction", 0.5).value
        self._allow_untrained = self.declare_parameter("allow_untrained", False).value
        self.create_subscription(AffordanceRegionArray, "/affordance/regions", self._on_regions, 5)

    def _on_regions(self, message: AffordanceRegionArray) -> None:
        if not (message.trained or self._allow_untrained):
            self.get_logger().error(
                f"weights '{message.weights}' are untrained: their regions mean nothing",
                throttle_duration_sec=5.0,
            )
            return
        for region in message.regions:
            if (
                region.name != self._label
                or region.track_frames < self._min_frames  # seen but once: flicker
                or region.depth_fraction < self._min_depth_fraction
            ):
                continue
            grasp = grasp_of(region, max_opening_m=self._max_opening_m, distance_m=self._distance_m)
            if grasp is None:
                self.get_logger().info(f"{region.name} #{region.track_id}: not for this gripper")
                continue
            print(
                f"{region.name} #{region.track_id} in {message.header.frame_id}: "
                f"at {_words(grasp.position_m)} m, orientation {_words(grasp.orientation)}, "
                f"opening {1e3 * grasp.opening_m:.0f} mm, from {_words(grasp.standoff_m)} m",
                flush=True,
            )


def _words(vector: npt.NDArray[np.float64]) -> str:
    return f"({', '.join(f'{value:.3f}' for value in np.round(vector, 3) + 0.0)})"  # no -0.000


def main() -> None:
    """Run until interrupted."""
    rclpy.init(args=sys.argv)
    try:
        rclpy.spin(GraspPoses())
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
