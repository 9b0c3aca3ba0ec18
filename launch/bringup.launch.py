# SPDX-License-Identifier: Apache-2.0
"""The affordance node on the topics of a camera; with `start_driver:=true` the Kinect's driver."""

from pathlib import Path

import yaml
from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch_ros.actions import Node

PACKAGE = "affordance_seg_ros"
CAMERAS = ("azure_kinect", "kinect_v2", "femto_bolt", "realsense", "none")
TRUTH = ("true", "false")
# What the drivers call the optical frame of the colour camera, by the preset's first words.
OPTICAL_FRAMES = {
    "azure_kinect": "rgb_camera_link",
    "kinect_v2": "kinect2_rgb_optical_frame",
    "femto_bolt": "camera_color_optical_frame",
    "realsense": "camera_color_optical_frame",
}
RVIZ_TOPICS = ("overlay", "points", "markers")


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "camera",
                default_value="azure_kinect",
                choices=CAMERAS,
                description="Camera whose topics are used (config/<camera>.yaml); none listens on "
                "color/image, depth/image, color/camera_info",
            ),
            DeclareLaunchArgument(
                "start_driver",
                default_value="false",
                choices=TRUTH,
                description="Start the driver too; the Azure Kinect's only",
            ),
            DeclareLaunchArgument(
                "recording",
                default_value="",
                description="Azure Kinect recording (.mkv) for the driver; empty opens the camera",
            ),
            DeclareLaunchArgument(
                "loop",
                default_value="false",
                choices=TRUTH,
                description="Play the recording again and again",
            ),
            DeclareLaunchArgument(
                "params_file",
                default_value="",
                description="Parameters of the affordance node (as config/affordance.yaml), over "
                "those of the camera",
            ),
            DeclareLaunchArgument(
                "device",
                default_value="",
                description="Compute device: auto, cpu, cuda or cuda:N; empty leaves it to the "
                "parameters",
            ),
            DeclareLaunchArgument(
                "use_sim_time",
                default_value="false",
                choices=TRUTH,
                description="Take the time from /clock",
            ),
            DeclareLaunchArgument(
                "namespace",
                default_value="",
                description="Namespace of all nodes and topics, the camera's included",
            ),
            DeclareLaunchArgument(
                "log_level",
                default_value="info",
                choices=("debug", "info", "warn", "error", "fatal"),
                description="Least severe messages that are shown",
            ),
            DeclareLaunchArgument(
                "rviz",
                default_value="false",
                choices=TRUTH,
                description="Start RViz with the overlay, the points and the regions",
            ),
            DeclareLaunchArgument(
                "rviz_frame",
                default_value="",
                description="Frame in which RViz draws, such as the node's target_frame; empty "
                "takes the optical frame of the camera",
            ),
            OpaqueFunction(function=_nodes),
        ]
    )


def _nodes(context: LaunchContext) -> list[Action]:
    given = context.launch_configurations
    preset = _preset(given["camera"])
    is_simulated = {"use_sim_time": given["use_sim_time"] == "true"}
    parameters = [preset.get("parameters", {})]
    if given["params_file"]:
        parameters.append(given["params_file"])
    parameters.append(is_simulated)
    if given["device"]:
        parameters.append({"device": given["device"]})
    shared = {
        "package": PACKAGE,
        "namespace": given["namespace"],
        "output": "screen",
        "ros_arguments": ["--log-level", given["log_level"]],
    }
    nodes = [
        Node(
            executable="affordance_node",
            name="affordance",
            parameters=[found for found in parameters if found],
            remappings=list(preset.get("remappings", {}).items()),
            on_exit=Shutdown(reason="affordance_node ended"),
            **shared,
        )
    ]
    if given["start_driver"] == "true":
        nodes.append(_driver(given, preset, is_simulated, shared))
    if given["rviz"] == "true":
        nodes.append(_rviz(given, is_simulated))
    return nodes


def _rviz(given: dict, is_simulated: dict) -> Action:
    try:
        get_package_share_directory("rviz2")
    except PackageNotFoundError:
        raise RuntimeError(
            "rviz:=true needs rviz2, which is not installed; expected the package "
            "ros-$ROS_DISTRO-rviz2, or rviz:=false (Foxglove: config/foxglove_layout.json)"
        ) from None
    share = Path(get_package_share_directory(PACKAGE))
    arguments = ["-d", str(share / "config" / "affordance.rviz")]
    frames = (frame for kind, frame in OPTICAL_FRAMES.items() if given["camera"].startswith(kind))
    frame = given["rviz_frame"] or next(frames, "")
    if frame:
        arguments += ["-f", frame]
    namespace = given["namespace"].strip("/")
    renamed = [
        (f"/affordance/{topic}", f"/{namespace}/affordance/{topic}")
        for topic in RVIZ_TOPICS
        if namespace
    ]
    return Node(
        package="rviz2",
        executable="rviz2",
        name="rviz",
        arguments=arguments,
        parameters=[is_simulated],
        remappings=renamed,
    )


def _driver(given: dict, preset: dict, is_simulated: dict, shared: dict) -> Action:
    camera = given["camera"]
    if camera != "azure_kinect":
        elsewhere = preset.get("driver", "the driver of your camera")
        raise RuntimeError(
            f"start_driver:=true with camera:={camera}; expected camera:=azure_kinect, as other "
            f"cameras have drivers of their own, to be started apart: {elsewhere}"
        )
    settings = {"recording": given["recording"], "loop": given["loop"] == "true", **is_simulated}
    return Node(executable="kinect_node", name="kinect", parameters=[settings], **shared)


def _preset(camera: str) -> dict:
    if camera == "none":
        return {}
    share = Path(get_package_share_directory(PACKAGE))
    return yaml.safe_load((share / "config" / f"{camera}.yaml").read_text(encoding="utf-8"))
