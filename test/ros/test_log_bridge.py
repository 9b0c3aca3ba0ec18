# SPDX-License-Identifier: Apache-2.0
import logging

import pytest

from affordance_seg_ros.ros.log_bridge import bridge_logging


class Recorder:
    """A logger that remembers, with the methods of rclpy's."""

    def __init__(self) -> None:
        self.lines = []

    def __getattr__(self, severity):
        return lambda text: self.lines.append((severity, text))


@pytest.fixture
def recorder():
    source = logging.getLogger("affordance_seg_ros")
    before = (source.handlers, source.propagate, source.level)
    recorder = Recorder()
    bridge_logging(recorder)
    yield recorder
    source.handlers, source.propagate = before[:2]
    source.setLevel(before[2])


def test_the_core_s_log_comes_out_of_the_node_at_its_severity(recorder) -> None:
    log = logging.getLogger("affordance_seg_ros.model.anything")
    log.error("a %d", 1)
    log.warning("b")
    log.info("c")
    log.debug("hidden")
    assert recorder.lines == [("error", "a 1"), ("warning", "b"), ("info", "c")]


def test_other_libraries_are_not_bridged(recorder) -> None:
    logging.getLogger("torch").warning("not ours")
    assert recorder.lines == []
