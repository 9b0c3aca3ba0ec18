# SPDX-License-Identifier: Apache-2.0
"""Hand-over between two threads where only the newest item counts."""

import threading
import time
from typing import Generic, TypeVar

from affordance_seg_ros.ros.arrivals import Arrivals

Item = TypeVar("Item")


class Mailbox(Generic[Item]):
    """One slot: putting never waits, and replaces what has not been taken."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._item: Item | None = None
        self._closed = False
        self._dropped = Arrivals(time.monotonic_ns())

    @property
    def dropped(self) -> Arrivals:
        """Items that were replaced before anyone took them."""
        return self._dropped

    def put(self, item: Item) -> None:
        """Put an item; an older one still waiting is dropped and counted."""
        with self._condition:
            if self._item is not None:
                self._dropped.add(time.monotonic_ns())
            self._item = item
            self._condition.notify()

    def take(self) -> Item | None:
        """Wait for an item and return it; None once the mailbox is closed."""
        with self._condition:
            self._condition.wait_for(lambda: self._item is not None or self._closed)
            item, self._item = self._item, None
            return None if self._closed else item

    def close(self) -> None:
        """End all waiting, now and later; an item still waiting is no longer handed out."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
