# SPDX-License-Identifier: Apache-2.0
"""Parameter files: of which nodes they speak, and what counts before them."""

import json
import sys
from pathlib import Path

import pytest
import yaml

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.ros.parameter_file import check_parameter_file, write_overriding

NODES = ("/affordance", "/left/affordance", "/robot/left/affordance")
SECTIONS = {
    "/**": NODES,
    "**": NODES,
    "/**/affordance": NODES,
    "affordance": NODES[:1],
    "/affordance": NODES[:1],
    "*": NODES[:1],
    "/*/affordance": NODES[1:2],
    "left/affordance": NODES[1:2],
    "/left/**": NODES[1:2],
    "/robot/*/affordance": NODES[2:],
    "/**/left/*": NODES[1:],
    "/kinect": (),
}
TELLS_A_PARAMETER = """
import sys, rclpy
from rclpy.node import Node
rclpy.init(args=sys.argv)
print("rate", Node("affordance").declare_parameter("rate_hz", 1.0).value, flush=True)
"""


def is_for(file: Path, node: str) -> bool:
    try:
        check_parameter_file(file, [node])
    except ConfigError:
        return False
    return True


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_is_for_the_nodes_that_its_name_covers(section: str, tmp_path: Path) -> None:
    file = tmp_path / "robot.yaml"
    file.write_text(json.dumps({section: {"ros__parameters": {"rate_hz": 5.0}}}))
    assert tuple(node for node in NODES if is_for(file, node)) == SECTIONS[section]


@pytest.mark.parametrize("section", ["*", "/left/**", "/**/left/*", "/*/affordance"])
def test_ros_takes_the_same_nodes_for_covered(section, tmp_path, start) -> None:
    file = tmp_path / "robot.yaml"
    file.write_text(json.dumps({section: {"ros__parameters": {"rate_hz": 5.0}}}))
    command = (sys.executable, "-c", TELLS_A_PARAMETER)
    for node in NODES:
        namespace = node.rpartition("/")[0] or "/"
        words = ("--params-file", str(file), "-r", f"__ns:={namespace}")
        process = start(*words, command=command)
        assert process.popen.wait(30) == 0, process.output
        assert process.output == f"rate {5.0 if node in SECTIONS[section] else 1.0}\n"


def test_names_may_be_nested(tmp_path: Path) -> None:
    file = tmp_path / "robot.yaml"
    file.write_text("robot: {left: {affordance: {ros__parameters: {rate_hz: 5.0}}}}")
    assert is_for(file, NODES[2])
    assert not is_for(file, NODES[1])


def test_one_of_several_nodes_is_enough(tmp_path: Path) -> None:
    file = tmp_path / "robot.yaml"
    file.write_text("/left/affordance: {ros__parameters: {rate_hz: 5.0}}")
    check_parameter_file(file, NODES)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            "/kinect: {ros__parameters: {a: 1}}",
            "sections for /kinect; expected one for /affordance",
        ),
        ("rate_hz: 5.0", "no section 'ros__parameters'; expected one for /affordance, or for /"),
        ("", "no section"),
        ("- 5", "no section"),
        ("a: [", "cannot be read as YAML"),
    ],
)
def test_a_file_that_says_nothing_of_the_node_is_refused(
    tmp_path: Path, content: str, reason: str
) -> None:
    file = tmp_path / "robot.yaml"
    file.write_text(content)
    with pytest.raises(ConfigError, match=f"robot.yaml: {reason}"):
        check_parameter_file(file, ["/affordance"])


def test_what_is_to_count_is_written_into_every_section(tmp_path: Path) -> None:
    file, over = tmp_path / "robot.yaml", tmp_path / "over.yaml"
    file.write_text(
        "/robot:\n  affordance: {ros__parameters: {rate_hz: 5.0, flow: {budget: 0.3}}}\n"
        "/**: {ros__parameters: {rate_hz: 7.0}}\n"
    )
    values = {"flow.budget": 0.5, "color_transport": "raw"}
    write_overriding(file, values, over)
    assert yaml.safe_load(over.read_text()) == {
        "/robot": {"affordance": {"ros__parameters": values}},
        "/**": {"ros__parameters": values},
    }
    assert "rate_hz: 5.0" in file.read_text()
