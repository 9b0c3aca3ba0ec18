# SPDX-License-Identifier: Apache-2.0
"""Foxglove and Lichtblick read every key and value of the layout.

A panel passes over a key that it does not know without a word. The names are those of Lichtblick
1.28 (lichtblick-suite/lichtblick, packages/suite-base/src), the open branch of Foxglove Studio;
the file that has them stands with each.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from viewer_names import NUMBER, looks_where_the_camera_looks, unread

ROOT = Path(__file__).resolve().parent.parent

# util/layout.ts PANEL_TITLE_CONFIG_KEY; Foxglove has the first, Lichtblick the second
TITLE = {"foxglovePanelTitle": str, "lichtblickPanelTitle": str}
TIME = {"receiveTime", "headerStamp"}  # util/time.ts TimestampMethod
SHOWN = {"visible": bool, "frameLocked": bool}  # panels/ThreeDeeRender/settings.ts BaseSettings
# panels/ThreeDeeRender/renderables/pointExtensionUtils.ts and colorMode.ts; rgb alone has no
# transparency, which our points do not have
POINTS = SHOWN | {
    "colorMode": {"rgb"},
    "colorField": {"rgb"},
    "pointSize": NUMBER,
    "pointShape": {"circle", "square"},
    "decayTime": NUMBER,
}
# panels/ThreeDeeRender/renderables/TopicMarkers.ts
MARKERS = SHOWN | {"showOutlines": bool, "namespaces": dict}
# panels/ThreeDeeRender/camera.ts CameraState
CAMERA = {
    "perspective": bool,
    "distance": NUMBER,
    "phi": NUMBER,
    "thetaOffset": NUMBER,
    "target": list,
    "targetOffset": list,
    "targetOrientation": list,
    "fovy": NUMBER,
    "near": NUMBER,
    "far": NUMBER,
}
# panels/ThreeDeeRender/IRenderer.ts RendererConfig
SCENE = {
    "enableStats": bool,
    "backgroundColor": str,
    "labelScaleFactor": NUMBER,
    "transforms": {"axisScale": NUMBER, "showLabel": bool, "labelSize": NUMBER},
}
RENDERER = TITLE | {
    "cameraState": CAMERA,
    "followTf": str,
    "followMode": {"follow-pose", "follow-position", "follow-none"},
    "scene": SCENE,
    "transforms": {},
    "topics": {"/affordance/points": POINTS, "/affordance/markers": MARKERS},
    "layers": dict,
}
# panels/index.ts has the types
PANELS = {
    "3D": RENDERER,
    # the same with panels/ThreeDeeRender/IRenderer.ts ImageModeConfig
    "Image": RENDERER | {"imageMode": {"imageTopic": str, "rotation": {0, 90, 180, 270}}},
    # panels/StateTransitions/types.ts
    "StateTransitions": TITLE
    | {
        "isSynced": bool,
        "showPoints": bool,
        "paths": [{"value": str, "label": str, "enabled": bool, "timestampMethod": TIME}],
    },
    # panels/Plot/utils/config.ts
    "Plot": TITLE
    | {
        "isSynced": bool,
        "showLegend": bool,
        "legendDisplay": {"floating", "top", "left", "none"},
        "showPlotValuesInLegend": bool,
        "showXAxisLabels": bool,
        "showYAxisLabels": bool,
        "xAxisVal": {"timestamp", "index", "custom", "currentCustom"},
        "minYValue": NUMBER,
        "maxYValue": NUMBER,
        "followingViewWidth": NUMBER,
        "paths": [
            {
                "value": str,
                "label": str,
                "enabled": bool,
                "timestampMethod": TIME,
                "showLine": bool,
                "lineSize": NUMBER,
            }
        ],
    },
    # panels/RawMessagesCommon/types.ts
    "RawMessages": TITLE
    | {
        "topicPath": str,
        "diffEnabled": bool,
        "diffMethod": {"custom", "previous message"},
        "diffTopicPath": str,
        "showFullMessageForDiff": bool,
        "fontSize": NUMBER,
    },
    # panels/DiagnosticSummary/types.ts and constants.ts
    "DiagnosticSummary": TITLE
    | {
        "minLevel": {0, 1, 2, 3},
        "pinnedIds": list,
        "topicToRender": str,
        "hardwareIdFilter": str,
        "sortByLevel": bool,
        "secondsUntilStale": NUMBER,
    },
}
# context/CurrentLayoutContext/actions.ts LayoutData
FILE = {
    "configById": dict,
    "layout": dict,
    "globalVariables": dict,
    "userNodes": dict,
    "playbackConfig": {"speed": NUMBER},
}
# MosaicNode of react-mosaic-component: a panel's id, or this
SPLIT = {
    "direction": {"row", "column"},
    "splitPercentage": NUMBER,
    "first": (str, dict),
    "second": (str, dict),
}


def unread_splits(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from unread(node, SPLIT, "layout")
        yield from unread_splits(node["first"])
        yield from unread_splits(node["second"])


def unread_by_foxglove(layout: Any) -> list[str]:
    found = [*unread(layout, FILE), *unread_splits(layout["layout"])]
    for panel, config in layout["configById"].items():
        kind = panel.partition("!")[0]  # util/layout.ts getPanelTypeFromId
        found += unread(config, PANELS[kind], panel) if kind in PANELS else [panel]
    return found


@pytest.fixture
def layout() -> Any:
    return json.loads((ROOT / "config/foxglove_layout.json").read_text())


def test_foxglove_reads_all_of_the_layout(layout: Any) -> None:
    assert unread_by_foxglove(layout) == []


def test_the_layout_has_what_an_import_asks_for(layout: Any) -> None:
    """Lichtblick refuses a file without these (util/layout.ts validateLayoutData)."""
    assert {"configById", "globalVariables", "playbackConfig"} <= set(layout)
    assert "speed" in layout["playbackConfig"]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("savedProps",), {}),
        (("configById", "DiagnosticStatus!node"), {}),
        (("configById", "Plot!score", "title"), "Probability"),
        (("configById", "Plot!score", "paths", 0, "timestampMethod"), "header"),
        (("configById", "Image!overlay", "imageTopic"), "/affordance/overlay"),
        (("configById", "3D!regions", "cameraState", "fov"), 45),
        (("configById", "3D!regions", "followMode"), "follow"),
        (("configById", "3D!regions", "topics", "/affordance/points", "colorMode"), "RGB8"),
        (("configById", "DiagnosticSummary!node", "minLevel"), "warn"),
        (("layout", "direction"), "vertical"),
    ],
)
def test_what_foxglove_would_pass_over_is_found(
    layout: Any, place: tuple[str | int, ...], value: Any
) -> None:
    *way, last = place
    part = layout
    for step in way:
        part = part[step]
    part[last] = value
    assert len(unread_by_foxglove(layout)) == 1


def test_topics_and_points_of_the_3d_panel_are_shown(layout: Any) -> None:
    """Where nothing is said of a topic, it is not (DEFAULT_SETTINGS of Markers and PointClouds)."""
    topics = layout["configById"]["3D!regions"]["topics"]
    assert {name for name, shown in topics.items() if shown["visible"]} == {
        "/affordance/points",
        "/affordance/markers",
    }


def test_no_name_of_a_frame_stands_before_the_regions(layout: Any) -> None:
    """It hides what is behind it, its transparent ground too, and is 0.2 m high unless told."""
    frames = layout["configById"]["3D!regions"]["scene"]["transforms"]
    assert frames["showLabel"] is False


def test_foxglove_looks_from_behind_the_camera_along_its_axis_with_its_top_up(layout: Any) -> None:
    panel = layout["configById"]["3D!regions"]
    camera = panel["cameraState"]
    assert panel["followMode"] == "follow-pose"
    # renderables/CameraStateSettings.ts: the eye on a sphere around targetOffset; target is kept
    # and not used; its up is the frame's z.
    assert camera["target"] == [0, 0, 0]
    phi, theta = math.radians(camera["phi"]), -math.radians(camera["thetaOffset"])
    away = (
        math.sin(phi) * math.sin(theta),
        -math.sin(phi) * math.cos(theta),
        math.cos(phi),
    )
    focus_z_m = camera["targetOffset"][2]
    assert looks_where_the_camera_looks(away, camera["distance"], focus_z_m)


def test_both_viewers_begin_with_the_same_frame(layout: Any) -> None:
    frame = layout["configById"]["3D!regions"]["followTf"]
    rviz = (ROOT / "config/affordance.rviz").read_text()
    assert f"Fixed Frame: {frame}\n" in rviz
