# SPDX-License-Identifier: Apache-2.0
import math

import pytest
from camera_double import (
    RELIABLE,
    TestCamera,
    color_message,
    depth_message,
    info_message,
    truncated,
)
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CompressedImage, Image


def with_field(message, **fields):
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def nan_intrinsics(stamp):
    message = info_message(stamp)
    message.k[0] = math.nan
    return message


def half_size(stamp):
    message = depth_message(stamp)
    message.height //= 2
    message.data = message.data[: message.step * message.height]
    return message


BAD = {
    "color encoding": (
        {"color": lambda s: with_field(color_message(s), encoding="h264")},
        "colour encoding 'h264'; expected one of rgb8",
    ),
    "depth encoding": (
        {"depth": lambda s: with_field(depth_message(s), encoding="mono8")},
        "depth encoding 'mono8'; expected one of 16UC1",
    ),
    "truncated color": ({"color": lambda s: truncated(color_message(s))}, "bytes of image data"),
    "truncated depth": ({"depth": lambda s: truncated(depth_message(s))}, "bytes of image data"),
    "sizes that differ": ({"depth": half_size}, "depth 64x24 with colour 64x48; expected"),
    "no valid depth": ({"depth": lambda s: depth_message(s, 0)}, "no valid depth"),
    "nan intrinsics": ({"info": nan_intrinsics}, "expected finite numbers"),
    "zero intrinsics": (
        {"info": lambda s: with_field(info_message(s), k=[0.0] * 9)},
        "the camera is uncalibrated",
    ),
}


def statuses(diagnostics, part):
    return [s for message in diagnostics for s in message.status if s.name.endswith(part)]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_frame_is_dropped_with_the_reason_and_the_next_one_is_processed(client, start, name):
    makers, reason = BAD[name]
    process = start(rate_hz=0)
    camera = TestCamera(client)
    diagnostics = client.collect(DiagnosticArray, "/diagnostics")
    masks = client.collect(Image, "/affordance/mask")
    camera.wait_for_subscriber()
    stamp = camera.now_ns()
    camera.info.publish(makers.get("info", info_message)(stamp))
    camera.wait_until_taken()  # before the images, which take the newest there is
    camera.color.publish(makers.get("color", color_message)(stamp))
    camera.depth.publish(makers.get("depth", depth_message)(stamp))
    process.wait_for(reason)
    assert "frame dropped: " in process.output
    client.wait(
        lambda: any(
            s.level == DiagnosticStatus.ERROR and reason in s.message
            for s in statuses(diagnostics, "processing")
        )
    )
    assert not masks
    camera.info.publish(info_message(stamp))
    camera.wait_until_taken()
    camera.publish(camera.now_ns())
    client.wait(lambda: masks)
    diagnostics.clear()
    client.wait(lambda: diagnostics)
    values = {pair.key: pair.value for pair in statuses(diagnostics, "processing")[0].values}
    assert (values["errors"], values["processed"]) == ("1", "1")
    assert reason in values["last error"]


def test_topics_that_never_come_are_named_in_log_and_diagnostics(client, start):
    process = start(wait_warning_s=0.5)
    diagnostics = client.collect(DiagnosticArray, "/diagnostics")
    for topic in ("/color/image", "/depth/image", "/color/camera_info"):
        process.wait_for(f"no publisher on {topic}")
    client.wait(
        lambda: any(
            s.level == DiagnosticStatus.ERROR and "no publisher on /depth/image" in s.message
            for s in statuses(diagnostics, "input")
        )
    )


def test_only_the_missing_topic_is_named_and_its_coming_is_told(client, start):
    process = start(wait_warning_s=0.5, rate_hz=0)
    camera = TestCamera(client)
    camera.wait_for_subscriber()

    def colors_only():
        camera.info.publish(info_message(camera.now_ns()))
        camera.color.publish(color_message(camera.now_ns()))
        client.spin(0.1)
        return "depth has not come" in process.output.rpartition("all inputs")[2]

    process.wait_for("has not come")
    client.wait(colors_only)

    def everything():
        camera.publish(camera.now_ns())
        client.spin(0.1)
        return "all inputs arrive" in process.output

    client.wait(everything)


def test_a_qos_that_does_not_match_is_named(client, start):
    process = start(wait_warning_s=0.5, reliability="reliable")
    TestCamera(client, qos_profile_sensor_data)
    process.wait_for("QoS reliability does not match: offered best_effort, expected reliable")


