# SPDX-License-Identifier: Apache-2.0
"""What becomes of pictures whose calibration comes late, or came before."""

import pytest
from camera_double import (
    TestCamera,
    info_message,
)
from rclpy.qos import (
    DurabilityPolicy,
    QoSProfile,
    ReliabilityPolicy,
)
from sensor_msgs.msg import CameraInfo, Image
from std_srvs.srv import SetBool, Trigger

from affordance_seg_ros.sources.decode import stamp_ns

KEPT = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


@pytest.fixture
def waiting(client, start, camera):
    """Return the masks of a node in which a pair waits for its calibration, and its stamp."""
    start(rate_hz=0)
    masks = client.collect(Image, "/affordance/mask")
    camera.wait_for_subscriber()
    stamp = camera.now_ns()
    camera.publish_pair(stamp)
    camera.wait_until_taken()
    assert not masks
    return masks, stamp


def test_the_first_frame_waits_for_a_late_camera_info(client, camera, waiting):
    masks, stamp = waiting
    camera.info.publish(info_message(stamp))
    client.wait(lambda: masks)
    assert [stamp_ns(mask.header) for mask in masks] == [stamp]
    assert info_message(stamp).width == masks[0].width


def switch(client, on):
    assert client.call(SetBool, "/affordance/enable", SetBool.Request(data=on)).success


def assert_the_next_frame_is_the_first(client, camera, masks):
    stamp = camera.now_ns()
    camera.publish(stamp)
    client.wait(lambda: masks)
    assert stamp_ns(masks[0].header) == stamp


@pytest.mark.parametrize("on_again", [False, True])
def test_a_frame_that_waits_is_left_when_the_node_is_switched_off(
    client, camera, waiting, on_again
):
    masks, stamp = waiting
    switch(client, False)
    if on_again:
        switch(client, True)
    camera.info.publish(info_message(stamp))
    camera.wait_until_taken()
    switch(client, True)
    assert_the_next_frame_is_the_first(client, camera, masks)


def test_a_frame_that_waits_is_left_when_the_past_is_forgotten(client, camera, waiting):
    masks, stamp = waiting
    assert client.call(Trigger, "/affordance/reset").success
    camera.info.publish(info_message(stamp))
    camera.wait_until_taken()
    assert_the_next_frame_is_the_first(client, camera, masks)


def test_a_driver_that_starts_anew_and_keeps_another_calibration_is_heard(client, start):
    wrong = info_message(0)
    wrong.k = [0.0] * 9
    first = client.node.create_publisher(CameraInfo, "color/camera_info", KEPT)
    first.publish(wrong)
    process = start(rate_hz=0)
    masks = client.collect(Image, "/affordance/mask")
    camera = TestCamera(client)
    camera.wait_for_subscriber()
    refused = "frame dropped: camera_info with a matrix K of zeros"
    camera.publish_until(lambda: refused in process.output, calibrated=False)
    client.node.destroy_publisher(first)
    client.node.create_publisher(CameraInfo, "color/camera_info", KEPT).publish(info_message(0))
    camera.publish_until(lambda: masks, calibrated=False)


def test_a_calibration_that_was_sent_once_before_is_taken(client, start):
    info = client.node.create_publisher(CameraInfo, "color/camera_info", KEPT)
    info.publish(info_message(0))
    start(rate_hz=0)
    masks = client.collect(Image, "/affordance/mask")
    camera = TestCamera(client)
    camera.wait_for_subscriber()
    stamp = camera.now_ns()
    camera.publish_pair(stamp)
    client.wait(lambda: masks)
