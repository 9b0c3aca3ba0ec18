# SPDX-License-Identifier: Apache-2.0
import threading

from affordance_seg_ros.ros.mailbox import Mailbox
from affordance_seg_ros.ros.worker import Worker


def test_only_the_newest_item_is_handed_out_and_the_others_are_counted():
    mailbox = Mailbox()
    for item in range(1, 5):
        mailbox.put(item)
    assert mailbox.take() == 4
    assert mailbox.dropped.count == 3
    mailbox.put(5)
    assert mailbox.take() == 5
    assert mailbox.dropped.count == 3


def test_taking_waits_until_something_is_put():
    mailbox = Mailbox()
    threading.Timer(0.05, mailbox.put, [1]).start()
    assert mailbox.take() == 1


def test_closing_ends_the_wait_and_hands_out_nothing_more():
    mailbox = Mailbox()
    threading.Timer(0.05, mailbox.close).start()
    assert mailbox.take() is None
    mailbox.put(1)
    assert mailbox.take() is None


def test_the_worker_finishes_its_item_before_it_stops():
    mailbox, begun, done = Mailbox(), threading.Event(), []

    def process(item):
        begun.set()
        threading.Event().wait(0.1)
        done.append(item)

    worker = Worker(mailbox, process)
    worker.start()
    mailbox.put(1)
    begun.wait()
    mailbox.put(2)
    worker.stop()
    assert done == [1]
    assert worker.failure is None


def test_an_error_ends_the_worker_and_is_kept():
    mailbox = Mailbox()
    worker = Worker(mailbox, lambda item: 1 // item)
    worker.start()
    mailbox.put(0)
    worker._thread.join()
    assert isinstance(worker.failure, ZeroDivisionError)
    worker.stop()
