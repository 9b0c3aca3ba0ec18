# SPDX-License-Identifier: Apache-2.0
"""RViz reads every name and value of its configuration.

RViz passes over a property that it does not know without a word, and takes an unknown value for
the default: only a comparison with its own names finds the mistake. The names are those of RViz 2
of ROS 2 Jazzy (ros2/rviz, branch jazzy); the file that has them stands with each.
"""

import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from viewer_names import NUMBER, looks_where_the_camera_looks, unread

ROOT = Path(__file__).resolve().parent.parent

# rviz_common/src/rviz_common/display.cpp
DISPLAY = {"Class": str, "Name": str, "Enabled": bool, "Value": bool}
# rviz_common/src/rviz_common/properties/qos_profile_property.cpp. Our publishers are volatile: a
# subscriber that asks for transient local gets nothing from them. They are reliable, which serves
# both kinds of subscribers.
TOPIC = {
    "Value": str,
    "Depth": int,
    "History Policy": {"Keep Last", "Keep All", "System Default"},
    "Reliability Policy": {"Reliable", "Best Effort", "System Default"},
    "Durability Policy": {"Volatile"},
}
VECTOR = {"X": NUMBER, "Y": NUMBER, "Z": NUMBER}  # properties/vector_property.cpp
# rviz_default_plugins/plugins_description.xml has the classes,
# rviz_default_plugins/src/rviz_default_plugins/displays/ the properties
DISPLAYS = {
    # image/image_display.cpp
    "rviz_default_plugins/Image": DISPLAY
    | {
        "Topic": TOPIC,
        "Normalize Range": bool,
        "Min Value": NUMBER,
        "Max Value": NUMBER,
        "Median window": int,
    },
    # pointcloud/point_cloud_common.cpp; the names of transformers of one's own points are in
    # pointcloud/point_cloud_transformer_factory.cpp, and each has further properties
    "rviz_default_plugins/PointCloud2": DISPLAY
    | {
        "Topic": TOPIC | {"Filter size": int},  # rviz_common/message_filter_display.hpp
        "Selectable": bool,
        "Style": {"Points", "Squares", "Flat Squares", "Spheres", "Boxes", "Tiles"},
        "Size (m)": NUMBER,
        "Size (Pixels)": NUMBER,
        "Alpha": NUMBER,
        "Decay Time": NUMBER,
        "Position Transformer": {"XYZ"},
        "Color Transformer": {"RGB8"},
    },
    # marker/marker_common.cpp; the namespaces are those of affordance_seg_ros/ros/markers.py
    "rviz_default_plugins/MarkerArray": DISPLAY
    | {"Topic": TOPIC, "Namespaces": {"boxes": bool, "names": bool, "normals": bool}},
    # axes/axes_display.cpp
    "rviz_default_plugins/Axes": DISPLAY
    | {"Reference Frame": str, "Length": NUMBER, "Radius": NUMBER},
}
PANEL = {
    # rviz_common/src/rviz_common/panel_factory.cpp and panel.cpp
    "Class": {
        f"rviz_common/{name}"
        for name in (
            "Displays",
            "Help",
            "Selection",
            "Time",
            "Tool Properties",
            "Transformation",
            "Views",
        )
    },
    "Name": str,
}
TOOL = {
    # rviz_default_plugins/plugins_description.xml
    "Class": {
        f"rviz_default_plugins/{name}"
        for name in (
            "FocusCamera",
            "Interact",
            "Measure",
            "MoveCamera",
            "PublishPoint",
            "Select",
            "SetGoal",
            "SetInitialPose",
        )
    }
}
VIEW = {
    # rviz_default_plugins/plugins_description.xml; rviz_common/src/rviz_common/view_controller.cpp
    # and frame_position_tracking_view_controller.cpp;
    # rviz_default_plugins/.../view_controllers/orbit/orbit_view_controller.cpp
    "Class": {"rviz_default_plugins/ThirdPersonFollower", "rviz_default_plugins/Orbit"},
    "Name": str,
    "Value": str,
    "Near Clip Distance": NUMBER,
    "Invert Z Axis": bool,
    "Target Frame": str,
    "Distance": NUMBER,
    "Focal Shape Size": NUMBER,
    "Focal Shape Fixed Size": bool,
    "Focal Point": VECTOR,
    "Yaw": NUMBER,
    "Pitch": NUMBER,
}
WINDOW = {
    # rviz_common/src/rviz_common/visualization_frame.cpp
    "X": int,
    "Y": int,
    "Width": int,
    "Height": int,
    "Hide Left Dock": bool,
    "Hide Right Dock": bool,
}
FILE = {
    # rviz_common/src/rviz_common/visualization_frame.cpp and visualization_manager.cpp
    "Panels": [PANEL],
    "Visualization Manager": {
        "Class": str,
        "Name": str,
        "Enabled": bool,
        "Value": bool,
        "Displays": list,
        "Global Options": {"Background Color": str, "Fixed Frame": str, "Frame Rate": int},
        "Tools": [TOOL],
        "Transformation": {"Current": {"Class": {"rviz_default_plugins/TF"}}},
        "Views": {"Current": VIEW, "Saved": type(None)},
    },
    "Window Geometry": WINDOW,
}


