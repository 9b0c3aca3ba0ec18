# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for `launch` and `launch_ros` that tell what a launch file would start."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from runpy import run_path
from types import ModuleType
from typing import Any

import pytest


@dataclass
class LaunchContext:
    launch_configurations: dict[str, str] = field(default_factory=dict)
    is_shutdown: bool = False


@dataclass
class DeclareLaunchArgument:
    """An argument: required if it has no default, and restricted to its choices if it has any."""

    name: str
    default_value: str | None = None
    description: str = ""
    choices: Sequence[str] = ()

    def execute(self, context: LaunchContext) -> list[Any]:
        value = context.launch_configurations.get(self.name, self.default_value)
        if value is None:
            raise RuntimeError(f'launch argument "{self.name}" was not provided')
        context.launch_configurations[self.name] = value
        if self.choices and value not in self.choices:
            raise RuntimeError(f'Argument "{self.name}" provided value "{value}" is not valid')
        return []


@dataclass
class OpaqueFunction:
    function: Callable[[LaunchContext], list[Any]]

    def execute(self, context: LaunchContext) -> list[Any]:
        return self.function(context)


@dataclass
class LaunchDescription:
    entities: list[Any]


@dataclass(frozen=True)
class Shutdown:
    reason: str


@dataclass
class Node:
    package: str
    executable: str
    name: str
    namespace: str = ""
    output: str = "log"
    arguments: Sequence[str] = ()
    ros_arguments: Sequence[str] = ()
    parameters: Sequence[Any] = ()
    remappings: Sequence[tuple[str, str]] = ()
    on_exit: Shutdown | None = None
    respawn: bool = False
    respawn_delay: float | None = None


@dataclass
class ExecuteProcess:
    cmd: Sequence[Any]
    name: str = ""
    output: str = "log"
    sigterm_timeout: str = "5"


@dataclass(frozen=True)
class ExecutableInPackage:
    executable: str
    package: str


@dataclass
class OnProcessExit:
    target_action: ExecuteProcess
    on_exit: Callable[["ProcessExited", LaunchContext], Any]


@dataclass
class RegisterEventHandler:
    event_handler: OnProcessExit


@dataclass(frozen=True)
class ProcessExited:
    returncode: int


_MODULES: dict[str, tuple[type, ...]] = {
    "launch": (LaunchContext, LaunchDescription),
    "launch.action": (),
    "launch.actions": (
        DeclareLaunchArgument, ExecuteProcess, OpaqueFunction, RegisterEventHandler, Shutdown,
    ),
    "launch.event_handlers": (OnProcessExit,),
    "launch.events": (),
    "launch.events.process": (ProcessExited,),
    "launch_ros": (),
    "launch_ros.actions": (Node,),
    "launch_ros.substitutions": (ExecutableInPackage,),
}  # fmt: skip


class LaunchFile:
    """A launch file with the stand-ins; called with `name:=value`, it returns what it would start.

    `ros_namespace` is that of a group which includes it.

    Attributes:
        arguments: What it declares, by name.
    """

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, kinds in _MODULES.items():
            module = ModuleType(name)
            vars(module).update({kind.__name__: kind for kind in kinds})
            monkeypatch.setitem(sys.modules, name, module)
        vars(sys.modules["launch.action"])["Action"] = object
        make: Callable[[], LaunchDescription] = run_path(str(path))["generate_launch_description"]
        self._entities = make().entities
        declared = [each for each in self._entities if isinstance(each, DeclareLaunchArgument)]
        self.arguments = {argument.name: argument for argument in declared}

    def __call__(self, *words: str, ros_namespace: str = "") -> list[Any]:
        given = dict(word.split(":=", 1) for word in words)
        assert given.keys() <= self.arguments.keys()
        context = LaunchContext(given | ({"ros_namespace": ros_namespace} if ros_namespace else {}))
        return [action for entity in self._entities for action in entity.execute(context)]
