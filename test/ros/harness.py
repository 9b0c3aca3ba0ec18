# SPDX-License-Identifier: Apache-2.0
"""Nodes in separate processes, and a client that talks to them over DDS."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter

HERE = Path(__file__).parent
DOUBLE_NODE = (sys.executable, str(HERE / "double_node.py"))
LIMIT_S = 30.0
"""How long anything may take on a busy machine before a test gives up."""


@contextmanager
def child(command: Sequence[str], **options: Any) -> "Iterator[subprocess.Popen[str]]":
    """Run a process that is killed after the test, with everything that it has started."""
    process = subprocess.Popen(command, start_new_session=True, **options)
    try:
        yield process
    finally:
        kill_group(process)


def kill_group(process: "subprocess.Popen[str]") -> None:
    """Kill a process that leads a session, and whatever is left of those that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Process:
    """A node in its own process."""

    def __init__(self, command: tuple[str, ...], log: Path) -> None:
        self._log = log
        with log.open("w") as out:
            self.popen = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)

    @property
    def output(self) -> str:
        return self._log.read_text()

    def wait_for(self, text: str) -> None:
        end = time.monotonic() + LIMIT_S
        while text not in self.output:
            assert self.popen.poll() is None, f"ended before '{text}':\n{self.output}"
            assert time.monotonic() < end, f"no '{text}' in:\n{self.output}"
            time.sleep(0.02)

    def end(self, number: int = signal.SIGINT) -> int:
        """Send a signal and return the exit code."""
        self.popen.send_signal(number)
        return self.popen.wait(LIMIT_S)


class Client:
    """A node in the test's own process, spun while it waits for something."""

    def __init__(self) -> None:
        self.node = Node("tester")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)

    def wait(self, condition: Callable[[], object], what: str = "condition") -> None:
        end = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < end, f"{what} not met in {LIMIT_S} s"
            self._executor.spin_once(timeout_sec=0.02)

    def spin(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.02)

    def collect(self, kind: type, topic: str, qos: Any = 10) -> list[Any]:
        """Subscribe, and return the list that the messages are appended to."""
        found: list[Any] = []
        self.node.create_subscription(kind, topic, found.append, qos)
        return found

    def call(self, kind: type, name: str, request: Any = None) -> Any:
        client = self.node.create_client(kind, name)
        self.wait(client.service_is_ready, f"service {name}")
        future = client.call_async(request or kind.Request())
        # Answers that are sent before the service knows who reads them get lost.
        self._executor.spin_until_future_complete(future, timeout_sec=LIMIT_S / 2)
        if not future.done():
            future = client.call_async(request or kind.Request())
        self.wait(future.done, f"answer of {name}")
        self.node.destroy_client(client)
        return future.result()

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()


def set_parameter(client: Client, name: str, value: object) -> SetParametersResult:
    """Set a parameter of the node under test as `ros2 param set` does."""
    request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
    (result,) = client.call(SetParameters, "/affordance/set_parameters", request).results
    return result
