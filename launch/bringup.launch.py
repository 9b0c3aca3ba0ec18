# SPDX-License-Identifier: Apache-2.0
"""The affordance node on the topics of a camera; with `start_driver:=true` the Kinect's driver."""

from pathlib import Path

import yaml
from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch_ros.actions import Node

PACKAGE = "affordance_seg_ros"
CAMERAS = ("azure_kinect", "kinect_v2", "femto_bolt", "realsense", "none")
TRUTH = ("true", "false")


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
    return nodes


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