def test_a_qos_that_was_mended_is_not_named_again(client, start):
    process = start(wait_warning_s=0.5, rate_hz=0, reliability="reliable")
    wrong = TestCamera(client, qos_profile_sensor_data)
    process.wait_for("QoS reliability does not match")
    for publisher in (wrong.color, wrong.depth, wrong.info):
        client.node.destroy_publisher(publisher)
    camera = TestCamera(client)
    camera.wait_for_subscriber()

    def everything():
        camera.publish(camera.now_ns())
        client.spin(0.1)
        return "all inputs arrive" in process.output

    client.wait(everything)
    process.wait_for("colour stopped")
    told = process.output.partition("colour stopped")[2].partition("\n")[0]
    assert "is the camera streaming?" in told


def test_rectified_pictures_that_are_read_as_others_are_doubted(client, start):
    remapping = ("-r", "color/image:=camera/image_rect_color")
    process = start(*remapping, wait_warning_s=0.5)
    process.wait_for("/camera/image_rect_color says that it is rectified; expected rectified: true")
    right = start(*remapping, wait_warning_s=0.5, rectified=True)
    right.wait_for("camera_info has not come")
    assert "says that it is rectified" not in right.output


def test_a_wrong_message_type_is_named(client, start):
    process = start(wait_warning_s=0.5)
    client.node.create_publisher(CompressedImage, "color/image", RELIABLE)
    process.wait_for("of type sensor_msgs/msg/CompressedImage; expected sensor_msgs/msg/Image")


def test_pairs_for_which_no_camera_info_comes_are_counted_and_told(client, start):
    process = start(wait_warning_s=0.5, rate_hz=0)
    camera = TestCamera(client)
    diagnostics = client.collect(DiagnosticArray, "/diagnostics")
    masks = client.collect(Image, "/affordance/mask")
    camera.wait_for_subscriber()

    def told():
        camera.publish_pair(camera.now_ns())
        client.spin(0.05)
        return "pairs dropped so far: without camera_info" in process.output

    client.wait(told)
    assert "camera_info has not come" in process.output
    assert process.output.count("pairs dropped so far") == 1

    def counted():
        found = statuses(diagnostics, "input")
        values = {pair.key: pair.value for pair in found[-1].values} if found else {}
        return int(values.get("without calibration", 0)) > 0

    client.wait(counted)
    camera.info.publish(info_message(camera.now_ns()))
    client.wait(lambda: masks)  # the newest pair has waited for it


def test_images_that_never_pair_are_named(client, start):
    process = start(wait_warning_s=0.5, max_skew_s=1e-6)
    camera = TestCamera(client)
    camera.wait_for_subscriber()

    def published():
        stamp = camera.now_ns()
        camera.info.publish(info_message(stamp))
        camera.color.publish(color_message(stamp))
        camera.depth.publish(depth_message(stamp - 250_000_000))
        client.spin(0.1)
        # It is said once, and how far apart they are depends on which of the two came last.
        return "colour and depth both come, but the last stamps are 0." in process.output

    client.wait(published)


def test_images_that_lose_their_partners_are_told_with_the_way_to_get_them(client, start):
    process = start(rate_hz=0, reliability="best_effort")
    camera = TestCamera(client)
    diagnostics = client.collect(DiagnosticArray, "/diagnostics")
    camera.wait_for_subscriber()

    def one_depth_in_four_arrives():
        for index in range(4):
            stamp = camera.now_ns()
            camera.info.publish(info_message(stamp))
            camera.color.publish(color_message(stamp))
            if index == 0:
                camera.depth.publish(depth_message(stamp))
            client.spin(0.05)
        return "images/s without a partner" in process.output

    client.wait(one_depth_in_four_arrives)
    assert "reliability: reliable has them sent again" in process.output
    client.wait(
        lambda: any(
            s.level == DiagnosticStatus.WARN and "without a partner" in s.message
            for s in statuses(diagnostics, "input")
        )
    )


def test_a_silent_clock_is_named(client, start):
    process = start(wait_warning_s=0.5, use_sim_time=True)
    process.wait_for("no time on /clock, although use_sim_time is set")


def test_stamps_of_another_clock_turn_latency_into_arrival_to_publish(client, start):
    start(rate_hz=0)
    camera = TestCamera(client)
    diagnostics = client.collect(DiagnosticArray, "/diagnostics")
    masks = client.collect(Image, "/affordance/mask")
    camera.wait_for_subscriber()
    camera.publish(1_000_000_000)
    client.wait(lambda: masks)
    diagnostics.clear()
    client.wait(lambda: diagnostics)
    values = {pair.key: pair.value for pair in statuses(diagnostics, "processing")[0].values}
    assert values["latency measured from"] == "receipt"
    assert 0 < float(values["latency p50 [ms]"]) < 60_000
