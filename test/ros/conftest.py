# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a client on DDS, and nodes in separate processes."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("rclpy")
# Test sessions that run at the same time must not hear each other.
os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)

import rclpy
from camera_double import TestCamera
from harness import DOUBLE_NODE, LIMIT_S, Client, Process
from launch_double import LaunchFile

LAUNCH = Path(__file__).parents[2] / "launch"


@pytest.fixture(autouse=True)
def _ros() -> Iterator[None]:
    """Give each test its own participant.

    A participant that has written to a killed process may write to what is left of it when another
    one takes its port (eProsima/Fast-DDS#5469).
    """
    rclpy.init(args=[])
    yield
    rclpy.shutdown()


@pytest.fixture
def client() -> Iterator[Client]:
    found = Client()
    yield found
    found.close()


@pytest.fixture
def camera(client: Client) -> TestCamera:
    return TestCamera(client)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Start the node around the pipeline double with parameters `name=value`, or any command.

    The node asks for reliable images unless told otherwise: best effort loses what is published
    before both sides know of each other.
    """
    started: list[Process] = []

    def _start(
        *arguments: str, command: tuple[str, ...] = DOUBLE_NODE, **parameters: object
    ) -> Process:
        if command is DOUBLE_NODE:
            parameters = {"reliability": "reliable", "queue_depth": 100, **parameters}
        values = [f"{name.replace('__', '.')}:={_yaml(v)}" for name, v in parameters.items()]
        flags = [word for value in values for word in ("-p", value)]
        line = (*command, "--ros-args", *flags, *arguments)
        started.append(Process(line, tmp_path / f"node{len(started)}.log"))
        return started[-1]

    yield _start
    running = [process.popen for process in started if process.popen.poll() is None]
    for popen in running:
        popen.send_signal(signal.SIGINT)
    for popen in running:
        try:
            popen.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            popen.kill()
            popen.wait()


@pytest.fixture
def ros2() -> str:
    """The path of the `ros2` command; tests that need it are skipped where it is missing."""
    pytest.importorskip("launch_ros")
    found = shutil.which("ros2")
    if found is None:
        pytest.skip("no ros2 command")
    return found


@pytest.fixture
def bringup(monkeypatch: pytest.MonkeyPatch) -> LaunchFile:
    return LaunchFile(LAUNCH / "bringup.launch.py", monkeypatch)


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch) -> LaunchFile:
    return LaunchFile(LAUNCH / "replay.launch.py", monkeypatch)


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
