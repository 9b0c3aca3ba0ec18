# SPDX-License-Identifier: Apache-2.0
"""The node beside each camera's driver: a bag of its topics, played over DDS as recorded."""

import importlib
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from camera_double import RELIABLE
from double_pipeline import label_of
from driver_bags import write_driver_bag
from driver_doubles import DRIVERS, START_NS, T_COLOR_DEPTH
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import Image

from affordance_seg_ros.sources.bag import TopicNames, open_recording
from affordance_seg_ros.sources.decode import decode_color, decode_depth, stamp_ns
from affordance_seg_ros.sources.preset import read_preset

REAL_NODE = (
    sys.executable,
    "-c",
    "import sys; from affordance_seg_ros.ros.affordance_node import main; sys.exit(main())",
)
LATCHED = QoSProfile(
    depth=10,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
TF = pytest.param("tf", marks=pytest.mark.skipif(
    importlib.util.find_spec("tf2_msgs") is None, reason="tf2_msgs not installed"
))  # fmt: skip


def with_preset(start, name, namespace="", **parameters):
    """Start the node with the preset's remappings and parameters, as the launch file does."""
    preset = read_preset(DRIVERS[name].preset)
    remaps = [
        word for pair in preset.remappings().items() for word in ("-r", "{}:={}".format(*pair))
    ]
    if namespace:
        remaps += ["-r", f"__ns:={namespace}"]
    found = {**preset.parameters, **DRIVERS[name].parameters, **parameters}
    return start(*remaps, rate_hz=0, **found)


class BagPlayer:
    """Publishes a bag's messages, byte for byte."""

    def __init__(self, client, path: Path, namespace: str = "", left_out: tuple[str, ...] = ()):
        self._client = client
        with AnyReader([path]) as reader:
            found = [
                (c.topic, c.msgtype, bytes(raw))
                for c, _, raw in reader.messages()
                if c.topic not in left_out
            ]
        self.publishers = {}
        for topic, kind, _ in found:
            if topic not in self.publishers:
                package, _, name = kind.split("/")
                message = getattr(importlib.import_module(f"{package}.msg"), name)
                name, qos = namespace + topic, RELIABLE
                if topic == "/tf_static":
                    name, qos = topic, LATCHED
                self.publishers[topic] = client.node.create_publisher(message, name, qos)
        self._messages = [(topic, raw) for topic, _, raw in found]

    def wait_for_subscribers(self, *unwanted: str) -> None:
        for topic, publisher in self.publishers.items():
            if topic not in unwanted:
                self._client.wait(publisher.get_subscription_count, publisher.topic_name)

    def play(self) -> None:
        for topic, raw in self._messages:
            self.publishers[topic].publish(raw)


def offline(name, path, depth_to_color):
    """The same bag without ROS."""
    preset = read_preset(DRIVERS[name].preset)
    known = preset.recorded_topics()
    topics = TopicNames(
        known["color/image"],
        known["depth/image"],
        known["color/camera_info"],
        known.get("depth/camera_info", ""),
    )
    align = depth_to_color if "align_depth" in preset.parameters else ""
    return list(open_recording(path, topics, depth_to_color=align).frames())


def check(client, start, name, path, **parameters):
    """Play the bag to the node, and compare masks and depth with those of the bag read offline."""
    driver = write_driver_bag(path, name)
    unused = () if driver.depth else (driver.depth_topic.rpartition("/image")[0] + "/camera_info",)
    process = with_preset(start, name, weights="depth", **parameters)
    masks = client.collect(Image, "/affordance/mask", RELIABLE)
    depths = client.collect(Image, "/affordance/confidence", RELIABLE)
    process.wait_for("active: colour on")
    left_out = () if parameters.get("depth_to_color", "tf") == "tf" else ("/tf_static",)
    player = BagPlayer(client, path, left_out=left_out)
    player.wait_for_subscribers(*unused)
    player.play()
    expected = offline(name, path, parameters.get("depth_to_color", "tf"))
    client.wait(lambda: masks and stamp_ns(masks[-1].header) == expected[-1].stamp_ns, name)
    client.wait(lambda: depths and stamp_ns(depths[-1].header) == expected[-1].stamp_ns, name)
    frames = {frame.stamp_ns: frame for frame in expected}
    for mask, depth in zip(masks, depths, strict=True):
        frame = frames[stamp_ns(mask.header)]
        assert mask.header.frame_id == driver.color_frame
        assert (mask.width, mask.height) == (driver.color.width, driver.color.height)
        np.testing.assert_array_equal(decode_color(mask)[..., 0], label_of(frame.color))
        np.testing.assert_array_equal(decode_depth(depth).to_metres(), frame.depth.to_metres())
    return process


ALIGNED = [name for name, driver in DRIVERS.items() if driver.depth is None]
UNALIGNED = [name for name, driver in DRIVERS.items() if driver.depth is not None]


@pytest.mark.parametrize("name", ALIGNED)
def test_the_node_beside_each_driver_says_what_the_bag_says(client, start, tmp_path, name):
    process = check(client, start, name, tmp_path / "bag")
    assert "dropped" not in process.output
    assert "depth is in frame" not in process.output


@pytest.mark.parametrize("name", UNALIGNED)
@pytest.mark.parametrize("source", [TF, "-0.032 -0.002 0.004 0.0522 0 0 0.99864"])
def test_depth_that_is_not_aligned_is_aligned_live_as_offline(
    client, start, tmp_path, name, source
):
    check(client, start, name, tmp_path / "bag", depth_to_color=source)


@pytest.mark.parametrize("source", ["realsense", "orbbec"])
def test_a_driver_s_own_topic_says_where_the_depth_camera_stands(client, start, tmp_path, source):
    package = f"{source.replace('realsense', 'realsense2')}_camera_msgs.msg"
    kind = pytest.importorskip(package).Extrinsics
    name = {"realsense": "realsense_unaligned", "orbbec": "femto_bolt_unaligned"}[source]
    topic = read_preset(name).recorded_topics()["depth/to_color"]
    driver = write_driver_bag(tmp_path / "bag", name)
    process = with_preset(start, name, weights="depth", depth_to_color=source, wait_warning_s=0.5)
    depths = client.collect(Image, "/affordance/confidence", RELIABLE)
    process.wait_for("active: colour on")
    player = BagPlayer(client, tmp_path / "bag", left_out=("/tf_static",))
    player.wait_for_subscribers()
    player.play()
    process.wait_for(f"on {topic}, which has 0 publishers")
    order = {"realsense": "F", "orbbec": "C"}[source]
    message = kind(rotation=T_COLOR_DEPTH[:3, :3].ravel(order), translation=T_COLOR_DEPTH[:3, 3])
    client.node.create_publisher(kind, topic, LATCHED).publish(message)
    client.wait(lambda: depths)
    frame = offline(driver.preset, tmp_path / "bag", "tf")[-1]
    found, expected = decode_depth(depths[0]).to_metres(), frame.depth.to_metres()
    assert (np.isfinite(found) == np.isfinite(expected)).mean() > 0.999
    assert np.nanmax(np.abs(found - expected)) <= 0.0011


@pytest.mark.skipif(importlib.util.find_spec("tf2_msgs") is None, reason="tf2_msgs not installed")
def test_a_transform_that_never_comes_is_named_with_the_frames_there_are(client, start, tmp_path):
    write_driver_bag(tmp_path / "bag", "realsense_unaligned", frames=1)
    process = with_preset(start, "realsense_unaligned", wait_warning_s=0.5)
    process.wait_for("active: colour on")
    player = BagPlayer(client, tmp_path / "bag", left_out=("/tf_static",))
    player.wait_for_subscribers()
    player.play()
    process.wait_for(
        "waiting: no transform from 'camera_depth_optical_frame' to 'camera_color_optical_frame' "
        "on /tf_static, which has no frames"
    )


@pytest.mark.parametrize(
    ("source", "package"),
    [("tf", "tf2_msgs"), ("realsense", "realsense2_camera_msgs"), ("orbbec", "orbbec_camera_msgs")],
)
def test_messages_that_are_not_installed_end_the_node_with_what_to_install(start, source, package):
    if importlib.util.find_spec(package) is not None:
        pytest.skip(f"{package} is installed")
    process = with_preset(start, "realsense_unaligned", depth_to_color=source)
    assert process.popen.wait(60) == 2
    assert f"depth_to_color={source} needs the messages of {package}" in process.output
    assert f"install ros-$ROS_DISTRO-{package.replace('_', '-')}" in process.output


def test_depth_of_another_frame_is_warned_of_once(client, start, tmp_path):
    write_driver_bag(tmp_path / "bag", "realsense_unaligned")
    process = start(
        *("-r", "color/image:=camera/camera/color/image_raw"),
        *("-r", "color/camera_info:=camera/camera/color/camera_info"),
        *("-r", "depth/image:=camera/camera/depth/image_rect_raw"),
        rate_hz=0,
    )
    process.wait_for("active: colour on")
    player = BagPlayer(client, tmp_path / "bag", left_out=("/tf_static",))
    player.wait_for_subscribers("/camera/camera/depth/camera_info")
    player.play()
    process.wait_for(
        "depth is in frame 'camera_depth_optical_frame', colour in 'camera_color_optical_frame'"
    )
    process.wait_for("frame dropped: depth 848x480 with colour 640x480; expected depth aligned")
    assert process.output.count("depth is in frame") == 1


def test_the_whole_node_gives_masks_of_a_kinect_v2(client, start, tmp_path):
    driver = write_driver_bag(tmp_path / "bag", "kinect_v2_sd")
    preset = read_preset("kinect_v2_sd")
    remaps = [
        word for pair in preset.remappings().items() for word in ("-r", "{}:={}".format(*pair))
    ]
    start(*remaps, command=REAL_NODE, device="cpu", rate_hz=0, reliability="reliable",
          **preset.parameters)  # fmt: skip
    masks = client.collect(Image, "/affordance/mask", RELIABLE)
    player = BagPlayer(client, tmp_path / "bag")
    player.wait_for_subscribers()
    player.play()
    client.wait(lambda: masks)
    assert (masks[0].width, masks[0].height, masks[0].encoding) == (512, 424, "mono8")
    assert masks[0].header.frame_id == driver.color_frame
    assert (stamp_ns(masks[0].header) - START_NS) % 100_000_000 == 0


def test_two_nodes_in_two_namespaces_do_not_hear_each_other(client, start, tmp_path):
    names = {"/left": "realsense", "/right": "kinect_v2_sd"}
    masks, players = {}, {}
    for namespace, name in names.items():
        driver = write_driver_bag(tmp_path / name, name)
        process = with_preset(start, name, namespace)
        masks[namespace] = client.collect(Image, f"{namespace}/affordance/mask", RELIABLE)
        process.wait_for("active: colour on")
        unused = driver.depth_topic.rpartition("/image")[0] + "/camera_info"
        players[namespace] = BagPlayer(client, tmp_path / name, namespace)
        players[namespace].wait_for_subscribers(*([unused] if name == "realsense" else []))
    for player in players.values():
        player.play()
    last_ns = START_NS + 2 * 100_000_000
    for found in masks.values():
        client.wait(lambda found=found: found and stamp_ns(found[-1].header) == last_ns)
    client.spin(0.2)
    for namespace, name in names.items():
        assert {mask.header.frame_id for mask in masks[namespace]} == {DRIVERS[name].color_frame}
        assert {mask.width for mask in masks[namespace]} == {DRIVERS[name].color.width}
