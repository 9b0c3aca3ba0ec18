# SPDX-License-Identifier: Apache-2.0
"""Regions, points and markers of the live node, in the camera's frame and in others."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
from camera_double import CAMERA, HEIGHT, WIDTH, TestCamera, color_picture
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image, PointCloud2
from visualization_msgs.msg import MarkerArray

from affordance_seg_ros.msg import AffordanceRegionArray
from affordance_seg_ros.pipeline.points import POINT
from affordance_seg_ros.ros.encode import header
from affordance_seg_ros.sources.decode import stamp_ns

TF2_DOUBLE = Path(__file__).parent / "tf2_double"
HALF = np.sqrt(0.5)


@pytest.fixture
def camera(client):
    return TestCamera(client)


@pytest.fixture
def tf2(client, monkeypatch):
    """Publish transforms that the node hears through the double of tf2_ros."""
    monkeypatch.setenv("PYTHONPATH", f"{TF2_DOUBLE}:{os.environ['PYTHONPATH']}")
    publisher = client.node.create_publisher(PoseStamped, "/tf_double", 10)

    def _publish(target_frame, when_ns=0):
        client.wait(publisher.get_subscription_count, "listener to transforms")
        message = PoseStamped(header=header(when_ns, target_frame))
        message.pose.position.x = 10.0
        # A quarter turn about z: x becomes y.
        message.pose.orientation.z = message.pose.orientation.w = HALF
        publisher.publish(message)

    return _publish


def points_of(message):
    return np.frombuffer(message.data, POINT).reshape(message.height, message.width)


def wait_until_untransformed(client, diagnostics, when_ns):
    """Wait until it is told that there was no transform for a frame."""
    reason = f"to 'base' at {1e-9 * when_ns:.3f} s"

    def told():
        statuses = [status for message in diagnostics for status in message.status]
        return any(reason in status.message for status in statuses)

    client.wait(told, reason)


def set_parameter(client, name, value):
    request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
    (result,) = client.call(SetParameters, "/affordance/set_parameters", request).results
    assert result.successful


def test_points_carry_place_colour_label_and_confidence_of_their_pixels(client, start, camera):
    start(rate_hz=0, min_confidence=0.25)
    clouds = client.collect(PointCloud2, "/affordance/points")
    masks = client.collect(Image, "/affordance/mask")
    camera.wait_for_subscriber()
    camera.publish_until(lambda: clouds and masks)
    cloud = clouds[0]
    (points,) = points_of(cloud)
    picture = color_picture(0)[..., 2::-1]
    labels = picture[..., 0] % 10
    rows, columns = np.nonzero(labels)
    np.testing.assert_array_equal(points["label"], labels[rows, columns])
    expected = CAMERA.unproject(np.stack([columns, rows], -1), np.ones(len(rows)))
    found = np.stack([points["x"], points["y"], points["z"]], -1)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert (points["confidence"] == 0.25).all()
    assert (cloud.is_dense, cloud.height, cloud.header.frame_id) == (True, 1, "optical")
    assert stamp_ns(cloud.header) in [stamp_ns(mask.header) for mask in masks]


def test_the_layout_of_points_changes_live(client, start, camera):
    start(rate_hz=0)
    clouds = client.collect(PointCloud2, "/affordance/points")
    camera.wait_for_subscriber()
    set_parameter(client, "points_layout", "organised")
    camera.publish_until(lambda: clouds)
    assert (clouds[0].height, clouds[0].width) == (HEIGHT, WIDTH)


def test_markers_come_to_those_who_subscribe(client, start, camera):
    start(rate_hz=0)
    arrays = client.collect(MarkerArray, "/affordance/markers")
    camera.wait_for_subscriber()
    camera.publish_until(lambda: arrays)
    assert [marker.ns for marker in arrays[0].markers] == ["", "boxes", "normals", "names"]


@pytest.mark.parametrize(
    ("switch", "kind", "topic"),
    [
        ("publish_regions", AffordanceRegionArray, "regions"),
        ("publish_points", PointCloud2, "points"),
        ("publish_markers", MarkerArray, "markers"),
    ],
)
def test_a_switch_stops_a_topic_that_somebody_subscribes_to(
    client, start, camera, switch, kind, topic
):
    start(rate_hz=0)
    masks = client.collect(Image, "/affordance/mask")
    found = client.collect(kind, f"/affordance/{topic}")
    camera.wait_for_subscriber()
    camera.publish_until(lambda: found)
    set_parameter(client, switch, False)
    client.spin(0.2)
    found.clear()
    masks.clear()
    camera.publish_until(lambda: len(masks) >= 3)
    assert found == []


def test_regions_points_and_markers_are_in_the_target_frame(client, start, camera, tf2):
    start(rate_hz=0, target_frame="base")
    regions = client.collect(AffordanceRegionArray, "/affordance/regions")
    clouds = client.collect(PointCloud2, "/affordance/points")
    arrays = client.collect(MarkerArray, "/affordance/markers")
    masks = client.collect(Image, "/affordance/mask")
    camera.wait_for_subscriber()
    tf2("base")
    camera.publish_until(lambda: regions and clouds and arrays)
    (region,) = regions[0].regions
    # The double's region is at (0.1, 0.2, 0.3) with the normal -x and the first axis y.
    place = [region.centroid.x, region.centroid.y, region.centroid.z]
    np.testing.assert_allclose(place, [9.8, 0.1, 0.3])
    np.testing.assert_allclose([region.axes[0].x, region.axes[0].y], [-1, 0], atol=1e-12)
    np.testing.assert_allclose([region.normal.x, region.normal.y], [0, -1], atol=1e-12)
    assert region.extents.x == 3.0
    np.testing.assert_allclose(region.pose.position.x, 10 - 0.5)
    (points,) = points_of(clouds[0])
    np.testing.assert_allclose(points["z"], 1, atol=1e-6)
    assert (points["x"] > 9).all()
    for message in (regions[0], clouds[0], arrays[0].markers[1]):
        assert message.header.frame_id == "base"
    assert stamp_ns(regions[0].header) in [stamp_ns(mask.header) for mask in masks]
    assert masks[0].header.frame_id == "optical"


def test_without_a_transform_the_mask_comes_and_the_regions_do_not(client, start, camera, tf2):
    process = start(rate_hz=0, target_frame="base", transform_timeout_s=0.0)
    regions = client.collect(AffordanceRegionArray, "/affordance/regions")
    clouds = client.collect(PointCloud2, "/affordance/points")
    masks = client.collect(Image, "/affordance/mask")
    diagnostics = client.collect(DiagnosticArray, "/diagnostics")
    camera.wait_for_subscriber()
    tf2("elsewhere")
    camera.publish_until(lambda: len(masks) >= 3)
    assert regions == clouds == []
    assert "regions, points and markers not published: no transform from 'optical' to 'base'" in (
        process.output
    )
    diagnostics.clear()

    def told():
        statuses = [status for message in diagnostics for status in message.status]
        return [status for status in statuses if "no transform from" in status.message]

    camera.publish_until(told)
    (status, *_) = told()
    assert status.level == b"\x01"
    values = {pair.key: pair.value for pair in status.values}
    assert int(values["untransformed"]) >= 3


def test_a_transform_that_comes_a_moment_late_is_waited_for(client, start, camera, tf2):
    start(rate_hz=0, target_frame="base", transform_timeout_s=10.0)
    regions = client.collect(AffordanceRegionArray, "/affordance/regions")
    masks = client.collect(Image, "/affordance/mask")
    camera.wait_for_subscriber()
    camera.publish_until(lambda: masks)
    when_ns = stamp_ns(masks[0].header)
    assert not regions
    tf2("base", when_ns)
    client.wait(lambda: regions)
    assert stamp_ns(regions[0].header) == when_ns


def test_no_mask_waits_for_a_transform_that_does_not_come(client, start, camera, tf2):
    process = start(rate_hz=0, target_frame="base", transform_timeout_s=10.0)
    regions = client.collect(AffordanceRegionArray, "/affordance/regions")
    masks = client.collect(Image, "/affordance/mask")
    diagnostics = client.collect(DiagnosticArray, "/diagnostics")
    camera.wait_for_subscriber()
    camera.publish_until(lambda: len(masks) >= 8)
    assert not regions
    # All but the one that waits, and the newest.
    shown = [status for message in diagnostics for status in message.status]
    client.wait(lambda: "came while the one before it waited" in str(diagnostics), str(shown))
    assert process.end() == 0  # the wait ends with the node


def test_stamps_that_go_back_forget_the_transforms(client, start, camera, tf2):
    start(rate_hz=0, target_frame="base", transform_timeout_s=0.0)
    regions = client.collect(AffordanceRegionArray, "/affordance/regions")
    masks = client.collect(Image, "/affordance/mask")
    camera.wait_for_subscriber()
    tf2("base")
    camera.publish_until(lambda: regions)
    diagnostics = client.collect(DiagnosticArray, "/diagnostics")
    back_ns = camera.now_ns() - 1_000_000_000_000
    for when_ns in range(back_ns, back_ns + 300_000_000, 100_000_000):
        camera.publish(when_ns)
        client.wait(lambda when_ns=when_ns: masks and stamp_ns(masks[-1].header) == when_ns)
    wait_until_untransformed(client, diagnostics, when_ns)
    assert not [one for one in regions if stamp_ns(one.header) <= when_ns]


def test_regions_that_are_in_the_target_frame_already_need_no_transform(client, start, camera, tf2):
    start(rate_hz=0, target_frame="optical")
    regions = client.collect(AffordanceRegionArray, "/affordance/regions")
    camera.wait_for_subscriber()
    camera.publish_until(lambda: regions)
    assert regions[0].header.frame_id == "optical"


def test_time_that_jumps_back_forgets_the_transforms(client, start, camera, tf2):
    process = start(rate_hz=0, use_sim_time=True, target_frame="base", transform_timeout_s=0.0)
    clock = client.node.create_publisher(Clock, "/clock", 1)
    regions = client.collect(AffordanceRegionArray, "/affordance/regions")
    camera.wait_for_subscriber()
    client.wait(clock.get_subscription_count)

    def at(seconds, condition):
        def met():
            clock.publish(Clock(clock=header(1_000_000_000 * seconds, "").stamp))
            return condition()

        return met

    camera.publish_until(at(1000, lambda: "no transform" in process.output))
    tf2("base")
    camera.publish_until(at(1001, lambda: regions))

    diagnostics = client.collect(DiagnosticArray, "/diagnostics")
    client.wait(at(10, lambda: any(each.header.stamp.sec == 10 for each in diagnostics)))
    when_ns = camera.now_ns()
    camera.publish(when_ns)
    wait_until_untransformed(client, diagnostics, when_ns)
    assert when_ns not in [stamp_ns(one.header) for one in regions]


@pytest.mark.skipif(importlib.util.find_spec("tf2_ros") is not None, reason="tf2_ros is there")
def test_a_target_frame_without_tf2_ends_the_node_with_the_reason(start):
    process = start(target_frame="base")
    process.popen.wait(30)
    assert process.popen.returncode == 2
    assert "target_frame='base' needs tf2_ros, which is not installed" in process.output


def test_a_static_transform_of_the_real_tf2_is_heard(client, start, camera):
    tf2_ros = pytest.importorskip("tf2_ros")
    from geometry_msgs.msg import TransformStamped

    process = start(rate_hz=0, target_frame="base")
    regions = client.collect(AffordanceRegionArray, "/affordance/regions")
    camera.wait_for_subscriber()
    camera.publish_until(lambda: "no transform from 'optical' to 'base'" in process.output)
    assert not regions
    message = TransformStamped(header=header(0, "base"), child_frame_id="optical")
    message.transform.translation.x = 10.0
    message.transform.rotation.z = message.transform.rotation.w = HALF
    broadcaster = tf2_ros.StaticTransformBroadcaster(client.node)
    broadcaster.sendTransform(message)
    camera.publish_until(lambda: regions)
    (region,) = regions[0].regions
    place = [region.centroid.x, region.centroid.y, region.centroid.z]
    np.testing.assert_allclose(place, [9.8, 0.1, 0.3])
