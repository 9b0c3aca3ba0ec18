# SPDX-License-Identifier: Apache-2.0
"""Predictions put together from topics, and what is done with those that stay incomplete."""

from collections.abc import Iterator

import pytest

pytest.importorskip("rclpy")

from sensor_msgs.msg import Image

from affordance_seg_ros.ros.collector import PredictionCollector
from affordance_seg_ros.ros.encode import header

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
