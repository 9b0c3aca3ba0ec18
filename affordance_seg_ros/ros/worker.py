# SPDX-License-Identifier: Apache-2.0
"""The one thread that computes."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from affordance_seg_ros.ros.mailbox import Mailbox

Item = TypeVar("Item")


class Worker(Generic[Item]):
    """Takes the newest item from a mailbox and processes it, from `start` until stopped.

    Args:
        mailbox: Where the items come from; closed by `stop`.
        process: Called with each item, in the worker's thread.
    """

    def __init__(self, mailbox: Mailbox[Item], process: Callable[[Item], None]) -> None:
        self._mailbox = mailbox
        self._process = process
        self._failure: BaseException | None = None
        # Not `Thread.join`: interrupted by a signal, it takes the thread for dead (Python < 3.13).
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="worker")

    def start(self) -> None:
        """Start."""
        self._thread.start()

    @property
    def failure(self) -> BaseException | None:
        """The error that ended the worker; None while all is well."""
        return self._failure

    def stop(self) -> None:
        """Let the current item be finished, take no other, and wait for the end."""
        self._mailbox.close()
        # A thread whose start was interrupted by a signal finds the mailbox closed.
        if self._thread.ident is not None:
            self._ended.wait()

    def _run(self) -> None:
        try:
            while (item := self._mailbox.take()) is not None:
                self._process(item)
        # Not swallowed: the node raises it in the main thread and ends.
        except Exception as error:
            self._failure = error
        finally:
            self._ended.set()
