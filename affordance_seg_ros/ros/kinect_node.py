# SPDX-License-Identifier: Apache-2.0
"""The executable ``kinect_node``."""

from affordance_seg_ros.ros.process import Runnable, run


def main() -> int:
    """Run the Azure Kinect node; returns the exit code."""
    return run("kinect", _create)


def _create() -> Runnable:
    from affordance_seg_ros.ros.kinect import KinectNode

    return KinectNode()
