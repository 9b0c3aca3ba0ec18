# SPDX-License-Identifier: Apache-2.0
"""The executable ``kinect_node``."""

import sys

from affordance_seg_ros.ros.process import Runnable, run

_PURPOSE = (
    "Publish colour, depth aligned to it, and camera_info of an Azure Kinect, or of a recording of "
    "one."
)


def main() -> int:
    """Run the Azure Kinect node and return the exit code."""
    return run("kinect", _create)


def _create() -> Runnable:
    from affordance_seg_ros.ros.command_line import check_command_line

    check_command_line(sys.argv, "kinect_node", _PURPOSE)
    from affordance_seg_ros.ros.kinect import KinectNode

    return KinectNode()
