# SPDX-License-Identifier: Apache-2.0
"""What the launch files would start, where `ros2 launch` is missing too."""

from pathlib import Path

import pytest
from launch_double import DeclareLaunchArgument, LaunchFile, Node, Shutdown

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.sources.preset import preset_names, read_preset

PAGE = Path(__file__).parents[2] / "docs/launch.md"
DRIVEN = ("camera:=azure_kinect", "start_driver:=true")
TWO_DRIVEN = ("cameras:=left=azure_kinect@k4a,right=azure_kinect", "start_driver:=true")


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place of packages, which holds this one."""
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    register(tmp_path, "affordance_seg_ros")
    return tmp_path


def register(prefix: Path, package: str) -> None:
    index = prefix / "share/ament_index/resource_index/packages"
    for folder in (index, prefix / "share" / package):
        folder.mkdir(parents=True, exist_ok=True)
    (index / package).touch()


def absolute(node: Node, topic: str) -> str:
    """Return the name that a topic of a node has for all."""
    name = dict(node.remappings).get(topic, topic)
    return name if name.startswith("/") else "/".join(["", *filter(None, [node.namespace]), name])


def test_every_argument_is_described_also_in_the_documentation(
    bringup: LaunchFile, replay: LaunchFile
) -> None:
    rows = [
        line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    declared = [*bringup.arguments.values(), *replay.arguments.values()]
    assert rows == [documented(argument) for argument in declared]


def documented(argument: DeclareLaunchArgument) -> str:
    """Return the row of an argument in docs/launch.md."""
    default = f"`{argument.default_value}`" if argument.default_value else "empty"
    if argument.default_value is None:
        default = "none: has to be given"
    choices = ", ".join(f"`{choice}`" for choice in argument.choices if choice)
    said = f"{argument.description} ({choices})" if choices else argument.description
    return f"| `{argument.name}` | {default} | {said} |"


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_says_where_the_node_listens(bringup: LaunchFile, name: str) -> None:
    (node,) = bringup(f"camera:={name}")
    assert (node.package, node.executable) == ("affordance_seg_ros", "affordance_node")
    assert dict(node.remappings) == read_preset(name).remappings()


def test_what_a_node_s_end_means_is_for_whoever_launches_it(bringup: LaunchFile) -> None:
    for node in bringup(*DRIVEN):
        assert (node.on_exit, node.respawn) == (None, False)
    for node in bringup(*DRIVEN, "on_exit:=shutdown"):
        assert node.on_exit == Shutdown(f"{node.executable} ended")
    for node in bringup(*DRIVEN, "on_exit:=respawn"):
        assert (node.respawn, node.respawn_delay) == (True, 2.0)


@pytest.mark.parametrize("ending", ["shutdown", "respawn"])
def test_the_end_of_a_recording_ends_nothing_else(bringup: LaunchFile, ending: str) -> None:
    _, driver = bringup(*DRIVEN, "recording:=/r.mkv", f"on_exit:={ending}")
    assert (driver.on_exit, driver.respawn) == (None, False)


@pytest.mark.parametrize(
    ("camera", "words"),
    [
        ("kinect_v2", ["-p", "rectified:=true"]),
        ("azure_kinect", ["-p", "max_skew_s:=0.016"]),
        ("none", []),
    ],
)
def test_a_preset_s_parameters_count_less_than_any_file(
    bringup: LaunchFile, camera: str, words: list[str]
) -> None:
    (node,) = bringup(f"camera:={camera}", "log_level:=debug")
    assert node.ros_arguments == ["--log-level", "debug", *words]
    assert node.parameters == []
    assert bool(node.remappings) == (camera != "none")


def test_from_the_driver_that_it_starts_no_image_gets_lost(bringup: LaunchFile) -> None:
    node, _ = bringup(*DRIVEN)
    assert node.ros_arguments[-2:] == ["-p", 'reliability:="reliable"']
    (node,) = bringup("camera:=azure_kinect")
    assert not any("reliability" in word for word in node.ros_arguments)


def test_arguments_count_more_than_the_parameter_file(
    bringup: LaunchFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "robot.yaml").write_text("/**: {ros__parameters: {rate_hz: 5.0}}")
    transports = {"color_transport": "compressed", "depth_transport": "raw"}
    said = {"weights": "parts", "device": "cpu", **transports}
    words = [f"{name}:={value}" for name, value in said.items()]
    (node,) = bringup("params_file:=~/robot.yaml", "use_sim_time:=true", *words)
    assert node.parameters == [str(tmp_path / "robot.yaml"), {"use_sim_time": True, **said}]
    (node,) = bringup("use_sim_time:=false")
    assert node.parameters == [{"use_sim_time": False}]


@pytest.mark.parametrize(
    ("words", "section"),
    [
        ([], "/affordance"),
        (["namespace:=robot"], "/robot/affordance"),
        (["namespace:=/robot/arm/"], "/robot/arm/affordance"),
        (
            ["cameras:=left=realsense,right=kinect_v2", "namespace:=robot"],
            "/robot/right/affordance",
        ),
    ],
)
def test_a_parameter_file_that_speaks_of_no_node_that_is_started_is_refused(
    bringup: LaunchFile, tmp_path: Path, words: list[str], section: str
) -> None:
    file = tmp_path / "robot.yaml"
    file.write_text(f"{section}: {{ros__parameters: {{rate_hz: 5.0}}}}")
    assert bringup(f"params_file:={file}", *words)
    with pytest.raises(ConfigError, match=f"params_file:={file}: sections for {section}; expected"):
        bringup(f"params_file:={file}", *words, "namespace:=elsewhere")


def test_a_namespace_is_that_of_every_node(bringup: LaunchFile, prefix: Path) -> None:
    register(prefix, "rviz2")
    nodes = bringup(*DRIVEN, "rviz:=true", "namespace:=robot")
    assert [node.executable for node in nodes] == ["affordance_node", "kinect_node", "rviz2"]
    assert {node.namespace for node in nodes} == {"robot"}


def test_several_cameras_have_a_node_each_on_topics_of_their_own(bringup: LaunchFile) -> None:
    cameras = "cameras:=left=realsense@/left/camera,right=kinect_v2"
    nodes = bringup(cameras, "namespace:=robot", "device:=cpu")
    assert [absolute(node, "color/image") for node in nodes] == [
        "/left/camera/color/image_raw",
        "/robot/right/kinect2/qhd/image_color_rect",
    ]
    assert [node.namespace for node in nodes] == ["robot/left", "robot/right"]
    assert [node.parameters for node in nodes] == 2 * [[{"device": "cpu"}]]


@pytest.mark.parametrize(
    ("words", "folders"),
    [
        (DRIVEN, [""]),
        ((*DRIVEN, "base:=k4a/", "namespace:=robot"), ["/robot/k4a"]),
        ((*DRIVEN, "base:=/k4a", "namespace:=robot"), ["/k4a"]),
        (TWO_DRIVEN, ["/left/k4a", "/right"]),
    ],
)
def test_a_driver_publishes_where_its_node_listens(
    bringup: LaunchFile, words: tuple[str, ...], folders: list[str]
) -> None:
    nodes = bringup(*words)
    for folder, node, driver in zip(folders, nodes[::2], nodes[1::2], strict=True):
        assert driver.executable == "kinect_node"
        for listened, published in read_preset("azure_kinect").topics.items():
            assert (
                absolute(node, listened) == absolute(driver, published) == f"{folder}/{published}"
            )
        info = "depth_to_rgb/camera_info"
        assert absolute(driver, info) == f"{folder}/{info}"


def test_a_driver_is_told_recording_loop_and_clock(bringup: LaunchFile) -> None:
    _, driver = bringup(*DRIVEN, "recording:=a.mkv", "loop:=true", "use_sim_time:=true")
    said = {"recording": "a.mkv", "loop": True, "use_sim_time": True, "device_index": 0}
    assert driver.parameters == [said]
    assert driver.ros_arguments == ["--log-level", "info"]


def test_drivers_are_told_the_serial_numbers_of_their_cameras(bringup: LaunchFile) -> None:
    _, driver = bringup(*DRIVEN, "serial_number:=000123")
    assert driver.ros_arguments == ["--log-level", "info", "-p", 'serial_number:="000123"']
    nodes = bringup(*TWO_DRIVEN, "serial_number:=000123, 000456")
    words = [node.ros_arguments[-1] for node in nodes if node.executable == "kinect_node"]
    assert words == ['serial_number:="000123"', 'serial_number:="000456"']


def test_several_drivers_have_a_camera_and_a_frame_each(bringup: LaunchFile, prefix: Path) -> None:
    register(prefix, "rviz2")
    nodes = bringup(*TWO_DRIVEN, "namespace:=robot", "rviz:=true")
    drivers = [node.parameters[0] for node in nodes if node.executable == "kinect_node"]
    frames = ["left_rgb_camera_link", "right_rgb_camera_link"]
    assert [(said["device_index"], said["frame_id"]) for said in drivers] == list(enumerate(frames))
    assert [node.arguments[-1] for node in nodes if node.executable == "rviz2"] == frames


@pytest.mark.parametrize(
    ("words", "frame"),
    [
        (["camera:=realsense"], ["-f", "camera_color_optical_frame"]),
        (["camera:=realsense", "rviz_frame:=base"], ["-f", "base"]),
        (["camera:=none"], []),
    ],
)
def test_rviz_has_our_configuration_the_frame_and_the_namespace(
    bringup: LaunchFile, prefix: Path, words: list[str], frame: list[str]
) -> None:
    register(prefix, "rviz2")
    _, rviz = bringup(*words, "rviz:=true", "namespace:=robot", "use_sim_time:=true")
    configuration = prefix / "share/affordance_seg_ros/config/affordance.rviz"
    assert rviz.arguments == ["-d", str(configuration), *frame]
    assert rviz.parameters == [{"use_sim_time": True}]
    topics = [f"/affordance/{name}" for name in ("overlay", "points", "markers")]
    assert rviz.remappings == [(topic, f"/robot{topic}") for topic in topics]


@pytest.mark.parametrize(
    ("namespace", "node"),
    [
        ("", "/robot1/affordance"),
        ("left", "/robot1/left/affordance"),
        ("/left/", "/left/affordance"),
    ],
)
def test_rviz_listens_to_the_node_of_its_group(
    bringup: LaunchFile, prefix: Path, namespace: str, node: str
) -> None:
    register(prefix, "rviz2")
    words = ("rviz:=true", f"namespace:={namespace}")
    _, rviz = bringup(*words, ros_namespace="/robot1")
    assert dict(rviz.remappings)["/affordance/points"] == f"{node}/points"
    assert not bringup("rviz:=true")[1].remappings


@pytest.mark.usefixtures("prefix")
@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["camera:=toaster"], '"camera" provided value "toaster" is not valid'),
        (["params_file:=/nothing.yaml"], r"params_file:=/nothing\.yaml: no such file; expected"),
        (["params_file:=~no_such_user/a"], "~no_such_user/a: .*expected a folder of a known user"),
        (["recording:=a.mkv"], "recording:=a.mkv without start_driver:=true; expected both"),
        (["loop:=true"], "loop:=true without start_driver:=true; expected both"),
        (["base:=left", "camera:=none"], "base:=left with camera:=none; expected NAMESPACE="),
        (["base:=left", "cameras:=a=realsense"], "base:=left with cameras:=a=realsense; expected"),
        (["cameras:=left"], r"cameras:=left; expected NAMESPACE=PRESET\[@BASE\]"),
        (["cameras:==realsense"], r"cameras:==realsense; expected NAMESPACE=PRESET\[@BASE\]"),
        (["cameras:=left=@base"], r"cameras:=left=@base; expected NAMESPACE=PRESET\[@BASE\]"),
        (["cameras:=left=toaster"], "camera 'toaster'; expected one of azure_kinect"),
        (["cameras:=a=realsense,a=kinect_v2"], "a different namespace for each camera"),
        (["camera:=realsense", "start_driver:=true"], "camera realsense; .* realsense2_camera"),
        (["camera:=none", "start_driver:=true"], "camera none; .* the driver of your camera"),
        (["serial_number:=1"], "serial_number:=1 without start_driver:=true"),
        ([*DRIVEN, "serial_number:=1,2"], "serial_number:=1,2; expected .* 1 in all"),
        ([*TWO_DRIVEN, "serial_number:=1"], "serial_number:=1; expected .* 2 in all"),
        ([*TWO_DRIVEN, "serial_number:=1,"], "serial_number:=1,; expected .* 2 in all"),
        ([*TWO_DRIVEN, "serial_number:=1,1"], "serial_number:=1,1; expected .* 2 in all"),
        ([*DRIVEN, "serial_number:=1", "recording:=a.mkv"], "recording and serial_number together"),
        (["rviz:=true"], "rviz:=true needs rviz2, which is not installed"),
    ],
)
def test_a_wrong_argument_is_refused_with_the_reason(
    bringup: LaunchFile, words: list[str], reason: str
) -> None:
    with pytest.raises((RuntimeError, ConfigError), match=reason):
        bringup(*words)
