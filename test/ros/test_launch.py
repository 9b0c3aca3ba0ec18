# SPDX-License-Identifier: Apache-2.0
"""`ros2 launch` for real, wherever it is installed."""

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from camera_double import RELIABLE, TestCamera
from harness import kill_group
from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import GetParameters
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CompressedImage, Image

from affordance_seg_ros.msg import ActionClass, LabelInfo

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("AFFORDANCE_SHARED_DATA", ROOT.parent / "shared/data"))
RECORDING = SHARED / "azure_kinect_mug/recording.mkv"
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


@pytest.fixture
def launch(ros2, tmp_path):
    started = []

    def _launch(*arguments, file=("affordance_seg_ros", "bringup.launch.py")):
        log = (tmp_path / f"launch{len(started)}.log").open("w+")
        command = [ros2, "launch", *file, *arguments]
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(tmp_path)},  # for the parameter files it makes
        )
        started.append((process, log))
        return process, Path(log.name)

    yield _launch
    for process, log in started:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(60)
        kill_group(process)
        log.close()


@pytest.mark.parametrize(
    ("file", "names"),
    [
        (
            "bringup",
            "camera cameras base start_driver params_file weights device use_sim_time namespace "
            "color_transport depth_transport rviz rviz_frame serial_number on_exit",
        ),
        ("replay", "bag out pace rate html masks weights device params_file namespace options"),
    ],
)
def test_every_argument_is_described(ros2, file, names):
    command = [ros2, "launch", "affordance_seg_ros", f"{file}.launch.py", "--show-args"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    for name in names.split():
        assert f"'{name}':\n" in shown
    assert "no description given" not in shown


@pytest.mark.skipif(not RECORDING.exists(), reason="no shared data")
def test_the_kinect_recording_gives_masks_actions_and_labels(client, launch):
    pytest.importorskip("pyk4a")
    masks = client.collect(Image, "/affordance/mask")
    actions = client.collect(ActionClass, "/affordance/action")
    infos = client.collect(LabelInfo, "/affordance/label_info", LATCHED)
    process, log = launch(
        "camera:=azure_kinect", "start_driver:=true", f"recording:={RECORDING}", "loop:=true"
    )
    client.wait(lambda: len(masks) >= 3 and actions and infos, log.read_text())
    assert client.call(GetState, "/affordance/get_state").current_state.label == "active"
    assert (masks[0].width, masks[0].height, masks[0].encoding) == (1280, 720, "mono8")
    assert masks[0].header.frame_id == "rgb_camera_link"
    process.send_signal(signal.SIGINT)
    process.wait(60)
    assert log.read_text().count("process has finished cleanly") == 2


@pytest.mark.skipif(not RECORDING.exists(), reason="no shared data")
@pytest.mark.parametrize(
    ("arguments", "node", "driver", "frame"),
    [
        (("camera:=azure_kinect", "base:=k4a"), "", "/k4a", "rgb_camera_link"),
        (
            ("cameras:=left=azure_kinect@k4a,right=azure_kinect",),
            "/left",
            "/left/k4a",
            "left_rgb_camera_link",
        ),
    ],
)
def test_a_driver_publishes_where_its_node_listens_and_in_a_frame_of_its_own(
    client, launch, arguments, node, driver, frame
):
    pytest.importorskip("pyk4a")
    masks = client.collect(Image, f"{node}/affordance/mask")
    _, log = launch(*arguments, "start_driver:=true", f"recording:={RECORDING}", "loop:=true")
    client.wait(lambda: masks, log.read_text())
    assert masks[0].header.frame_id == frame
    assert client.node.count_publishers(f"{driver}/rgb/image_raw") == 1
    assert client.node.count_publishers(f"{driver}/depth_to_rgb/camera_info") == 1


def test_namespace_and_parameter_file_reach_the_node(client, launch, tmp_path):
    parameters = tmp_path / "parameters.yaml"
    parameters.write_text(
        "/**:\n  ros__parameters:\n    reliability: reliable\n    min_confidence: 0.125\n"
    )
    infos = client.collect(LabelInfo, "/robot/affordance/label_info", LATCHED)
    launch("camera:=realsense", "namespace:=robot", f"params_file:={parameters}")
    camera = TestCamera(client, RELIABLE, "/unused/")
    camera.color = client.node.create_publisher(
        Image, "/robot/camera/camera/color/image_raw", RELIABLE
    )
    client.wait(camera.color.get_subscription_count)
    client.wait(lambda: infos)
    assert infos[0].threshold == 0.125


@pytest.mark.parametrize("node", ["/**", "/affordance", "/**/affordance"])
def test_a_parameter_file_counts_more_than_the_preset_and_an_argument_more_than_the_file(
    client, launch, tmp_path, node
):
    parameters = tmp_path / "parameters.yaml"
    said = {"device": "nonsense", "max_skew_s": 0.004, "wait_warning_s": 0.5, "use_sim_time": True}
    parameters.write_text(json.dumps({node: {"ros__parameters": said}}))
    infos = client.collect(LabelInfo, "/affordance/label_info", LATCHED)
    _, log = launch("camera:=azure_kinect", f"params_file:={parameters}", "device:=cpu")
    client.wait(lambda: infos, log.read_text())
    client.wait(lambda: "although use_sim_time is set" in log.read_text(), "use_sim_time")
    wanted = GetParameters.Request(names=["max_skew_s", "device"])
    skew, device = client.call(GetParameters, "/affordance/get_parameters", wanted).values
    assert (skew.double_value, device.string_value) == (0.004, "cpu")


IN_A_GROUP = """
from launch import LaunchDescription
from launch.actions import GroupAction, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_ros.actions import PushRosNamespace

def generate_launch_description():
    bringup = IncludeLaunchDescription(
        PythonLaunchDescriptionSource("{bringup}"),
        launch_arguments={{"camera": "none", "params_file": "{parameters}"}}.items(),
    )
    return LaunchDescription([GroupAction([PushRosNamespace("arm"), bringup])])
"""


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("/arm/affordance", "unknown parameter 'no_such'"),
        ("/affordance", "sections for /affordance; expected one for /arm/affordance, or for /**"),
    ],
)
def test_sections_are_those_of_the_namespace_of_a_group_that_includes_the_file(
    ros2, tmp_path, section, words
):
    parameters, outer = tmp_path / "robot.yaml", tmp_path / "outer.launch.py"
    parameters.write_text(json.dumps({section: {"ros__parameters": {"no_such": 1}}}))
    bringup = ROOT / "launch/bringup.launch.py"
    outer.write_text(IN_A_GROUP.format(bringup=bringup, parameters=parameters))
    done = subprocess.run(
        [ros2, "launch", str(outer)], capture_output=True, text=True, timeout=60, check=False
    )
    assert words in done.stdout + done.stderr


