# SPDX-License-Identifier: Apache-2.0
import pytest

from affordance_seg_ros.ros.reminder import REMIND_S, Reminder


@pytest.fixture
def said():
    return []


@pytest.fixture
def reminder(said):
    return Reminder(said.append, said.append)


def test_a_reason_is_said_once_and_again_after_a_while(reminder, said):
    for second in range(int(REMIND_S) + 1):
        reminder.update([f"depth has not come for {second} s: no publisher"], float(second))
    assert said == [
        "waiting: depth has not come for 0 s: no publisher",
        "waiting: depth has not come for 30 s: no publisher",
    ]


def test_a_new_reason_is_said_at_once(reminder, said):
    reminder.update(["no publisher"], 0.0)
    reminder.update(["no publisher", "no message"], 1.0)
    assert said == ["waiting: no publisher", "waiting: no publisher", "waiting: no message"]


def test_a_reason_that_goes_is_not_a_new_one(reminder, said):
    reminder.update(["no publisher", "no message"], 0.0)
    reminder.update(["no message"], 1.0)
    assert len(said) == 2


def test_the_end_of_all_waiting_is_told_once(reminder, said):
    reminder.update([], 0.0)
    reminder.update(["no message"], 1.0)
    reminder.update([], 2.0)
    reminder.update([], 3.0)
    assert said == ["waiting: no message", "all inputs arrive"]


def test_what_is_forgotten_is_said_anew_and_never_told_as_over(reminder, said):
    reminder.update(["no message"], 0.0)
    reminder.forget()
    reminder.update([], 1.0)
    reminder.update(["no message"], 2.0)
    assert said == ["waiting: no message"] * 2
