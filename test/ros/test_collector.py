# SPDX-License-Identifier: Apache-2.0
"""Predictions put together from topics, and what is done with those that stay incomplete."""

import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy")

from harness import child
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image

from affordance_seg_ros.msg import ActionClass, LabelInfo
from affordance_seg_ros.ros.collector import PredictionCollector
from affordance_seg_ros.ros.encode import header, image

_MANY = 150


@pytest.fixture
def collector() -> Iterator[PredictionCollector]:
    found = PredictionCollector(lambda prediction, announcement: None)
    yield found
    found.destroy_node()


def test_what_comes_before_label_info_is_kept_only_as_far_as_memory_is_bounded(
    collector: PredictionCollector,
) -> None:
    receive = collector._receiver("mask")
    for stamp in range(_MANY):
        receive(Image(header=header(stamp, "camera")))
    assert collector.received.counts["mask"] == _MANY
    assert len(collector._waiting) + collector.received.incomplete == _MANY
    assert 0 < len(collector._waiting) < _MANY
    collector.give_up()
    assert (len(collector._waiting), collector.received.incomplete) == (0, _MANY)


SLOW = textwrap.dedent("""
    import time
    from affordance_seg_ros.ros.collector import collect
    found = []
    def take(prediction, announcement):
        time.sleep(0.1)
        found.append(prediction)
    print("made", flush=True)
    collect(take, namespace="/affordance", on_connected=lambda: print("recording", flush=True))
    print(len(found), flush=True)
""")


def test_what_was_published_before_the_end_is_still_handed_over(client: Any) -> None:
    node, count = client.node, 30
    qos = QoSProfile(depth=200)
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    pictures = {
        name: node.create_publisher(Image, f"/affordance/{name}", qos)
        for name in ("mask", "confidence", "flow")
    }
    actions = node.create_publisher(ActionClass, "/affordance/action", qos)
    labels = node.create_publisher(LabelInfo, "/affordance/label_info", latched)
    labels.publish(LabelInfo(names=["background", "cut"], weights="some", trained=True))
    with child([sys.executable, "-c", SLOW], stdout=subprocess.PIPE, text=True) as collecting:
        assert collecting.stdout is not None
        assert collecting.stdout.readline() == "made\n"
        for publisher in (*pictures.values(), actions):
            client.wait(publisher.get_subscription_count)
        assert collecting.stdout.readline() == "recording\n"
        client.spin(0.5)
        for stamp in range(count):
            head = header(stamp, "camera")
            pictures["mask"].publish(image(np.zeros((4, 5), np.uint8), "mono8", head))
            pictures["confidence"].publish(image(np.zeros((4, 5), np.float32), "32FC1", head))
            pictures["flow"].publish(image(np.zeros((4, 5, 3), np.uint8), "rgb8", head))
            action = ActionClass(header=head, name="cut", names=["cut"], scores=[1.0], score=1.0)
            actions.publish(action)
        client.spin(0.3)
        collecting.send_signal(signal.SIGINT)
        assert collecting.stdout.readline() == f"{count}\n"