def test_several_cameras_have_a_node_each_on_topics_of_their_own(client, launch):
    launch(
        "cameras:=left=realsense@/left/camera,right=kinect_v2", "color_transport:=compressed",
        "namespace:=robot", "device:=cpu",
    )  # fmt: skip
    for topic in ("/left/camera/color/image_raw", "/robot/right/kinect2/qhd/image_color_rect"):
        publisher = client.node.create_publisher(CompressedImage, f"{topic}/compressed", RELIABLE)
        client.wait(publisher.get_subscription_count, topic)
    for side in ("left", "right"):
        infos = client.collect(LabelInfo, f"/robot/{side}/affordance/label_info", LATCHED)
        client.wait(lambda infos=infos: infos, side)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("camera:=toaster",), '"camera" provided value "toaster" is not valid'),
        (("camera:=realsense", "start_driver:=true"), "realsense2_camera"),
        (("device:=nonsense",), "device 'nonsense'; expected auto, cpu"),
        (("weights:=nonsense",), "nonsense: no such file"),
        (("recording:=x.mkv",), "recording:=x.mkv without start_driver:=true"),
        (("base:=left", "camera:=none"), "base:=left with camera:=none"),
        (("base:=left", "cameras:=a=realsense"), "base:=left with cameras:=a=realsense"),
        (("cameras:=left",), "expected NAMESPACE=PRESET[@BASE]"),
        (("cameras:=left=toaster",), "camera 'toaster'; expected one of azure_kinect"),
        (("cameras:=a=realsense,a=kinect_v2",), "a different namespace for each camera"),
    ],
)
def test_a_wrong_argument_ends_the_launch_with_the_reason(launch, arguments, words):
    process, log = launch(*arguments)
    process.wait(60)
    assert words in log.read_text()


