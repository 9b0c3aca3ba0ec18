# SPDX-License-Identifier: Apache-2.0
from affordance_seg_ros.ros.throttle import Throttle


def test_each_kind_of_message_passes_once_a_period():
    throttle = Throttle(5.0)
    told = [
        (text, now_s)
        for now_s in range(12)
        for text in (f"no depth in {now_s} px", "another size")
        if now_s % 4 == 0 or text == "another size"
        if throttle.passes(text, now_s)
    ]
    assert told == [
        ("no depth in 0 px", 0), ("another size", 0), ("another size", 5),
        ("no depth in 8 px", 8), ("another size", 10),
    ]  # fmt: skip


def test_a_flood_of_kinds_takes_no_memory():
    throttle = Throttle(5.0)
    kinds = ["".join(chr(97 + ord(digit) - 48) for digit in str(index)) for index in range(1000)]
    assert all(throttle.passes(kind, 0.0) for kind in kinds)
    assert not throttle.passes(kinds[-50], 1.0)
    assert throttle.passes(kinds[-51], 1.0)  # forgotten
