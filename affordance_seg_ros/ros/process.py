# SPDX-License-Identifier: Apache-2.0
"""A node as a process: signals end it cleanly at any moment, bad input gives exit code 2.

Imports next to nothing: the signal handlers must be in place before rclpy and torch are loaded.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from affordance_seg_ros.threads import share_processor


class StopRequest:
    """Set by the first SIGINT or SIGTERM, which also interrupts what the main thread is doing.

    Later signals are ignored.
    """

    def __init__(self) -> None:
        self.is_set = False
        self._held = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Suppress the interrupt where nothing may be left half done; `is_set` still records it.

        A signal mask would not do: other threads receive signals in place of the main one.
        """
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def ignore_signals(self) -> None:
        """Let nothing disturb the clean-up.

        A handler in Python would not do: the interpreter removes it before it has itself ended.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.ignore_signals()
        # An interrupt raised in a destructor is lost, so whoever waits checks this as well.
        self.is_set = True
        if not self._held:
            raise KeyboardInterrupt


class Runnable(Protocol):
    """What `run` needs of a node, besides being an rclpy node."""

    def start(self) -> bool:
        """Start working; return false if that failed, with the reason logged."""

    def is_running(self) -> bool:
        """Return whether there is anything left to do; raise what went wrong in another thread."""

    def close(self) -> None:
        """Stop all threads and leave everything tidy; may be called in any state."""


def run(name: str, create: Callable[[], Runnable]) -> int:
    """Create a node, spin it until a signal comes or its work is done, and close it.

    Args:
        name: Name of the executable, for messages.
        create: Imports and constructs the node.

    Returns:
        Exit code: 0 for a clean end, also by signal; 2 for bad parameters or missing devices.
    """
    stop = StopRequest()
    share_processor()
    try:
        from affordance_seg_ros.ros.spinning import spin

        return spin(name, create, stop)
    except KeyboardInterrupt:
        return 0
    finally:
        stop.ignore_signals()