OUTER = """
from launch import LaunchDescription
from launch.actions import ExecuteProcess, IncludeLaunchDescription
from launch_ros.substitutions import FindPackageShare

def generate_launch_description():
    share = FindPackageShare("affordance_seg_ros").find("affordance_seg_ros")
    words = [("camera", "none"), ("weights", "nonsense"), ("on_exit", "ENDING")]
    return LaunchDescription([
        ExecuteProcess(cmd=["sleep", "600"]),
        IncludeLaunchDescription(share + "/launch/bringup.launch.py", launch_arguments=words),
    ])
"""


@pytest.mark.parametrize("ending", ["nothing", "respawn", "shutdown"])
def test_a_node_that_ends_ends_what_includes_it_only_if_told_so(launch, tmp_path, ending):
    file = tmp_path / "outer.launch.py"
    file.write_text(OUTER.replace("ENDING", ending))
    process, log = launch(file=(str(file),))

    def ends():
        return log.read_text().count("nonsense: no such file")

    if ending == "shutdown":
        process.wait(60)
        assert ends() == 1
        return
    wanted = 2 if ending == "respawn" else 1
    until = time.monotonic() + 60
    while ends() < wanted and time.monotonic() < until:
        time.sleep(0.1)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(5)
    assert ends() >= wanted
    assert (ends() > 1) == (ending == "respawn")


def test_rviz_that_is_not_there_ends_the_launch_with_the_reason(launch, monkeypatch):
    found = os.environ["AMENT_PREFIX_PATH"].split(":")
    without = [path for path in found if not Path(path, "share/rviz2").exists()]
    monkeypatch.setenv("AMENT_PREFIX_PATH", ":".join(without))
    process, log = launch("camera:=none", "rviz:=true")
    process.wait(60)
    assert "rviz:=true needs rviz2, which is not installed" in log.read_text()


@pytest.mark.parametrize(
    ("arguments", "frame"),
    [(("camera:=realsense",), "camera_color_optical_frame"), (("rviz_frame:=base",), "base")],
)
def test_rviz_is_started_with_our_configuration_frame_and_namespace(
    client, launch, tmp_path, monkeypatch, arguments, frame
):
    """A package of that name that only writes down how it was called."""
    prefix = tmp_path / "prefix"
    for folder in ("share/ament_index/resource_index/packages", "share/rviz2", "lib/rviz2"):
        (prefix / folder).mkdir(parents=True)
    (prefix / "share/ament_index/resource_index/packages/rviz2").touch()
    script = prefix / "lib/rviz2/rviz2"
    called = tmp_path / "called"
    script.write_text(
        f'#!/bin/sh\necho "$*" > {called}.new && mv {called}.new {called}\nexec sleep 60\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"{prefix}:{os.environ['AMENT_PREFIX_PATH']}")
    infos = client.collect(LabelInfo, "/robot/affordance/label_info", LATCHED)
    launch("rviz:=true", "namespace:=robot", *arguments)
    client.wait(lambda: called.exists() and infos, "rviz2 and the node")
    line = called.read_text()
    assert f"config/affordance.rviz -f {frame}" in line
    for topic in ("overlay", "points", "markers"):
        assert f"-r /affordance/{topic}:=/robot/affordance/{topic}" in line
