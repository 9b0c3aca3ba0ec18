# SPDX-License-Identifier: Apache-2.0
"""The RViz and Foxglove configurations name what the node publishes, and nothing else."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
RVIZ = yaml.safe_load((ROOT / "config/affordance.rviz").read_text())
FOXGLOVE = json.loads((ROOT / "config/foxglove_layout.json").read_text())
LAUNCH = (ROOT / "launch/bringup.launch.py").read_text()


def published() -> dict[str, str]:
    """Topics of the node's publishers with the names of their types, from the source."""
    source = "".join(
        (ROOT / f"affordance_seg_ros/ros/{name}.py").read_text()
        for name in ("outputs", "spatial_output", "node")
    )
    found = re.findall(r'ublisher\(\s*(\w+), "(?:~/)?(/?\w+)"', source)
    return {
        topic if topic.startswith("/") else f"/affordance/{topic}": kind for kind, topic in found
    }


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from (key, *strings(item))
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def topics(config: Any) -> set[str]:
    """All topics named in a configuration; a message path ends before its first point."""
    return {text.partition(".")[0] for text in strings(config) if re.match(r"/\w", text)}


def test_the_publishers_are_found_in_the_source() -> None:
    assert {"/affordance/mask", "/affordance/regions", "/diagnostics"} <= set(published())


@pytest.mark.parametrize("config", [RVIZ, FOXGLOVE], ids=["rviz", "foxglove"])
def test_every_topic_named_is_published(config: Any) -> None:
    assert topics(config)
    assert topics(config) <= set(published())


def test_every_rviz_display_is_of_the_type_of_its_topic() -> None:
    displays = {"Image": "Image", "PointCloud2": "PointCloud2", "MarkerArray": "MarkerArray"}
    shown = {}
    for display in RVIZ["Visualization Manager"]["Displays"]:
        if "Topic" in display:
            kind = displays[display["Class"].removeprefix("rviz_default_plugins/")]
            assert published()[display["Topic"]["Value"]] == kind
            shown[display["Topic"]["Value"]] = kind
    assert set(shown) == {f"/affordance/{name}" for name in ("overlay", "points", "markers")}


def test_the_launch_file_moves_every_rviz_topic_into_a_namespace() -> None:
    named = re.search(r"RVIZ_TOPICS = \((.*)\)", LAUNCH)
    assert named is not None
    assert {f"/affordance/{topic}" for topic in re.findall(r"\w+", named[1])} == topics(RVIZ)


def test_every_foxglove_panel_is_laid_out_once() -> None:
    def panels(layout: Any) -> list[str]:
        if isinstance(layout, str):
            return [layout]
        return panels(layout["first"]) + panels(layout["second"])

    assert sorted(panels(FOXGLOVE["layout"])) == sorted(FOXGLOVE["configById"])


@pytest.mark.parametrize("path", ["action.name", "action.score", "regions.regions"])
def test_message_paths_of_foxglove_are_fields_of_the_message(path: str) -> None:
    topic, field = path.split(".")
    assert f"/affordance/{path}" in set(strings(FOXGLOVE))
    message = (ROOT / f"msg/{published()[f'/affordance/{topic}']}.msg").read_text()
    assert re.search(rf"^\S+ {field}\b", message, re.MULTILINE)
