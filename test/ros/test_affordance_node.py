# SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
from camera_double import (
    RELIABLE,
    TestCamera,
    color_message,
    color_picture,
    depth_message,
    info_message,
)
from diagnostic_msgs.msg import DiagnosticArray
from double_pipeline import label_of
from harness import set_parameter
from rclpy.qos import (
    DurabilityPolicy,
    QoSProfile,
    qos_profile_sensor_data,
)
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from std_srvs.srv import SetBool, Trigger

from affordance_seg_ros.labels import SOR3D_AFF
from affordance_seg_ros.msg import ActionClass, AffordanceRegionArray, LabelInfo
from affordance_seg_ros.ros.encode import header
from affordance_seg_ros.sources.decode import decode_color, decode_depth, stamp_ns

STEP_NS = 100_000_000


def key_values(message, part):
    (status,) = [s for s in message.status if s.name.endswith(part)]
    return status, {pair.key: pair.value for pair in status.values}


def test_each_frame_gives_mask_and_action_with_its_own_stamp_and_frame(client, start, camera):
    start(rate_hz=0)
    masks = client.collect(Image, "/affordance/mask")
    actions = client.collect(ActionClass, "/affordance/action")
    camera.wait_for_subscriber()
    stamps = [camera.now_ns() + index * 1_000_001 for index in range(4)]
    for index, stamp in enumerate(stamps):
        camera.publish(stamp, index, frame_id=f"frame{index}")
        client.wait(lambda count=index + 1: len(masks) == len(actions) == count)
    for index, (mask, action, stamp) in enumerate(zip(masks, actions, stamps, strict=True)):
        assert stamp_ns(mask.header) == stamp_ns(action.header) == stamp
        assert mask.header.frame_id == action.header.frame_id == f"frame{index}"
        assert mask.encoding == "mono8"
        expected = label_of(color_picture(index)[..., [2, 1, 0]])
        np.testing.assert_array_equal(decode_color(mask)[..., 0], expected)
        assert action.id == index
        assert action.name == SOR3D_AFF[index]
        assert not action.trained


def test_sensor_data_publishers_are_heard(client, start):
    start(rate_hz=0, reliability="best_effort")
    camera = TestCamera(client, qos_profile_sensor_data)
    masks = client.collect(Image, "/affordance/mask", qos_profile_sensor_data)
    camera.wait_for_subscriber()

    def published():
        camera.publish(camera.now_ns())
        client.spin(0.1)
        return masks

    client.wait(published)


def test_optional_topics_come_to_those_who_subscribe(client, start, camera):
    start(rate_hz=0, min_confidence=0.25)
    overlays = client.collect(Image, "/affordance/overlay")
    flows = client.collect(Image, "/affordance/flow")
    confidences = client.collect(Image, "/affordance/confidence")
    regions = client.collect(AffordanceRegionArray, "/affordance/regions")
    camera.wait_for_subscriber()

    def published():
        camera.publish(camera.now_ns())
        client.spin(0.1)
        return overlays and flows and confidences and regions

    client.wait(published)
    assert overlays[0].encoding == flows[0].encoding == "rgb8"
    assert (overlays[0].width, flows[0].width) == (64, 4)
    assert (decode_depth(confidences[0]).raw == 0.25).all()
    (region,) = regions[0].regions
    assert (region.name, region.box.x_offset, region.area_px) == ("grasp", 1, 12)
    assert (region.centroid.z, region.normal.x, region.extents.x) == (0.3, -1.0, 3.0)


def test_a_late_subscriber_learns_the_labels(client, start, camera):
    start(min_confidence=0.5)
    camera.wait_for_subscriber()
    client.spin(0.5)
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    infos = client.collect(LabelInfo, "/affordance/label_info", latched)
    client.wait(lambda: infos)
    (info,) = infos
    assert info.names == ["background", *SOR3D_AFF]
    assert list(info.ids) == list(range(10))
    assert (info.threshold, info.trained) == (0.5, False)


