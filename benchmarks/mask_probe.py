# SPDX-License-Identifier: Apache-2.0
"""Records how old the picture of each mask of a running node is when the mask arrives."""

import argparse
import json
import sys
import time
from pathlib import Path

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from affordance_seg_ros.sources.decode import stamp_ns

READY = "probing"
"""Printed once the node's publisher is found: no mask is missed from then on."""
_TOPIC = "/affordance/mask"


class MaskProbe(Node):
    """Subscribes to the mask.

    Attributes:
        ages_ms: Time from the stamp of each mask to its arrival [ms].
    """

    def __init__(self) -> None:
        super().__init__("mask_probe")
        self.ages_ms: list[float] = []
        qos = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)
        self.create_subscription(Image, _TOPIC, self._on_mask, qos)

    def is_connected(self) -> bool:
        """Return whether the node publishes."""
        return self.count_publishers(_TOPIC) > 0

    def _on_mask(self, message: Image) -> None:
        self.ages_ms.append(1e-6 * (time.time_ns() - stamp_ns(message.header)))


def main() -> int:
    """Probe until SIGINT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", type=Path, required=True, help="file for the ages")
    arguments = parser.parse_args()
    rclpy.init(args=[])
    probe = MaskProbe()
    try:
        while not probe.is_connected():
            rclpy.spin_once(probe, timeout_sec=0.1)
        print(READY, flush=True)
        rclpy.spin(probe)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        arguments.report.write_text(json.dumps({"ages_ms": probe.ages_ms}) + "\n")
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
