# SPDX-License-Identifier: Apache-2.0
"""The executable ``affordance_node``."""

from affordance_seg_ros.ros.process import Runnable, run


def main() -> int:
    """Run the affordance node; returns the exit code."""
    return run("affordance", _create)


def _create() -> Runnable:
    from affordance_seg_ros.ros.log_bridge import bridge_logging
    from affordance_seg_ros.ros.node import AffordanceNode

    node = AffordanceNode()
    bridge_logging(node.get_logger())
    return node
