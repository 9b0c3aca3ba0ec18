# SPDX-License-Identifier: Apache-2.0
"""Who may import whom: the floors of docs/architecture.md."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "affordance_seg_ros"
ROS = {"rclpy", "cv_bridge", "sensor_msgs_py", "tf2_ros", "launch", "launch_ros"}
ROS_INTERFACES = ("_msgs", "_srvs", "_interfaces")
"""How packages of generated messages and services are named."""
VOCABULARY = (
    *("__init__", "threads", "readable", "errors", "whole_file", "json_document"),
    "rigid_motion",
    *("labels", "camera", "options", "flags", "config", "node_config", "frames"),
)
MAY_IMPORT = {
    **{name: set(VOCABULARY[:index]) for index, name in enumerate(VOCABULARY)},
    **{name: set(VOCABULARY) for name in ("flow", "model", "sources")},
    "pipeline": {*VOCABULARY, "flow", "model", "sources"},
    "evaluation": {*VOCABULARY, "flow", "model", "sources", "pipeline"},
    "ros": {*VOCABULARY, "flow", "model", "sources", "pipeline", "msg"},
    "training": {*VOCABULARY, "flow", "model", "sources", "pipeline", "evaluation"},
    "cli": {*VOCABULARY, "flow", "model", "sources", "pipeline", "evaluation", "ros", "training"},
}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        yield path.relative_to(ROOT / PACKAGE).parts[0].removesuffix(".py"), path
    for path in sorted((ROOT / "training").rglob("*.py")):
        yield "training", path


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def violations(part: str, imported: list[str]) -> list[str]:
    allowed = MAY_IMPORT[part] | {part}
    wrong = []
    for name in imported:
        parts = name.split(".")
        if parts[0] == PACKAGE and parts[1] not in allowed | {"__version__"}:
            wrong.append(name)
        if (parts[0] in ROS or parts[0].endswith(ROS_INTERFACES)) and part != "ros":
            wrong.append(name)
    return wrong


@pytest.mark.parametrize(
    ("part", "path"), [pytest.param(*item, id=str(item[1])) for item in modules()]
)
def test_imports_only_from_the_floors_below(part: str, path: Path) -> None:
    assert violations(part, list(imports(path))) == []


def test_only_the_bag_reader_sees_rosbags() -> None:
    users = {path.name for _, path in modules() for name in imports(path) if "rosbags" in name}
    assert users == {"bag_reader.py", "bag_writer.py", "bag_extrinsics.py"}


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("flow", "affordance_seg_ros.model.network"),
        ("pipeline", "affordance_seg_ros.evaluation.report"),
        ("ros", "affordance_seg_ros.evaluation.report"),
        ("sources", "rclpy.node.Node"),
        ("sources", "sensor_msgs.msg.Image"),
        ("pipeline", "geometry_msgs.msg.Point"),
        ("evaluation", "std_srvs.srv.Trigger"),
        ("training", "builtin_interfaces.msg.Time"),
        ("labels", "affordance_seg_ros.config.InputConfig"),
    ],
)
def test_the_rule_catches_an_import_from_above(part: str, name: str) -> None:
    assert violations(part, [name]) == [name]


def subscripted(path: Path) -> list[str]:
    """Return rclpy's classes that get a [...] as a module is loaded: those of Jazzy refuse it."""
    tree = ast.parse(path.read_text())
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    is_late = any(
        node.module == "__future__" and "annotations" in {alias.name for alias in node.names}
        for node in imported
    )
    own = {
        alias.asname or alias.name
        for node in imported
        if (node.module or "").startswith("rclpy")
        for alias in node.names
    }
    return [
        part.value.id
        for evaluated in _evaluated(tree, annotations=not is_late)
        for part in ast.walk(evaluated)
        if isinstance(part, ast.Subscript) and isinstance(part.value, ast.Name)
        if part.value.id in own
    ]


def _evaluated(tree: ast.Module, *, annotations: bool) -> Iterator[ast.AST]:
    """Yield bases, values and annotations that are evaluated as definitions are; no local ones."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from node.bases
        if isinstance(node, ast.Module | ast.ClassDef):
            for line in node.body:
                if isinstance(line, ast.Assign | ast.AnnAssign) and line.value is not None:
                    yield line.value
                if annotations and isinstance(line, ast.AnnAssign):
                    yield line.annotation
        if annotations and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (found for found in (node.returns,) if found is not None)
            arguments = (each for each in ast.walk(node.args) if isinstance(each, ast.arg))
            yield from (each.annotation for each in arguments if each.annotation is not None)


@pytest.mark.parametrize(
    "path", sorted((ROOT / PACKAGE / "ros").glob("*.py")), ids=lambda p: p.stem
)
def test_no_class_of_rclpy_is_subscripted_where_jazzy_would_refuse_it(path: Path) -> None:
    assert not subscripted(path)


def test_a_subscript_that_jazzy_refuses_is_found_out(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    text = "from rclpy.parameter import Parameter\ndef read(found: list[Parameter[int]]): ...\n"
    module.write_text(text)
    assert subscripted(module) == ["Parameter"]
    module.write_text("from __future__ import annotations\n" + text)
    assert not subscripted(module)
    module.write_text("from rclpy.publisher import Publisher\nclass Other(Publisher[int]): ...\n")
    assert subscripted(module) == ["Publisher"]