def test_only_the_newest_frame_is_processed_when_the_pipeline_is_slow(client, start, camera):
    start(rate_hz=0, weights="slow 0.5", queue_depth=100)  # deep: only the mailbox may drop
    masks = client.collect(Image, "/affordance/mask")
    diagnostics = client.collect(DiagnosticArray, "/diagnostics")
    camera.wait_for_subscriber()
    newest = camera.now_ns()

    def connected():
        nonlocal newest
        newest += STEP_NS
        camera.publish(newest)
        client.spin(0.1)
        return masks

    def counts():
        diagnostics.clear()
        client.wait(lambda: diagnostics)
        _, values = key_values(diagnostics[0], "processing")
        return int(values["processed"]), int(values["dropped"])

    client.wait(connected)
    client.wait(lambda: stamp_ns(masks[-1].header) == newest, "last frame of the start")
    processed, dropped = counts()
    masks.clear()
    stamps = [newest + index * STEP_NS // 10 for index in range(1, 21)]
    for stamp in stamps:
        camera.publish(stamp)
    client.wait(lambda: masks and stamp_ns(masks[-1].header) == stamps[-1], "newest frame")
    assert len(masks) < len(stamps) // 2
    processed_now, dropped_now = counts()
    assert processed_now - processed == len(masks)
    assert dropped_now - dropped == len(stamps) - len(masks)


def test_frames_are_taken_at_the_rate_asked_for(client, start, camera):
    start(rate_hz=10)
    masks = client.collect(Image, "/affordance/mask")
    camera.wait_for_subscriber()
    first = camera.now_ns()
    for index in range(16):
        camera.publish(first + index * 33_333_333)
        client.spin(0.02)
        if index % 3 == 0:  # a busy machine would drop it for the next one
            client.wait(lambda due=index // 3 + 1: len(masks) >= due)
    client.spin(0.2)
    taken = [round((stamp_ns(mask.header) - first) / 33_333_333) for mask in masks]
    assert taken == [0, 3, 6, 9, 12, 15]


def test_reset_forgets_the_past(client, start, camera):
    start(rate_hz=0)
    actions = client.collect(ActionClass, "/affordance/action")
    camera.wait_for_subscriber()
    for count in (1, 2):
        camera.publish(camera.now_ns())
        client.wait(lambda count=count: len(actions) == count)
    assert client.call(Trigger, "/affordance/reset").success
    camera.publish(camera.now_ns())
    client.wait(lambda: len(actions) == 3)
    assert [action.id for action in actions] == [0, 1, 0]


def test_reset_forgets_an_image_that_waits_for_its_partner(client, start, camera):
    start(rate_hz=0)
    masks = client.collect(Image, "/affordance/mask")
    camera.wait_for_subscriber()
    camera.info.publish(info_message(camera.now_ns()))
    stamp = camera.now_ns()
    camera.color.publish(color_message(stamp))
    camera.wait_until_taken()
    assert client.call(Trigger, "/affordance/reset").success
    camera.depth.publish(depth_message(stamp))
    camera.wait_until_taken()
    camera.publish(stamp + STEP_NS)
    client.wait(lambda: masks)
    assert stamp_ns(masks[0].header) == stamp + STEP_NS


def test_a_disabled_node_takes_no_frames_until_it_is_enabled(client, start, camera):
    start(rate_hz=0)
    masks = client.collect(Image, "/affordance/mask")
    camera.wait_for_subscriber()
    assert client.call(SetBool, "/affordance/enable", SetBool.Request(data=False)).success
    camera.publish(camera.now_ns())
    camera.wait_until_taken()
    assert client.call(SetBool, "/affordance/enable", SetBool.Request(data=True)).success
    stamp = camera.now_ns()
    camera.publish(stamp)
    client.wait(lambda: masks)
    assert stamp_ns(masks[0].header) == stamp


def test_names_follow_namespace_and_remapping(client, start):
    start("-r", "__ns:=/robot", "-r", "color/image:=rgb/image_raw", rate_hz=0)
    camera = TestCamera(client, RELIABLE, "/robot/")
    camera.color = client.node.create_publisher(Image, "/robot/rgb/image_raw", RELIABLE)
    masks = client.collect(Image, "/robot/affordance/mask")
    camera.wait_for_subscriber()
    camera.publish(camera.now_ns())
    client.wait(lambda: masks)


def test_live_parameters_hold_from_the_next_frame_on(client, start, camera):
    start(rate_hz=0, min_confidence=0.25)
    confidences = client.collect(Image, "/affordance/confidence")
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    infos = client.collect(LabelInfo, "/affordance/label_info", latched)
    camera.wait_for_subscriber()
    client.wait(lambda: infos)
    assert set_parameter(client, "min_confidence", 0.5).successful
    client.wait(lambda: len(infos) == 2)
    assert [info.threshold for info in infos] == [0.25, 0.5]

    def published():
        camera.publish(camera.now_ns())
        client.spin(0.1)
        return confidences

    client.wait(published)
    assert (decode_depth(confidences[0]).raw == 0.5).all()


def test_a_live_rate_holds_at_once(client, start, camera):
    start(rate_hz=0)
    masks = client.collect(Image, "/affordance/mask")
    camera.wait_for_subscriber()
    assert set_parameter(client, "rate_hz", 2.0).successful
    first = camera.now_ns()
    for index in range(6):
        camera.publish(first + index * STEP_NS)
        camera.wait_until_taken()
    client.wait(lambda: masks and stamp_ns(masks[-1].header) == first + 5 * STEP_NS)
    assert [stamp_ns(mask.header) - first for mask in masks] == [0, 5 * STEP_NS]


def test_latency_is_measured_on_simulated_time(client, start, camera):
    start(rate_hz=0, use_sim_time=True, weights="slow 0.2")
    clock = client.node.create_publisher(Clock, "/clock", 1)
    masks = client.collect(Image, "/affordance/mask")
    diagnostics = client.collect(DiagnosticArray, "/diagnostics")
    camera.wait_for_subscriber()
    client.wait(clock.get_subscription_count)
    simulated = 1000 * 1_000_000_000

    def arrived():
        clock.publish(Clock(clock=header(simulated, "").stamp))
        client.spin(0.05)
        return any(message.header.stamp.sec == 1000 for message in diagnostics)

    client.wait(arrived, "simulated time in the node")
    camera.publish(simulated - STEP_NS)
    client.wait(lambda: masks)
    diagnostics.clear()
    client.wait(lambda: diagnostics)
    _, values = key_values(diagnostics[0], "processing")
    assert values["latency measured from"] == "stamp"
    # Time stands still while the pipeline sleeps: only the age on arrival counts.
    assert float(values["latency p50 [ms]"]) == 100


def test_a_stream_that_is_always_forgotten_is_told_now_and_then(client, start, camera):
    process = start(rate_hz=0, weights="forgetful")
    masks = client.collect(Image, "/affordance/mask")
    camera.wait_for_subscriber()

    def published():
        camera.publish(camera.now_ns())
        client.spin(0.01)
        return len(masks) >= 10

    client.wait(published)
    assert process.output.count("memory cleared: gap of 1.200 s") in (1, 2)


def test_a_report_that_cannot_be_written_is_told_and_harms_nothing(start, tmp_path):
    (tmp_path / "file").write_text("")
    process = start(report_file=tmp_path / "file" / "report.json")
    process.wait_for("active: colour on")
    assert process.end() == 0
    assert f"report_file not written: {tmp_path / 'file' / 'report.json'}: " in process.output


def test_a_report_is_written_to_the_home_folder(start, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    process = start(report_file="~/report.json")
    process.wait_for("active: colour on")
    assert process.end() == 0
    assert json.loads((tmp_path / "report.json").read_text())["frames_processed"] == 0
