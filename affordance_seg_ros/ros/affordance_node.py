# SPDX-License-Identifier: Apache-2.0
"""The executable ``affordance_node``."""

import sys

from affordance_seg_ros.ros.process import Runnable, run

_PURPOSE = (
    "Subscribe to aligned colour and depth (color/image, depth/image, color/camera_info), publish "
    "affordance masks, regions and the action."
)


def main() -> int:
    """Run the affordance node and return the exit code."""
    return run("affordance", _create)


def _create() -> Runnable:
    from affordance_seg_ros.ros.command_line import check_command_line

    check_command_line(sys.argv, "affordance_node", _PURPOSE)
    from affordance_seg_ros.ros.log_bridge import bridge_logging
    from affordance_seg_ros.ros.node import AffordanceNode

    node = AffordanceNode()
    bridge_logging(node.get_logger())
    return node
