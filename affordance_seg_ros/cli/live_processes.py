# SPDX-License-Identifier: Apache-2.0
"""The processes of a live run: none outlives it, and the end of one ends the others."""

import select
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType

from affordance_seg_ros.cli.record import READY
from affordance_seg_ros.errors import SourceError

_PACKAGE = "affordance_seg_ros"
_POLL_S = 0.1
_DRAIN_S = 1.0
_FINISH_S = 60.0
"""Time for the recorder to write the pictures and the page."""
_STOP_S = 20.0
_INTERRUPTED_STOP_S = 3.0
"""`ros2 launch` sends SIGTERM five seconds after SIGINT, and SIGKILL another five after that."""


class LiveProcesses:
    """Starts node, recorder and player from this package's install space; a context manager.

    Raises:
        SourceError: The package is not installed with ROS 2, or a process ends with an error,
            having reported the cause itself.
    """

    def __init__(self) -> None:
        self._executables = _executables()
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._ready = False

    def __enter__(self) -> "LiveProcesses":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for program, process in self._running.items():
            # A recorder that has nothing yet has nothing to finish.
            is_recorder = program == "affordance-seg"
            process.send_signal(
                signal.SIGKILL if is_recorder and not self._ready else signal.SIGINT
            )
        deadline = time.monotonic() + _INTERRUPTED_STOP_S
        for process in self._running.values():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start_node(self, *words: str) -> None:
        """Start the affordance node."""
        self._start("affordance_node", *words)

    def start_recorder(self, *words: str) -> None:
        """Start the recorder, and wait until it is connected to the node."""
        stdout = self._start("affordance-seg", "record", *words, piped=True).stdout
        assert stdout is not None
        while not select.select([stdout], [], [], _POLL_S)[0] or stdout.readline().strip() != READY:
            self._check()
        self._ready = True

    def play(self, *words: str) -> None:
        """Run the player to its end, and give the last messages time to arrive."""
        player = self._start("play", *words)
        while player.poll() is None:
            self._check()
            time.sleep(_POLL_S)
        self._expect_success("play", self._running.pop("play").returncode)
        time.sleep(_DRAIN_S)

    def finish(self) -> None:
        """Stop the node, then the recorder, which then makes the report from what all counted."""
        # The node first: nothing arrives any more, and it would soon say so.
        for program, limit_s in (("affordance_node", _STOP_S), ("affordance-seg", _FINISH_S)):
            process = self._running[program]
            process.send_signal(signal.SIGINT)
            try:
                code = process.wait(limit_s)
            except subprocess.TimeoutExpired:
                raise SourceError(f"{program} did not end within {limit_s:g} s") from None
            del self._running[program]
            self._expect_success(program, code)

    def _start(self, program: str, *words: str, piped: bool = False) -> "subprocess.Popen[str]":
        # In its own session: Ctrl-C in a terminal reaches only this process, which then stops the
        # others in order.
        process = subprocess.Popen(
            [str(self._executables / program), *words],
            stdout=subprocess.PIPE if piped else None,
            text=True,
            start_new_session=True,
        )
        self._running[program] = process
        return process

    def _check(self) -> None:
        """Raise if a process has ended that should not have."""
        for program, process in list(self._running.items()):
            if program != "play" and process.poll() is not None:
                del self._running[program]
                raise SourceError(f"{program} ended early with exit code {process.returncode}")

    def _expect_success(self, program: str, code: int) -> None:
        if code:
            raise SourceError(f"{program} ended with exit code {code}; expected 0")


def _executables() -> Path:
    try:
        from ament_index_python.packages import get_package_prefix

        return Path(get_package_prefix(_PACKAGE)) / "lib" / _PACKAGE
    except (ImportError, LookupError, OSError) as error:  # no ROS, no such package, not sourced
        raise SourceError(
            f"a live run needs ROS 2, and this package built and sourced in it ({error})"
        ) from error