def unread_by_rviz(config: Any) -> list[str]:
    displays = config["Visualization Manager"]["Displays"]
    found = list(unread(config, FILE))
    for display in displays:
        if display["Class"] in DISPLAYS:
            found += unread(display, DISPLAYS[display["Class"]], display["Name"])
        else:
            found.append(display["Class"])
    return found


@pytest.fixture
def config() -> Any:
    return yaml.safe_load((ROOT / "config/affordance.rviz").read_text())


def test_rviz_reads_all_of_the_configuration(config: Any) -> None:
    assert unread_by_rviz(config) == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("Window Geometry", "Hide left dock"), False),
        (("Visualization Manager", "Views", "Current", "Clip"), 0.1),
        (("Visualization Manager", "Views", "Current", "Class"), "rviz_common/Orbit"),
        (("Visualization Manager", "Displays", 0, "Class"), "rviz/Image"),
        (("Visualization Manager", "Displays", 0, "Topic", "Reliability Policy"), "Best effort"),
        (("Visualization Manager", "Displays", 1, "Use Fixed Frame"), True),
        (("Visualization Manager", "Displays", 1, "Topic", "Durability Policy"), "Transient Local"),
        (("Visualization Manager", "Displays", 1, "Size (Pixels)"), "3 px"),
        (("Visualization Manager", "Tools", 0, "Class"), "rviz_default_plugins/Move"),
        (("Panels", 0, "Class"), "rviz/Displays"),
    ],
)
def test_what_rviz_would_pass_over_is_found(
    config: Any, place: tuple[str | int, ...], value: Any
) -> None:
    *way, last = place
    part = config
    for step in way:
        part = part[step]
    part[last] = value
    assert len(unread_by_rviz(config)) == 1


def test_the_docks_are_not_left_to_chance(config: Any) -> None:
    """RViz reads both into a variable that has no value when the file has none."""
    assert {"Hide Left Dock", "Hide Right Dock"} <= set(config["Window Geometry"])


def test_rviz_looks_from_behind_the_camera_along_its_axis_with_its_top_up(config: Any) -> None:
    view = config["Visualization Manager"]["Views"]["Current"]
    # orbit_view_controller.cpp: the eye on a sphere around the focus; its up is the frame's z.
    yaw, pitch = view["Yaw"], view["Pitch"]
    away = (
        math.cos(yaw) * math.cos(pitch),
        math.sin(yaw) * math.cos(pitch),
        math.sin(pitch),
    )
    assert set(view["Focal Point"]) == set(VECTOR)  # all of it is passed over where one is missing
    focus_z_m = view["Focal Point"]["Z"]
    assert looks_where_the_camera_looks(away, view["Distance"], focus_z_m)
