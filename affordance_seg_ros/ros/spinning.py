# SPDX-License-Identifier: Apache-2.0
"""The life of a node within its process, from rclpy's start to its shutdown."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import remove_ros_args

from affordance_seg_ros.errors import AffordanceError, ConfigError
from affordance_seg_ros.ros.process import Runnable, StopRequest

_WAKE_S = 0.1
"""rcl waits in C, where Python handles no signals: it must return now and then."""


def spin(name: str, create: Callable[[], Runnable], stop: StopRequest) -> int:
    """Create a node and spin it until it is told to stop or has nothing left to do.

    Returns:
        Exit code: 0, or 2 for bad arguments, bad parameters or missing devices.
    """
    node: Runnable | None = None
    executor: SingleThreadedExecutor | None = None
    try:
        start_rclpy(sys.argv)
        node = create()
        if not node.start():
            return 2
        with stop.held():  # the destructors of a half-built executor complain
            executor = SingleThreadedExecutor()
        executor.add_node(cast(Node, node))
        while not stop.is_set and node.is_running():
            executor.spin_once(timeout_sec=_WAKE_S)
        return 0
    except AffordanceError as error:
        get_logger(name).fatal(str(error))
        return 2
    finally:
        if executor is not None:  # Jazzy's destructor complains if the context is gone
            executor.shutdown(timeout_sec=_WAKE_S)
        if node is not None:
            node.close()
            cast(Node, node).destroy_node()
        rclpy.try_shutdown()


def start_rclpy(arguments: Sequence[str]) -> None:
    """Start rclpy; signals are left to Python.

    Args:
        arguments: Command line, including ROS arguments.

    Raises:
        ConfigError: ROS does not accept its arguments.
    """
    with _arguments_checked():
        # rclpy's own handlers would shut down the context while the worker still uses it.
        rclpy.init(args=list(arguments), signal_handler_options=SignalHandlerOptions.NO)


def own_arguments(arguments: Sequence[str]) -> list[str]:
    """Return a command line without the name of the command and the ROS arguments.

    Raises:
        ConfigError: ROS does not accept its arguments.
    """
    with _arguments_checked():
        own: list[str] = remove_ros_args(list(arguments))[1:]
    return own


@contextmanager
def _arguments_checked() -> Iterator[None]:
    try:
        yield
    except _ARGUMENT_ERRORS as error:
        # What follows is the location in rcl's source.
        raise ConfigError(str(error).partition(", at ")[0]) from None


_ARGUMENT_ERRORS = (
    rclpy_implementation.RCLError,
    rclpy_implementation.RCLInvalidROSArgsError,
    rclpy_implementation.UnknownROSArgsError,
)
