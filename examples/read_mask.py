# SPDX-License-Identifier: Apache-2.0
"""Print what each mask marks, and where: an example of using `/affordance/mask`.

python examples/read_mask.py
"""

import sys

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image

from affordance_seg_ros.msg import LabelInfo


class ReadMask(Node):
    """Prints the affordances of each mask with their pixels."""

    def __init__(self) -> None:
        super().__init__("read_mask")
        self._names: dict[int, str] = {}
        # The meaning of the ids is published once, and kept for those who subscribe later.
        kept = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.create_subscription(LabelInfo, "/affordance/label_info", self._on_labels, kept)
        self.create_subscription(Image, "/affordance/mask", self._on_mask, 5)

    def _on_labels(self, message: LabelInfo) -> None:
        self._names = dict(zip(message.ids, message.names, strict=True))

    def _on_mask(self, message: Image) -> None:
        rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
        mask = rows[:, : message.width]  # (H, W) label ids, on the pixels of the colour image
        for label in np.unique(mask[mask > 0]).tolist():
            y, x = np.nonzero(mask == label)
            name = self._names.get(label, f"label {label}")
            print(f"{name}: {x.size} px around ({x.mean():.0f}, {y.mean():.0f})", flush=True)


def main() -> None:
    """Run until interrupted."""
    rclpy.init(args=sys.argv)
    try:
        rclpy.spin(ReadMask())
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
