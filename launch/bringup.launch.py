# SPDX-License-Identifier: Apache-2.0
"""Start the affordance node on the topics of a camera, or one node for each of several cameras.

With `start_driver:=true`, also start the driver of the Azure Kinect.
"""

from collections.abc import Iterator
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch_ros.actions import Node

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.ros.launched_cameras import LaunchedCamera, launched_cameras
from affordance_seg_ros.ros.parameter_file import check_parameter_file, parameter_words
from affordance_seg_ros.sources.preset import Preset, preset_names, read_preset
from affordance_seg_ros.whole_file import user_path

PACKAGE = "affordance_seg_ros"
TRUTH = ("true", "false")
ENDINGS = ("nothing", "respawn", "shutdown")
RESPAWN_DELAY_S = 2.0
RVIZ_TOPICS = ("overlay", "points", "markers")
# The preset whose driver can be started: kinect_node publishes on its topics.
OWN_DRIVER = "azure_kinect"
DRIVER_TOPICS = (
    "rgb/image_raw",
    "rgb/camera_info",
    "depth_to_rgb/image_raw",
    "depth_to_rgb/camera_info",
)


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "camera",
                default_value="azure_kinect",
                choices=(*preset_names(), "none"),
                description="Camera whose topics are used (config/<camera>.yaml); none subscribes "
                "to color/image, depth/image and color/camera_info",
            ),
            DeclareLaunchArgument(
                "base",
                default_value="",
                description="Namespace in which the camera's driver publishes, if not the one in "
                "the preset; relative to the namespace unless it starts with a slash",
            ),
            DeclareLaunchArgument(
                "cameras",
                default_value="",
                description="Several cameras instead of one, such as left=realsense@/left/camera,"
                "right=kinect_v2: for each, the namespace of its nodes = its preset, followed by "
                "@ and its base if it is not the preset's",
            ),
            DeclareLaunchArgument(
                "color_transport",
                default_value="",
                choices=("", "raw", "compressed"),
                description="Transport of the colour images; empty leaves it to the parameters",
            ),
            DeclareLaunchArgument(
                "depth_transport",
                default_value="",
                choices=("", "raw", "compressed", "compressed_depth"),
                description="Transport of the depth images; empty leaves it to the parameters",
            ),
            DeclareLaunchArgument(
                "start_driver",
                default_value="false",
                choices=TRUTH,
                description="Start the camera's driver too; only for the Azure Kinect",
            ),
            DeclareLaunchArgument(
                "serial_number",
                default_value="",
                description="Serial number of the camera that the driver opens; for several "
                "cameras one each, separated by commas and in their order; empty opens them in the "
                "SDK's order",
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
                description="Play the recording in a loop",
            ),
            DeclareLaunchArgument(
                "params_file",
                default_value="",
                description="Parameters of the affordance node (like config/affordance.yaml); they "
                "override those of the camera",
            ),
            DeclareLaunchArgument(
                "weights",
                default_value="",
                description="Weight file, or parts for the package's weights that mark every part "
                "in view; empty leaves it to the parameters",
            ),
            DeclareLaunchArgument(
                "device",
                default_value="",
                description="Compute device: auto, cpu, cuda or cuda:N; empty leaves it to the "
                "parameters",
            ),
            DeclareLaunchArgument(
                "use_sim_time",
                default_value="",
                choices=("", *TRUTH),
                description="Take the time from /clock; empty leaves it to the parameters",
            ),
            DeclareLaunchArgument(
                "namespace",
                default_value="",
                description="Namespace of all nodes and topics, the camera's included",
            ),
            DeclareLaunchArgument(
                "on_exit",
                default_value="nothing",
                choices=ENDINGS,
                description="When a node ends: do nothing, start it again after 2 s (respawn), or "
                "end this launch and whatever includes it (shutdown); does not apply when a "
                "recording ends",
            ),
            DeclareLaunchArgument(
                "log_level",
                default_value="info",
                choices=("debug", "info", "warn", "error", "fatal"),
                description="Lowest severity of the messages that are shown",
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
    given = dict(context.launch_configurations)
    if given["params_file"]:  # no shell expands a ~ after :=
        given["params_file"] = str(user_path(given["params_file"], ConfigError))
    _check(given)
    cameras = launched_cameras(given)
    if given["params_file"]:
        outer = given.get("ros_namespace", "")  # of a group that includes this file
        _check_parameters(Path(given["params_file"]), [c.node_name(outer) for c in cameras])
    nodes = []
    for index, camera in enumerate(cameras):
        earlier = [c for c in cameras[:index] if c.preset == OWN_DRIVER]
        nodes += _camera_nodes(camera, given, len(earlier))
    return nodes


def _check(given: dict) -> None:
    """Refuse arguments that would have no effect."""
    for name in ("recording", "loop", "serial_number"):
        if given[name] not in ("", "false") and given["start_driver"] != "true":
            raise RuntimeError(f"{name}:={given[name]} without start_driver:=true; expected both")
    if given["recording"] and given["serial_number"]:
        raise RuntimeError("recording and serial_number together; expected one of them")
    if given["base"] and (given["cameras"] or given["camera"] == "none"):
        other = f"cameras:={given['cameras']}" if given["cameras"] else "camera:=none"
        raise RuntimeError(
            f"base:={given['base']} with {other}; expected NAMESPACE=PRESET@BASE in cameras, or a "
            "preset as camera"
        )


def _check_parameters(file: Path, nodes: list[str]) -> None:
    """Refuse a file that would have no effect; launch_ros would only warn of a missing one."""
    try:
        check_parameter_file(file, nodes)
    except ConfigError as error:
        raise ConfigError(f"params_file:={error}") from None


def _camera_nodes(camera: LaunchedCamera, given: dict, device_index: int) -> list[Action]:
    preset = None if camera.preset == "none" else read_preset(camera.preset)
    simulated = given["use_sim_time"]
    is_simulated = {"use_sim_time": simulated == "true"} if simulated else {}
    named = ("weights", "device", "color_transport", "depth_transport")
    arguments = {**is_simulated, **{name: given[name] for name in named if given[name]}}
    parameters = [found for found in (given["params_file"], arguments) if found]
    shared = {
        "package": PACKAGE,
        "namespace": camera.namespace,
        "output": "screen",
    }
    log_level = ["--log-level", given["log_level"]]
    nodes = [
        Node(
            executable="affordance_node",
            name="affordance",
            ros_arguments=[*log_level, *_node_arguments(given, preset)],
            parameters=parameters,
            remappings=list(preset.remappings(camera.base).items()) if preset else [],
            **_ending(given, "affordance_node"),
            **shared,
        )
    ]
    if given["start_driver"] == "true":
        settings = {**is_simulated, "device_index": device_index}
        if camera.frame:
            settings["frame_id"] = camera.frame
        base = camera.base.rstrip("/")
        remappings = [(topic, f"{base}/{topic}") for topic in DRIVER_TOPICS if camera.base]
        # Not in `settings`: launch_ros would take digits for a number.
        own = {"serial_number": camera.serial_number} if camera.serial_number else {}
        ros_arguments = [*log_level, *parameter_words(own)]
        words = {**shared, "ros_arguments": ros_arguments, "remappings": remappings}
        nodes.append(_driver(given, preset, settings, words))
    if given["rviz"] == "true":
        nodes.append(_rviz(camera, given, preset, is_simulated))
    return nodes


def _ending(given: dict, executable: str) -> dict:
    """Return the arguments of a node's action that say what happens when the node ends."""
    if given["on_exit"] == "respawn":
        return {"respawn": True, "respawn_delay": RESPAWN_DELAY_S}
    if given["on_exit"] == "shutdown":
        return {"on_exit": Shutdown(reason=f"{executable} ended")}
    return {}


def _node_arguments(given: dict, preset: Preset | None) -> Iterator[str]:
    """Yield the parameters of preset and driver as arguments that apply to any node.

    Not as a dictionary, which addresses the node by name: a file's `/**` would then override every
    dictionary, as names are applied in the order in which they first appear.
    """
    if preset:
        yield from parameter_words(preset.parameters)
    if given["start_driver"] == "true":
        # Best effort loses most 720p images where a middleware's shared memory is smaller.
        yield from parameter_words({"reliability": "reliable"})


def _rviz(camera: LaunchedCamera, given: dict, preset: Preset | None, is_simulated: dict) -> Action:
    try:
        get_package_share_directory("rviz2")
    except PackageNotFoundError:
        raise RuntimeError(
            "rviz:=true needs rviz2, which is not installed; expected the package "
            "ros-$ROS_DISTRO-rviz2, or rviz:=false (Foxglove: config/foxglove_layout.json)"
        ) from None
    share = Path(get_package_share_directory(PACKAGE))
    arguments = ["-d", str(share / "config" / "affordance.rviz")]
    frame = given["rviz_frame"] or camera.frame or (preset.frame if preset else "")
    if frame:
        arguments += ["-f", frame]
    node = camera.node_name(given.get("ros_namespace", ""))
    renamed = [
        (f"/affordance/{topic}", f"{node}/{topic}")
        for topic in RVIZ_TOPICS
        if node != "/affordance"
    ]
    return Node(
        package="rviz2",
        executable="rviz2",
        name="rviz",
        namespace=camera.namespace,
        arguments=arguments,
        parameters=[is_simulated] if is_simulated else [],
        remappings=renamed,
    )


def _driver(given: dict, preset: Preset | None, settings: dict, shared: dict) -> Action:
    if preset is None or preset.name != OWN_DRIVER:
        name = preset.name if preset else "none"
        elsewhere = preset.driver if preset else "the driver of your camera"
        raise RuntimeError(
            f"start_driver:=true with camera {name}; expected {OWN_DRIVER}, as other cameras have "
            f"their own drivers, which are started separately: {elsewhere}"
        )
    found = {"recording": given["recording"], "loop": given["loop"] == "true", **settings}
    if not given["recording"]:
        shared = {**shared, **_ending(given, "kinect_node")}
    return Node(executable="kinect_node", name="kinect", parameters=[found], **shared)
